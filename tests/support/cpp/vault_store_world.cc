#include "tests/support/cpp/vault_store_world.h"

#include "tests/support/cpp/eventually.h"
#include "tests/support/cpp/run_task.h"

#include <boost/asio/co_spawn.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <iterator>

namespace connector::testing_support {

using broker::secrets::SecretRef;
using broker::secrets::StoredSecret;
using broker::secrets::VaultSecretStore;
using broker::secrets::VaultStoreParts;

broker::secrets::VaultOptions VaultStoreWorld::OptionsFor(const ScratchDir& dir,
                                                          const std::string& token) {
  ReplaceFile(dir / "token", token + "\n");
  broker::secrets::VaultOptions options;
  options.addresses = {VaultServer::Shared().address()};
  options.login = broker::secrets::TokenFileLogin{dir / "token"};
  options.paths = {{{"*"}, {"*/**"}, {"*"}}};
  options.poll_interval = std::chrono::milliseconds(50);
  options.timeout = std::chrono::seconds(5);
  return options;
}

VaultStoreWorld::VaultStoreWorld(broker::secrets::VaultOptions options)
    : log_fd_(::open((dir_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
      logger_(log_fd_, "broker", log::Level::kDebug) {
  for (int i = 0; i < 2; ++i) {
    threads_.emplace_back([this] { io_.run(); });
  }
  VaultStoreParts parts{
      "0123456789abcdef0123456789abcdef", clock_, io_.get_executor(), logger_, {}, {}, {}};
  parts.on_exchange = [this](const broker::secrets::VaultExchange& exchange) {
    const std::lock_guard lock(mutex_);
    exchanges_.push_back(exchange);
  };
  store_ = std::make_unique<VaultSecretStore>(std::move(options), std::move(parts));
}

VaultStoreWorld::~VaultStoreWorld() {
  if (!stopped_) {
    Stop();
  }
  io_.stop();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  store_.reset();
  ::close(log_fd_);
}

Result<StoredSecret> VaultStoreWorld::Fetch(const SecretRef& ref,
                                            std::chrono::milliseconds within) {
  return RunTask(store_->Fetch(ref, std::chrono::steady_clock::now() + within));
}

void VaultStoreWorld::Follow(const std::vector<SecretRef>& refs) {
  store_->Follow(refs, [](const SecretRef&) {});
}

void VaultStoreWorld::Stop(std::chrono::milliseconds within) {
  std::promise<void> done;
  stopped_ = true;
  asio::co_spawn(io_,
                 store_->Stop(std::chrono::steady_clock::now() + within),
                 [&done](const std::exception_ptr&, Done) { done.set_value(); });
  done.get_future().wait();
}

bool VaultStoreWorld::Eventually(const std::function<bool()>& holds,
                                 std::chrono::milliseconds within) {
  return testing_support::Eventually(holds, within);
}

std::vector<broker::secrets::VaultExchange> VaultStoreWorld::exchanges() const {
  const std::lock_guard lock(mutex_);
  return exchanges_;
}

std::size_t VaultStoreWorld::Count(broker::secrets::VaultOperation operation) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(exchanges_.begin(), exchanges_.end(), [&](const auto& exchange) {
        return exchange.operation == operation;
      }));
}

std::string VaultStoreWorld::Log() const {
  std::ifstream in(dir_ / "log", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string PasswordOf(const Result<StoredSecret>& secret) {
  if (!secret) {
    return secret.error().message;
  }
  const auto found = secret->data.find("password");
  return found == secret->data.end() ? "no password" : std::string(found->second.Reveal());
}

SecretRef RefTo(const std::string& path, const std::string& ns) {
  SecretRef ref;
  ref.ns = ns;
  ref.vault.emplace();
  ref.vault->path = path;
  return ref;
}

}  // namespace connector::testing_support
