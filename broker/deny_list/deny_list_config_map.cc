#include "broker/deny_list/deny_list_config_map.h"

#include "broker/deny_list/read_deny_list.h"
#include "common/async/block_on.h"
#include "common/resilience/random.h"

#include <utility>

namespace connector::broker::deny_list {
namespace {

constexpr kube::ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};

Error Unusable(ErrorCode code, std::string message) {
  return MakeError(code, ErrorOrigin::kSelf, std::move(message));
}

Result<std::string> TextOf(const kube::Object& object) {
  const boost::json::value* const data = object.json().if_contains("data");
  const boost::json::value* const text =
      data != nullptr && data->is_object() ? data->get_object().if_contains(kDenyListKey) : nullptr;
  if (text == nullptr || !text->is_string()) {
    return Unusable(ErrorCode::kInvalidArgument,
                    std::string("has no key ") + kDenyListKey +
                        " in its data; to deny nobody, "
                        "write denied: []");
  }
  const boost::json::string& bytes = text->get_string();
  if (bytes.size() > kMaxDenyListBytes) {
    return Unusable(ErrorCode::kResourceExhausted, "is larger than 1 MiB");
  }
  return std::string(bytes.data(), bytes.size());
}

kube::InformerOptions OptionsOfOne(const kube::ObjectName& name,
                                   std::chrono::milliseconds max_silence) {
  kube::InformerOptions options;
  options.type = kConfigMaps;
  options.selector = {.ns = name.ns, .fields = "metadata.name=" + name.name};
  kube::NoticeSilence(max_silence, options);
  return options;
}

}  // namespace

DenyListConfigMap::DenyListConfigMap(kube::ObjectName name, const Parts& parts)
    : name_(std::move(name)),
      clock_(parts.clock),
      executor_(parts.executor),
      informer_(OptionsOfOne(name_, parts.max_silence),
                {&parts.client, &parts.clock, &parts.logger, resilience::RandomFraction},
                [this](const std::shared_ptr<const kube::Store>& store, const kube::Changes&) {
                  Take(*store);
                }) {}

void DenyListConfigMap::Start() {
  informer_.Start(executor_);
}

void DenyListConfigMap::Stop(Deadline deadline) {
  BlockOn(executor_, informer_.Stop(deadline));
}

void DenyListConfigMap::Take(const kube::Store& store) {
  const kube::ObjectPtr object = store.Find(name_);
  DenyListReading reading{object ? TextOf(*object)
                                 : Result<std::string>(Unusable(
                                       ErrorCode::kNotFound,
                                       "is not there; to deny nobody, create it with denied: []"))};
  if (object) {
    reading.revision = "resourceVersion " + object->resource_version();
  }
  const std::lock_guard lock(mutex_);
  heard_ = true;
  news_ = std::move(reading);
}

std::optional<DenyListReading> DenyListConfigMap::Poll() {
  const kube::InformerHealth health = informer_.Health();
  const std::lock_guard lock(mutex_);
  // Afterwards Silence says so.
  if (!heard_ && !health.problem.empty() && health.problem != failure_) {
    failure_ = health.problem;
    return DenyListReading{
        Result<std::string>(Unusable(ErrorCode::kUnavailable, "cannot be read: " + failure_))};
  }
  return std::exchange(news_, std::nullopt);
}

std::chrono::steady_clock::duration DenyListConfigMap::Silence() const {
  const auto since = informer_.Health().failing_since;
  return since ? clock_.Now() - *since : std::chrono::steady_clock::duration{};
}

}  // namespace connector::broker::deny_list
