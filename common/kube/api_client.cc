#include "common/kube/api_client.h"

#include "common/kube/answers.h"
#include "common/kube/requests.h"
#include "common/kube/transport.h"
#include "common/kube/watch_lines.h"

namespace connector::kube {
namespace {

constexpr std::string_view kPageSize = "500";
constexpr int kMaxFreshLists = 5;
// An API server ends each watch between this and twice as much by itself.
constexpr std::chrono::seconds kServersOwnWatch{1800};
constexpr std::string_view kJson = "application/json";

using SharedTransport = std::shared_ptr<Transport>;

// The answer of a success; all others as the Error that they mean.
Task<Result<Transport::Answer>> SendExpectingSuccess(SharedTransport transport,
                                                     ApiCall call,
                                                     Deadline deadline) {
  const auto shared = std::make_shared<const ApiCall>(std::move(call));
  Result<Transport::Answer> answer = co_await transport->Send(shared, deadline);
  if (answer && !answer->ok()) {
    co_return ErrorFromStatus(answer->status, answer->text(), shared->what);
  }
  co_return std::move(answer);
}

Task<Result<ObjectPtr>> SendForObject(SharedTransport transport,
                                      Result<ApiCall> call,
                                      Deadline deadline) {
  if (!call) {
    co_return std::move(call).error();
  }
  const std::string what = call->what;
  Result<Transport::Answer> answer =
      co_await SendExpectingSuccess(std::move(transport), *std::move(call), deadline);
  if (!answer) {
    co_return std::move(answer).error();
  }
  Result<ObjectPtr> object = Object::Parse(answer->text());
  if (!object) {
    co_return WithContext(what, std::move(object).error());
  }
  co_return object;
}

Result<ApiCall> WithBody(Result<ApiCall> call,
                         std::string method,
                         std::string_view content_type,
                         const ResourceType& type,
                         boost::json::object body) {
  if (call) {
    call->method = std::move(method);
    call->content_type = content_type;
    call->body = BodyOf(type, std::move(body));
  }
  return call;
}

// One attempt at all pages. `expired` is set when a continue token was too old.
Task<Result<Listing>> ListPages(SharedTransport transport,
                                ResourceType type,
                                Selector selector,
                                std::shared_ptr<bool> expired,
                                std::shared_ptr<Cancel> cancel,
                                Deadline deadline) {
  Listing listing;
  std::string next;
  do {
    Result<ApiCall> call = SelectorCall("list", type, selector);
    if (!call) {
      co_return std::move(call).error();
    }
    call->cancel = cancel;
    AddQuery(*call, "limit", kPageSize);
    if (!next.empty()) {
      AddQuery(*call, "continue", next);
    }
    const auto shared = std::make_shared<const ApiCall>(*std::move(call));
    Result<Transport::Answer> answer = co_await transport->Send(shared, deadline);
    if (!answer) {
      co_return std::move(answer).error();
    }
    if (!answer->ok()) {
      *expired = IsExpired(answer->status, answer->text());
      co_return ErrorFromStatus(answer->status, answer->text(), shared->what);
    }
    Result<Page> page = ParsePage(answer->text(), type);
    if (!page) {
      co_return WithContext(shared->what, std::move(page).error());
    }
    listing.items.insert(listing.items.end(),
                         std::make_move_iterator(page->items.begin()),
                         std::make_move_iterator(page->items.end()));
    listing.resource_version = std::move(page->resource_version);
    next = std::move(page->next);
  } while (!next.empty());
  co_return listing;
}

// What one read of a watch's stream brought.
struct WatchRead {
  std::optional<WatchEnd> end;
  std::optional<Error> error;
};

WatchRead DispatchEvents(WatchLines& lines,
                         std::string_view bytes,
                         const ResourceType& type,
                         const std::function<void(WatchEvent)>& on_event) {
  WatchRead read;
  const bool whole = lines.Feed(bytes, [&](std::string_view text) {
    Result<WatchLine> line = ParseWatchLine(text, type);
    if (!line) {
      read.error = std::move(line).error();
    } else if (line->expired) {
      read.end = WatchEnd::kExpired;
    } else if (line->refused) {
      read.error = std::move(line->refused);
    } else if (line->event) {
      on_event(*std::move(line->event));
    }
    return !read.end && !read.error;
  });
  if (!whole && !read.end && !read.error) {
    read.error =
        MakeError(ErrorCode::kResourceExhausted, ErrorOrigin::kUpstream, "an event is too large");
  }
  return read;
}

// How a stream that ended or said nothing reads, when it was not at `deadline`.
Result<WatchEnd> WatchEndOf(const Error& error, Deadline deadline) {
  if (error.origin == ErrorOrigin::kSelf) {
    return error;  // Nobody wants it any more.
  }
  if (error.code != ErrorCode::kDeadlineExceeded) {
    return WatchEnd::kClosed;
  }
  if (std::chrono::steady_clock::now() >= deadline) {
    return error;
  }
  return WatchEnd::kSilent;
}

// The server sends a bookmark 2 s before that, and ends the watch. At least 1, since 0 would let it
// choose.
std::int64_t SecondsUntil(Deadline deadline) {
  const auto left = std::min<std::chrono::steady_clock::duration>(
      deadline - std::chrono::steady_clock::now(), kServersOwnWatch);
  return std::max<std::int64_t>(std::chrono::floor<std::chrono::seconds>(left).count(), 1);
}

Task<Result<WatchEnd>> ReadWatch(SharedTransport transport,
                                 Transport::OpenResponse opened,
                                 ResourceType type,
                                 std::function<void(WatchEvent)> on_event,
                                 std::chrono::milliseconds idle,
                                 Deadline deadline) {
  WatchLines lines;
  while (true) {
    const Deadline until = std::min(deadline, std::chrono::steady_clock::now() + idle);
    auto piece = co_await opened.stream->Read(until);
    if (!piece) {
      Result<WatchEnd> end = WatchEndOf(piece.error(), deadline);
      if (end && *end == WatchEnd::kSilent) {
        transport->Suspect(opened.pool);
      }
      co_return end;
    }
    if (*piece == nullptr) {
      co_return WatchEnd::kClosed;
    }
    WatchRead read = DispatchEvents(lines, (*piece)->view(), type, on_event);
    if (read.error) {
      co_return *std::move(read.error);
    }
    if (read.end) {
      co_return *read.end;
    }
  }
}

}  // namespace

class ApiClient::Impl {
 public:
  Impl(ClusterConnection connection, ApiClientParts parts)
      : transport(std::make_shared<Transport>(std::move(connection), std::move(parts))) {}

