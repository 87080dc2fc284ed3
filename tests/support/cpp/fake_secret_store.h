#pragma once

// A SecretStore in memory, for tests of what uses one. Passes the contract of every store. Can be
// told to fail, and counts the fetches.

#include "broker/secrets/secret_store.h"

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace connector::testing_support {

class FakeSecretStore final : public broker::secrets::SecretStore {
 public:
  using SecretRef = broker::secrets::SecretRef;
  using StoredSecret = broker::secrets::StoredSecret;
  using Fields = std::map<std::string, std::string>;

  // The version follows the content.
  void Put(const SecretRef& ref, const std::string& type, Fields fields) {
    Change(ref, Content{type, std::move(fields), {}});
  }
  // A kubernetes.io/basic-auth of the version that the test chooses.
  void Put(const SecretRef& ref, Fields fields, std::string version) {
    Change(ref, Content{"kubernetes.io/basic-auth", std::move(fields), std::move(version)});
  }
  void Remove(const SecretRef& ref) { Change(ref, std::nullopt); }

  // From now on every Fetch fails so; nullopt ends it.
  void Fail(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
  }

  // As a store that leases: what it gives ends then.
  void EndAt(std::optional<WallTime> not_after) {
    const std::lock_guard lock(mutex_);
    not_after_ = not_after;
  }
  // Discard then takes this one's place, once.
  void PutAfterDiscard(Fields fields) {
    const std::lock_guard lock(mutex_);
    after_discard_ = std::move(fields);
  }

  [[nodiscard]] int fetches() const {
    const std::lock_guard lock(mutex_);
    return fetches_;
  }

  [[nodiscard]] Task<Result<StoredSecret>> Fetch(SecretRef ref, Deadline /*deadline*/) override {
    co_return FetchNow(ref);
  }

  void Follow(std::vector<SecretRef> refs,
              std::function<void(const SecretRef&)> on_change) override {
    const std::lock_guard lock(mutex_);
    followed_ = std::move(refs);
    on_change_ = std::move(on_change);
  }

  bool Discard(const SecretRef& ref) override {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(ref);
    if (!after_discard_ || found == held_.end()) {
      return false;
    }
    found->second.fields = *std::exchange(after_discard_, std::nullopt);
    return true;
  }

 private:
  struct Content {
    std::string type;
    Fields fields;
    std::string version;  // Empty: made of the content.
  };

  void Change(const SecretRef& ref, std::optional<Content> content) {
    std::function<void(const SecretRef&)> on_change;
    {
      const std::lock_guard lock(mutex_);
      held_.erase(ref);
      if (content) {
        held_.emplace(ref, *std::move(content));
      }
      if (std::find(followed_.begin(), followed_.end(), ref) != followed_.end()) {
        on_change = on_change_;
      }
    }
    if (on_change) {
      on_change(ref);
    }
  }

  Result<StoredSecret> FetchNow(const SecretRef& ref) {
    const std::lock_guard lock(mutex_);
    ++fetches_;
    if (failure_) {
      return *failure_;
    }
    const auto found = held_.find(ref);
    if (found == held_.end()) {
      return MakeError(ErrorCode::kNotFound, ErrorOrigin::kBroker, "there is no such Secret");
    }
    StoredSecret out;
    out.not_after = not_after_;
    out.type = found->second.type;
    std::string text = out.type;
    for (const auto& [key, value] : found->second.fields) {
      out.data.emplace(key, Secret(value));
      text.append("\n").append(key).append("\n").append(value);
    }
    out.version = !found->second.version.empty()
                      ? found->second.version
                      : "fake-" + std::to_string(std::hash<std::string>{}(text));
    return out;
  }

  mutable std::mutex mutex_;
  std::map<SecretRef, Content> held_;
  std::optional<Error> failure_;
  std::optional<WallTime> not_after_;
  std::optional<Fields> after_discard_;
  int fetches_ = 0;
  std::vector<SecretRef> followed_;
  std::function<void(const SecretRef&)> on_change_;
};

}  // namespace connector::testing_support
