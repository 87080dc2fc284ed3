#pragma once

// IssuerKeys: an issuer's keys, fetched, kept and fetched again (key_cache.h has the times,
// key_source.h the rules of discovery). It does no network I/O; a function that fetches is passed
// to it. A refresh is one for all who wait, runs on the executor of whoever started it, and may
// outlive this object's owner, since it keeps the object alive.

#include "broker/callers/key_cache.h"
#include "broker/callers/key_refresh.h"
#include "broker/callers/oidc/key_source.h"
#include "broker/callers/token_check.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/jose/jwk_set.h"
#include "common/resilience/single_flight.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace connector::broker::callers {

inline constexpr std::chrono::seconds kFetchTimeout{10};  // Discovery and JWKS together.

// Callers that may wait for one issuer's keys at once; the next one is told to come again. Anybody
// can name an issuer that is slow, and data planes share the calls of a connection
// (broker_endpoint.h): the callers of other issuers need most of them.
inline constexpr long kMaxWaitingForKeys = 128;

struct IssuerKeysOptions {
  KeySource source;
  // How long a caller waits for newer keys, at most, while old ones would still do.
  std::chrono::milliseconds wait_with_old_keys{2000};
  KeyRefreshObserver on_refresh = {};
};

// Thread-safe. Fetches nothing before it is asked.
class IssuerKeys : public std::enable_shared_from_this<IssuerKeys> {
 public:
  // `clock` outlives the executor's work.
  IssuerKeys(IssuerKeysOptions options, FetchDocument fetch, const Clock& clock)
      : source_(std::move(options.source)),
        fetch_(std::move(fetch)),
        observer_(std::move(options.on_refresh)),
        wait_with_old_keys_(options.wait_with_old_keys),
        clock_(clock) {}

  // Runs `check` with the keys, and once more with newer ones where it fails with kNotFound: a key
  // that is not there. Fails with kUnavailable when there are no keys that may be used, or nobody
  // knows whether there are newer ones; else as `check` does, kNotFound as kUnauthenticated.
  template <typename Value>
  [[nodiscard]] Task<Result<Value>> Check(
      std::function<Result<Value>(const jose::JwkSet& keys)> check, Deadline deadline) {
    const Result<Keys> keys = co_await ForUse(deadline);
    if (!keys) {
      co_return keys.error();
    }
    Result<Value> checked = check(keys->set);
    if (checked || checked.error().code != ErrorCode::kNotFound) {
      co_return checked;
    }
    const Result<std::optional<Keys>> newer = co_await NewerThan(keys->generation, deadline);
    if (!newer) {
      co_return newer.error();
    }
    if (*newer) {
      checked = check((*newer)->set);
    }
    if (!checked) {
      co_return AsUnauthenticated(std::move(checked).error());
    }
    co_return checked;
  }

  // Why no key can be used, as the last attempt said; empty when some can, or nobody asked yet.
  [[nodiscard]] std::string problem();

 private:
  struct Keys {
    jose::JwkSet set;
    std::uint64_t generation = 0;
  };
  using Refresh = resilience::SingleFlight<Done>;
  // What is left to do once the lock is released.
  struct Plan {
    std::shared_ptr<Refresh::Call> wait;
    std::shared_ptr<const bool> place;  // Of one who waits; counted by its owners.
    bool start = false;
  };

  // The keys to check a token with.
  [[nodiscard]] Task<Result<Keys>> ForUse(Deadline deadline);
  // Keys newer than `seen`, which lacked a key; no value when there are none.
  [[nodiscard]] Task<Result<std::optional<Keys>>> NewerThan(std::uint64_t seen, Deadline deadline);
  [[nodiscard]] Plan Follow(KeyStep step);
  void Start(Executor executor);
  void Complete(Result<jose::JwkSet> fetched);
  [[nodiscard]] Task<void> Await(Plan plan, Deadline deadline);
  [[nodiscard]] Error Unavailable() const;

  const KeySource source_;
  const FetchDocument fetch_;
  const KeyRefreshObserver observer_;
  const std::chrono::milliseconds wait_with_old_keys_;
  const Clock& clock_;

  std::mutex mutex_;
  KeyCache cache_;
  Refresh refresh_;
  const std::shared_ptr<const bool> places_ = std::make_shared<bool>();
  std::string problem_;
};

}  // namespace connector::broker::callers
