#pragma once

// VaultStoreWorld: a VaultSecretStore with threads of its own, logged in at a real Vault by a token
// file, and what a test wants to see of it.

#include "broker/secrets/vault/vault_store.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/vault_server.h"

#include <boost/asio/executor_work_guard.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace connector::testing_support {

class VaultStoreWorld {
 public:
  // Options with an address, a token file that holds `token`, a rule that allows all, and a poll
  // interval of 50 ms.
  [[nodiscard]] static broker::secrets::VaultOptions OptionsFor(const ScratchDir& dir,
                                                                const std::string& token);

  explicit VaultStoreWorld(broker::secrets::VaultOptions options);
  ~VaultStoreWorld();  // Stops.
  VaultStoreWorld(const VaultStoreWorld&) = delete;
  VaultStoreWorld& operator=(const VaultStoreWorld&) = delete;

  [[nodiscard]] broker::secrets::VaultSecretStore& store() { return *store_; }
  [[nodiscard]] Result<broker::secrets::StoredSecret> Fetch(
      const broker::secrets::SecretRef& ref,
      std::chrono::milliseconds within = std::chrono::seconds(20));
  void Follow(const std::vector<broker::secrets::SecretRef>& refs);
  void Stop(std::chrono::milliseconds within = std::chrono::seconds(5));

  // Polls until `holds`, which is asked often; false after `within`.
  [[nodiscard]] static bool Eventually(const std::function<bool()>& holds,
                                       std::chrono::milliseconds within = std::chrono::seconds(20));
  [[nodiscard]] std::vector<broker::secrets::VaultExchange> exchanges() const;
  [[nodiscard]] std::size_t Count(broker::secrets::VaultOperation operation) const;
  // All that was logged.
  [[nodiscard]] std::string Log() const;

 private:
  const ScratchDir dir_;
  const SystemClock clock_;
  int log_fd_;
  log::Logger logger_;
  asio::io_context io_;
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  mutable std::mutex mutex_;
  std::vector<broker::secrets::VaultExchange> exchanges_;
  std::vector<std::thread> threads_;
  std::unique_ptr<broker::secrets::VaultSecretStore> store_;
  bool stopped_ = false;
};

// "the password" of what was fetched; the error's message when it failed.
[[nodiscard]] std::string PasswordOf(const Result<broker::secrets::StoredSecret>& secret);

[[nodiscard]] broker::secrets::SecretRef RefTo(const std::string& path,
                                               const std::string& ns = "ci");

}  // namespace connector::testing_support
