#pragma once

// KeyRefresh: the result of one refresh of an issuer's keys, for metrics and logs.

#include <functional>
#include <string>

namespace connector::broker::callers {

struct KeyRefresh {
  std::string issuer;
  bool ok = false;      // False: the current keys stay in use, up to their limit.
  std::string message;  // Why not; empty when ok.
};

// Called on any thread of the broker's executor, with no lock held. Empty: nobody listens.
using KeyRefreshObserver = std::function<void(const KeyRefresh&)>;

}  // namespace connector::broker::callers
