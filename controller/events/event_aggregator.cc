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

json::object Body(const Happening& happening,
                  const std::string& name,
                  const std::string& instance,
                  WallTime wall) {
  return {{"metadata", {{"name", name}, {"namespace", happening.ref.ns}}},
          {"eventTime", ApiMicroTime(wall)},
          {"reportingController", "oci-connector.dev/connector-controller"},
          {"reportingInstance", instance.substr(0, 128)},
          {"action", "Reconcile"},
          {"reason", happening.reason},
          {"type", happening.warning ? "Warning" : "Normal"},
          {"note", happening.message.substr(0, kMaxNoteBytes)},
          {"regarding",
           {{"apiVersion", kube::kConnectors.ApiVersion()},
            {"kind", kube::kConnectors.kind},
            {"namespace", happening.ref.ns},
            {"name", happening.ref.name},
            {"uid", happening.uid}}}};
}

}  // namespace

std::optional<EventWrite> EventBook::Note(const Happening& happening,
                                          SteadyTime now,
                                          WallTime wall) {
  DropOld(now);
  const Key key{happening.uid, happening.reason, happening.message};
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
  if (!Allowed(happening.uid, now)) {
    return std::nullopt;
  }
  std::string name = EventName(happening.ref, wall, made_++);
  series_.emplace(key, Series{name, now, now, 1});
  json::object body = Body(happening, name, instance_, wall);
  return EventWrite{true, std::move(name), std::move(body)};
}

bool EventBook::Allowance::Take(int most, std::chrono::milliseconds refill, SteadyTime now) {
  const double gained = std::chrono::duration<double>(now - at) / refill;
  tokens = std::min<double>(most, tokens + gained);
  at = now;
  if (tokens < 1) {
    return false;
  }
  tokens -= 1;
  return true;
}

bool EventBook::Allowed(const std::string& uid, SteadyTime now) {
  Allowance& own = allowances_.try_emplace(uid, Allowance{kBurst, now}).first->second;
  return own.Take(kBurst, kRefill, now) && total_.Take(kTotalBurst, kTotalRefill, now);
}

void EventBook::DropOld(SteadyTime now) {
  if (now - dropped_at_ < kSeriesInterval) {
    return;
  }
  dropped_at_ = now;
  std::erase_if(series_, [&](const auto& each) { return now - each.second.last > kSeriesWindow; });
  // By then a full allowance has come back.
  std::erase_if(allowances_,
                [&](const auto& each) { return now - each.second.at > kRefill * kBurst; });
}

}  // namespace connector::controller
