#include "common/kube/answers.h"

#include <algorithm>

namespace connector::kube {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxMessageBytes = 1024;
constexpr int kGone = 410;
constexpr int kTimeout = 504;

Error NotTheApi(const std::string& what) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kUpstream,
                   "not the API's answer: " + what,
                   Retry::kSafe);
}

std::string Text(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string().c_str()) : "";
}

const json::object* Part(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found == nullptr ? nullptr : found->if_object();
}

// One line, printable, bounded.
std::string Sentence(std::string text) {
  if (text.size() > kMaxMessageBytes) {
    text.resize(kMaxMessageBytes);
    text += "...";
  }
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return text;
}

struct Meaning {
  ErrorCode code = ErrorCode::kUnavailable;
  Retry retry = Retry::kNever;
  const char* words = "";  // When the server says nothing.
};

Meaning MeaningOf(int status) {
  switch (status) {
    case 400:
    case 405:
    case 415:
    case 422:
      return {ErrorCode::kInvalidArgument, Retry::kNever, "the request is not valid"};
    case 401:
      return {ErrorCode::kUnauthenticated, Retry::kNever, "the API does not know who we are"};
    case 403:
      return {ErrorCode::kPermissionDenied, Retry::kNever, "not allowed"};
    case 404:
      return {ErrorCode::kNotFound, Retry::kNever, "not found"};
    case 409:
      return {ErrorCode::kConflict, Retry::kNever, "somebody else was first"};
    case 413:
      return {ErrorCode::kResourceExhausted, Retry::kNever, "too large for the API"};
    case 429:
      return {ErrorCode::kUnavailable, Retry::kSafe, "the API has too many requests"};
    default:
      return {ErrorCode::kUnavailable,
              Retry::kSafe,
              status < 500 ? "not the API's answer" : "the API fails"};
  }
}

// "Too large resource version": the store was set back, so that our version lies ahead of it.
bool IsAhead(const json::object& status) {
  const json::object* details = Part(status, "details");
  const json::value* causes = details == nullptr ? nullptr : details->if_contains("causes");
  if (causes == nullptr || !causes->is_array()) {
    return false;
  }
  const json::array& all = causes->as_array();
  return std::any_of(all.begin(), all.end(), [](const json::value& cause) {
    return cause.is_object() && Text(cause.as_object(), "reason") == "ResourceVersionTooLarge";
  });
}

bool IsExpiredStatus(int code, const json::object& status) {
  return code == kGone || (code == kTimeout && IsAhead(status));
}

Error ErrorFromObject(int status, const json::object* body, const std::string& what) {
  const Meaning meaning = MeaningOf(status);
  std::string said = body != nullptr && Text(*body, "kind") == "Status" && status < 500
                         ? Sentence(Text(*body, "message"))
                         : "";
  // A 401 says nothing but its name, and what it says of a token is not for a log.
  if (said.empty() || meaning.code == ErrorCode::kUnauthenticated) {
    said = meaning.words;
  }
  return MakeError(meaning.code,
                   ErrorOrigin::kUpstream,
                   what + ": " + said + " (" + std::to_string(status) + ")",
                   meaning.retry);
}

WatchLine ReadError(const json::object& status) {
  const json::value* code = status.if_contains("code");
  const int number = code != nullptr && code->is_int64() ? static_cast<int>(code->as_int64()) : 500;
  WatchLine line;
  line.expired = IsExpiredStatus(number, status);
  if (!line.expired) {
    line.refused = ErrorFromObject(number, &status, "watch");
  }
  return line;
}

std::optional<WatchEventKind> KindOf(std::string_view type) {
  if (type == "ADDED") {
    return WatchEventKind::kAdded;
  }
  if (type == "MODIFIED") {
    return WatchEventKind::kModified;
  }
  if (type == "DELETED") {
    return WatchEventKind::kDeleted;
  }
  return type == "BOOKMARK" ? std::optional(WatchEventKind::kBookmark) : std::nullopt;
}

}  // namespace

Error ErrorFromStatus(int status, std::string_view body, const std::string& what) {
  const std::optional<json::object> parsed = ParseWipedObject(body, Object::Memory());
  return ErrorFromObject(status, parsed ? &*parsed : nullptr, what);
}

Error WithContext(const std::string& what, Error error) {
  error.message = what + ": " + error.message;
  return error;
}

bool IsExpired(int status, std::string_view body) {
  const std::optional<json::object> parsed = ParseWipedObject(body, Object::Memory());
  return parsed ? IsExpiredStatus(status, *parsed) : status == kGone;
}

Result<Page> ParsePage(std::string_view body, const ResourceType& type) {
  std::optional<json::object> list = ParseWipedObject(body, Object::Memory());
  if (!list) {
    return NotTheApi("no JSON object");
  }
  const json::object* metadata = Part(*list, "metadata");
  json::value* items = list->if_contains("items");
  if (metadata == nullptr || Text(*metadata, "resourceVersion").empty()) {
    return NotTheApi("a list without metadata.resourceVersion");
  }
  // An empty list of Go is null.
  if (items == nullptr || (!items->is_array() && !items->is_null())) {
    return NotTheApi("a list without items");
  }
  Page page{{}, Text(*metadata, "resourceVersion"), Text(*metadata, "continue")};
  if (items->is_array()) {
    for (json::value& item : items->as_array()) {
      if (!item.is_object()) {
        return NotTheApi("an item that is no object");
      }
      Result<ObjectPtr> object = Object::Take(std::move(item.as_object()), type);
      if (!object) {
        return std::move(object).error();
      }
      page.items.push_back(*std::move(object));
    }
  }
  return page;
}

Result<WatchLine> ParseWatchLine(std::string_view text, const ResourceType& type) {
  std::optional<json::object> parsed = ParseWipedObject(text, Object::Memory());
  json::value* object = parsed ? parsed->if_contains("object") : nullptr;
  if (object == nullptr || !object->is_object()) {
    return NotTheApi("a watch event without an object");
  }
  json::object& part = object->as_object();
  const std::string name = Text(*parsed, "type");
  if (name == "ERROR") {
    return ReadError(part);
  }
  WatchLine line;
  const std::optional<WatchEventKind> kind = KindOf(name);
  if (!kind) {
    return line;
  }
  WatchEvent event;
  event.kind = *kind;
  if (*kind == WatchEventKind::kBookmark) {
    const json::object* metadata = Part(part, "metadata");
    event.resource_version = metadata == nullptr ? "" : Text(*metadata, "resourceVersion");
    if (event.resource_version.empty()) {
      return NotTheApi("a bookmark without metadata.resourceVersion");
    }
  } else {
    Result<ObjectPtr> made = Object::Take(std::move(part), type);
    if (!made) {
      return std::move(made).error();
    }
    event.object = *std::move(made);
    event.resource_version = event.object->resource_version();
  }
  line.event = std::move(event);
  return line;
}

}  // namespace connector::kube
