#include "controller/writer/writer.h"

#include <algorithm>
#include <utility>

namespace connector::controller {
namespace {

constexpr const char kNotLeading[] = "this replica does not lead; nothing was written";

std::string Named(kube::ResourceType type, const std::string& subresource) {
  std::string name(type.plural);
  return subresource.empty() ? name : name + "/" + subresource;
}

template <typename T>
Result<Done> Outcome(const Result<T>& result) {
  return result ? Result<Done>(Done{}) : Result<Done>(result.error());
}

}  // namespace

bool IsNotLeading(const Error& error) {
  return error.origin == ErrorOrigin::kSelf && error.message == kNotLeading;
}

// A replica that was stopped for a while, and goes on, passes here before it writes: the steady
// clock went on too.
Result<Deadline> Writer::Permit() const {
  const std::optional<Deadline> until = parts_.leading_until();
  const Deadline now = std::chrono::steady_clock::now();
  if (!until || *until - kWriteMargin <= now) {
    return MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kSelf, kNotLeading);
  }
  return std::min(now + kWriteTimeout, *until - kWriteMargin);
}

void Writer::Note(std::string_view verb, std::string resource, const Result<Done>& result) const {
  WriteReport written{verb, std::move(resource), result.has_value(), false};
  written.not_leading = !result && IsNotLeading(result.error());
  parts_.on_write(written);
}

Task<Result<kube::ObjectPtr>> Writer::Create(kube::ResourceType type,
                                             std::string ns,
                                             boost::json::object body) {
  const Result<Deadline> permit = Permit();
  Result<kube::ObjectPtr> created = permit.has_value() ? Result<kube::ObjectPtr>() : permit.error();
  if (permit) {
    created = co_await parts_.client->Create(type, std::move(ns), std::move(body), *permit);
  }
  Note("create", Named(type, {}), Outcome(created));
  co_return created;
}

Task<Result<kube::ObjectPtr>> Writer::MergePatch(kube::ResourceType type,
                                                 kube::ObjectName name,
                                                 std::string subresource,
                                                 boost::json::object body) {
  const Result<Deadline> permit = Permit();
  Result<kube::ObjectPtr> patched = permit.has_value() ? Result<kube::ObjectPtr>() : permit.error();
  if (permit) {
    patched = co_await parts_.client->MergePatch(
        type, std::move(name), subresource, std::move(body), *permit);
  }
  Note("patch", Named(type, subresource), Outcome(patched));
  co_return patched;
}

Task<Result<Done>> Writer::Delete(kube::ResourceType type, kube::ObjectName name, std::string uid) {
  const Result<Deadline> permit = Permit();
  Result<Done> deleted = permit.has_value() ? Result<Done>() : permit.error();
  if (permit) {
    kube::DeletePreconditions preconditions{std::move(uid), {}};
    deleted =
        co_await parts_.client->Delete(type, std::move(name), std::move(preconditions), *permit);
  }
  Note("delete", Named(type, {}), deleted);
  co_return deleted;
}

}  // namespace connector::controller
