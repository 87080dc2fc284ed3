#include "broker/callers/key_cache.h"

#include <utility>

namespace connector::broker::callers {
namespace {

// A clock that was set back must not make old keys look young: then fetch again.
bool OlderThan(WallTime since, std::chrono::seconds age, WallTime now) {
  return now < since || now - since >= age;
}

bool Dead(WallTime fetched_at, WallTime now) {
  return now - fetched_at >= kKeysDieAfter;
}

}  // namespace

bool KeyCache::MayRefresh(WallTime now) const {
  return !attempted_at_ || OlderThan(*attempted_at_, kMinRefreshInterval, now);
}

KeyStep KeyCache::ForUse(WallTime now) const {
  const bool usable = keys_ && !Dead(fetched_at_, now);
  if (usable && !OlderThan(fetched_at_, kRefreshKeysAfter, now)) {
    return KeyStep::kUse;
  }
  const bool must_try = !usable || OlderThan(fetched_at_, kKeysMaxAge, now);
  if (refreshing_) {
    return must_try ? KeyStep::kWait : KeyStep::kUse;
  }
  if (!MayRefresh(now)) {
    return usable ? KeyStep::kUse : KeyStep::kFail;
  }
  return must_try ? KeyStep::kRefresh : KeyStep::kUseAndRefresh;
}

KeyStep KeyCache::ForUnknownKey(WallTime now) const {
  if (refreshing_) {
    return KeyStep::kWait;
  }
  return MayRefresh(now) ? KeyStep::kRefresh : KeyStep::kFail;
}

void KeyCache::BeginRefresh(WallTime now) {
  refreshing_ = true;
  attempted_at_ = now;
}

void KeyCache::EndRefresh(std::optional<jose::JwkSet> fetched, WallTime now) {
  refreshing_ = false;
  last_failed_ = !fetched;
  if (fetched) {
    keys_ = std::move(fetched);
    fetched_at_ = now;
    ++generation_;
  }
}

std::optional<jose::JwkSet> KeyCache::Usable(WallTime now) const {
  if (!keys_ || Dead(fetched_at_, now)) {
    return std::nullopt;
  }
  return keys_;
}

}  // namespace connector::broker::callers