  const SharedTransport transport;
};

ApiClient::ApiClient(ClusterConnection connection, ApiClientParts parts)
    : impl_(std::make_unique<Impl>(std::move(connection), std::move(parts))) {}

ApiClient::~ApiClient() {
  Shutdown();
}

void ApiClient::Shutdown() {
  impl_->transport->Shutdown();
}

const std::string& ApiClient::own_namespace() const {
  return impl_->transport->connection().ns;
}

Task<Result<ObjectPtr>> ApiClient::Get(ResourceType type, ObjectName name, Deadline deadline) {
  return SendForObject(impl_->transport, ObjectCall("get", type, name), deadline);
}

Task<Result<Listing>> ApiClient::List(ResourceType type,
                                      Selector selector,
                                      Deadline deadline,
                                      std::shared_ptr<Cancel> cancel) {
  const SharedTransport transport = impl_->transport;
  Result<Listing> listing;
  const auto expired = std::make_shared<bool>(true);
  for (int attempt = 0; attempt < kMaxFreshLists && *expired; ++attempt) {
    *expired = false;
    listing = co_await ListPages(transport, type, selector, expired, cancel, deadline);
  }
  co_return listing;
}

Task<Result<ObjectPtr>> ApiClient::Create(ResourceType type,
                                          std::string ns,
                                          boost::json::object body,
                                          Deadline deadline) {
  return SendForObject(
      impl_->transport,
      WithBody(CollectionCall("create", type, ns), "POST", kJson, type, std::move(body)),
      deadline);
}

Task<Result<boost::json::object>> ApiClient::Review(ResourceType type,
                                                    boost::json::object body,
                                                    Deadline deadline) {
  Result<ApiCall> call =
      WithBody(CollectionCall("create", type, ""), "POST", kJson, type, std::move(body));
  if (!call) {
    co_return std::move(call).error();
  }
  const std::string what = call->what;
  Result<Transport::Answer> answer =
      co_await SendExpectingSuccess(impl_->transport, *std::move(call), deadline);
  if (!answer) {
    co_return std::move(answer).error();
  }
  boost::system::error_code error;
  boost::json::value parsed = boost::json::parse(answer->text(), error);
  if (error || !parsed.is_object()) {
    co_return MakeError(ErrorCode::kUnavailable,
                        ErrorOrigin::kUpstream,
                        what + ": not the API's answer: no JSON object",
                        Retry::kSafe);
  }
  co_return std::move(parsed.as_object());
}

Task<Result<ObjectPtr>> ApiClient::Update(ResourceType type,
                                          ObjectName name,
                                          boost::json::object body,
                                          Deadline deadline) {
  return SendForObject(
      impl_->transport,
      WithBody(ObjectCall("update", type, name), "PUT", kJson, type, std::move(body)),
      deadline);
}

Task<Result<ObjectPtr>> ApiClient::MergePatch(ResourceType type,
                                              ObjectName name,
                                              std::string subresource,
                                              boost::json::object body,
                                              Deadline deadline) {
  return SendForObject(impl_->transport,
                       WithBody(ObjectCall("patch", type, name, subresource),
                                "PATCH",
                                "application/merge-patch+json",
                                type,
                                std::move(body)),
                       deadline);
}

Task<Result<Done>> ApiClient::Delete(ResourceType type,
                                     ObjectName name,
                                     DeletePreconditions preconditions,
                                     Deadline deadline) {
  boost::json::object conditions;
  if (!preconditions.uid.empty()) {
    conditions["uid"] = preconditions.uid;
  }
  if (!preconditions.resource_version.empty()) {
    conditions["resourceVersion"] = preconditions.resource_version;
  }
  constexpr ResourceType kOptions{"", "v1", "deleteoptions", "DeleteOptions", false};
  Result<ApiCall> call =
      WithBody(ObjectCall("delete", type, name),
               "DELETE",
               kJson,
               kOptions,
               {{"preconditions", std::move(conditions)}, {"propagationPolicy", "Background"}});
  if (!call) {
    co_return std::move(call).error();
  }
  Result<Transport::Answer> answer =
      co_await SendExpectingSuccess(impl_->transport, *std::move(call), deadline);
  if (!answer) {
    co_return std::move(answer).error();
  }
  co_return Done{};
}

Task<Result<std::string>> ApiClient::GetRaw(std::string path, Deadline deadline) {
  ApiCall call;
  call.verb = "get";
  call.resource = "raw";
  call.what = "get " + path;
  call.path = std::move(path);
  Result<Transport::Answer> answer =
      co_await SendExpectingSuccess(impl_->transport, std::move(call), deadline);
  if (!answer) {
    co_return std::move(answer).error();
  }
  co_return std::string(answer->text());
}

Task<Result<WatchEnd>> ApiClient::Watch(ResourceType type,
                                        Selector selector,
                                        std::string resource_version,
                                        std::function<void(WatchEvent)> on_event,
                                        std::chrono::milliseconds idle,
                                        Deadline deadline,
                                        std::shared_ptr<Cancel> cancel) {
  const SharedTransport transport = impl_->transport;
  Result<ApiCall> call = SelectorCall("watch", type, selector);
  if (!call) {
    co_return std::move(call).error();
  }
  AddQuery(*call, "watch", "true");
  AddQuery(*call, "allowWatchBookmarks", "true");
  AddQuery(*call, "resourceVersion", resource_version);
  if (const std::int64_t seconds = SecondsUntil(deadline); seconds < kServersOwnWatch.count()) {
    AddQuery(*call, "timeoutSeconds", std::to_string(seconds));
  }
  call->head_timeout = idle;
  call->cancel = cancel;
  const auto shared = std::make_shared<const ApiCall>(*std::move(call));
  Result<Transport::OpenResponse> opened = co_await transport->Open(shared, deadline);
  if (!opened) {
    co_return std::move(opened).error();
  }
  const int status = opened->stream->status();
  if (status == 200) {
    on_event({WatchEventKind::kOpened, nullptr, resource_version});
    Result<WatchEnd> end = co_await ReadWatch(
        transport, *std::move(opened), type, std::move(on_event), idle, deadline);
    if (!end) {
      co_return WithContext(shared->what, std::move(end).error());
    }
    co_return end;
  }
  const std::string what = shared->what;
  auto body = co_await transport->ReadAll(
      std::make_shared<const Transport::OpenResponse>(*std::move(opened)), what, deadline);
  if (!body) {
    co_return std::move(body).error();
  }
  if (IsExpired(status, (*body)->view())) {
    co_return WatchEnd::kExpired;
  }
  co_return ErrorFromStatus(status, (*body)->view(), what);
}

}  // namespace connector::kube
