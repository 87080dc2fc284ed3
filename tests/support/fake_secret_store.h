#pragma once

// FakeSecretStore: a SecretStore in memory, which can be made to fail. Thread-safe.

#include "broker/store/secret_store.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace connector::testing_support {

class FakeSecretStore final : public broker::store::SecretStore {
 public:
  void Put(const broker::store::SecretRef& ref,
           std::map<std::string, std::string> data,
           std::string version) {
    const std::lock_guard lock(mutex_);
    secrets_.insert_or_assign(ref, Kept{std::move(data), std::move(version)});
  }
  // Until it is called with nullopt, every Fetch fails like this.
  void Fail(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
  }
  [[nodiscard]] int fetches() const {
    const std::lock_guard lock(mutex_);
    return fetches_;
  }

  Task<Result<broker::store::StoredSecret>> Fetch(broker::store::SecretRef ref,
                                                  Deadline /*deadline*/) override {
    const std::lock_guard lock(mutex_);  // No co_await below.
    ++fetches_;
    if (failure_) {
      co_return *failure_;
    }
    const auto found = secrets_.find(ref);
    if (found == secrets_.end()) {
      co_return MakeError(ErrorCode::kNotFound,
                          ErrorOrigin::kSelf,
                          "there is no Secret " + ref.ns + "/" + ref.name);
    }
    broker::store::StoredSecret secret;
    secret.type = "kubernetes.io/basic-auth";
    secret.version = found->second.version;
    for (const auto& [key, value] : found->second.data) {
      secret.data.emplace(key, Secret(value));
    }
    co_return secret;
  }

  void Follow(std::vector<broker::store::SecretRef> /*refs*/,
              std::function<void(const broker::store::SecretRef&)> /*on_change*/) override {}

 private:
  struct Kept {
    std::map<std::string, std::string> data;
    std::string version;
  };

  mutable std::mutex mutex_;
  std::map<broker::store::SecretRef, Kept> secrets_;
  std::optional<Error> failure_;
  int fetches_ = 0;
};

}  // namespace connector::testing_support
