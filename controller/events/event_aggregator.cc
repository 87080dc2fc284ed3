#include "controller/events/event_aggregator.h"

#include "common/kube/object.h"
#include "controller/json/times.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace connector::controller {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxNoteBytes = 1024;  // The API's limit.

// Unique among what this and other processes make: the time in microseconds, and a number.
std::string EventName(const ConnectorRef& ref, WallTime wall, std::uint64_t number) {
  const auto time =
      std::chrono::duration_cast<std::chrono::microseconds>(wall.time_since_epoch()).count();
  char suffix[48];
  std::snprintf(suffix,
                sizeof(suffix),
                ".%llx-%llx",
                static_cast<unsigned long long>(time),
                static_cast<unsigned long long>(number));
  return ref.name + suffix;
}

json::object Body(const EventNote& note,
                  const std::string& name,
                  const std::string& instance,
                  WallTime wall) {
  return {{"metadata", {{"name", name}, {"namespace", note.ref.ns}}},
          {"eventTime", ApiMicroTime(wall)},
          {"reportingController", "oci-connector.dev/connector-controller"},
          {"reportingInstance", instance.substr(0, 128)},
          {"action", "Reconcile"},
          {"reason", note.reason},
          {"type", note.warning ? "Warning" : "Normal"},
          {"note", note.message.substr(0, kMaxNoteBytes)},
          {"regarding",
           {{"apiVersion", kube::kConnectors.ApiVersion()},
            {"kind", kube::kConnectors.kind},
            {"namespace", note.ref.ns},
            {"name", note.ref.name},
            {"uid", note.uid}}}};
}

}  // namespace

std::optional<EventWrite> EventAggregator::Aggregate(const EventNote& note,
                                                     SteadyTime now,
                                                     WallTime wall) {
  DropOld(now);
  const Key key{note.uid, note.reason, note.message};
  const auto found = series_.find(key);
  if (found != series_.end()) {
    Series& series = found->second;
    ++series.count;
    series.last = now;
    if (now - series.written < kSeriesInterval) {
      return std::nullopt;
    }
    series.written = now;
    json::object patch{
        {"series", {{"count", series.count}, {"lastObservedTime", ApiMicroTime(wall)}}}};
    return EventWrite{false, series.name, std::move(patch)};
  }
  if (!Allowed(note.uid, now)) {
    return std::nullopt;
  }
  std::string name = EventName(note.ref, wall, made_++);
  series_.emplace(key, Series{name, now, now, 1});
  json::object body = Body(note, name, instance_, wall);
  return EventWrite{true, std::move(name), std::move(body)};
}

bool EventAggregator::Allowed(const std::string& uid, SteadyTime now) {
  resilience::TokenBucket& own =
      allowances_.try_emplace(uid, PerSecond(kRefill), kBurst, now).first->second;
  return own.Take(now) && total_.Take(now);
}

void EventAggregator::DropOld(SteadyTime now) {
  if (now - dropped_at_ < kSeriesInterval) {
    return;
  }
  dropped_at_ = now;
  std::erase_if(series_, [&](const auto& each) { return now - each.second.last > kSeriesWindow; });
  std::erase_if(allowances_, [&](const auto& each) { return each.second.Full(now); });
}

}  // namespace connector::controller
