#include "dataplane/server/ask_again.h"

#include "common/base/keyed_version.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace connector::dataplane::server {

using std::chrono::steady_clock;

namespace {

// After an answer that does not say what the list in force says.
constexpr std::chrono::milliseconds kPause{200};

}  // namespace

Task<bool> IsDeniedByOperator(Worker& worker,
                              std::string cache_key,
                              token::GrantRequest grant_request) {
  const Deadline give_up = steady_clock::now() + worker.shared.settings.route_wait;
  do {
    const token::GrantResult result = co_await worker.shared.grants.Fetch(cache_key, grant_request);
    if (const auto* denial = std::get_if<token::GrantDenial>(&result)) {
      if (denial->reason == token::DenialReason::kDeniedByOperator) {
        co_return true;
      }
    } else if (SameVersion(std::get<std::shared_ptr<const token::Grant>>(result)->deny_list,
                           worker.routes->deny_list)) {
      co_return false;
    }
    const Deadline next = std::min(give_up, Deadline(steady_clock::now() + kPause));
    static_cast<void>(co_await OneShot<Done>::Wait(worker.routes_changed, next));
  } while (steady_clock::now() < give_up);
  co_return false;
}

}  // namespace connector::dataplane::server
