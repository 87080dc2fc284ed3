#include "tests/support/cpp/kube_store_world.h"

#include "common/base/encoding.h"
#include "tests/support/cpp/eventually.h"
#include "tests/support/cpp/run_task.h"

#include <boost/asio/co_spawn.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <iterator>
#include <utility>

namespace connector::testing_support {

using broker::secrets::KubeSecretStore;
using broker::secrets::KubeStoreParts;
using broker::secrets::SecretRef;
using broker::secrets::StoredSecret;

namespace {

std::string PathOf(const SecretRef& ref) {
  return "/api/v1/namespaces/" + ref.ns + "/secrets/" + ref.name;
}

}  // namespace

KubeStoreWorld::KubeStoreWorld(const std::string& token)
    : log_fd_(::open((dir_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
      logger_(log_fd_, "broker", log::Level::kDebug) {
  kube::ApiClientParts parts;
  parts.logger = &logger_;
  parts.random = [] { return 0.5; };
  parts.user_agent = "connector-broker/test";
  parts.observe = [this](const kube::ApiRequestReport& exchange) {
    const std::lock_guard lock(mutex_);
    ++exchanges_[{std::string(exchange.verb), exchange.status}];
  };
  client_ =
      std::make_unique<kube::ApiClient>(KubeServer::Shared().Settings(token), std::move(parts));
  KubeStoreParts store_parts{
      *client_, "0123456789abcdef0123456789abcdef", clock_, io_.get_executor(), logger_};
  store_parts.times.confirm = std::chrono::milliseconds(200);
  store_ = std::make_unique<KubeSecretStore>(std::move(store_parts));
  for (int i = 0; i < 2; ++i) {
    threads_.emplace_back([this] { io_.run(); });
  }
}

KubeStoreWorld::~KubeStoreWorld() {
  std::promise<void> done;
  asio::co_spawn(io_,
                 store_->Stop(std::chrono::steady_clock::now() + std::chrono::seconds(5)),
                 [&done](const std::exception_ptr&, bool) { done.set_value(); });
  done.get_future().wait();
  client_->Shutdown();
  work_.reset();
  io_.stop();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  store_.reset();
  ::close(log_fd_);
}

Result<StoredSecret> KubeStoreWorld::Fetch(const SecretRef& ref, std::chrono::milliseconds within) {
  return RunTask(store_->Fetch(ref, std::chrono::steady_clock::now() + within));
}

std::size_t KubeStoreWorld::Count(const std::string& verb, int status) const {
  const std::lock_guard lock(mutex_);
  const auto found = exchanges_.find({verb, status});
  return found == exchanges_.end() ? 0 : found->second;
}

std::string KubeStoreWorld::Log() const {
  std::ifstream in(dir_ / "log", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool KubeStoreWorld::Eventually(const std::function<bool()>& holds,
                                std::chrono::milliseconds within) {
  return testing_support::Eventually(holds, within);
}

boost::json::array SecretRules(const std::vector<std::string>& names,
                               const std::vector<std::string>& verbs) {
  return {boost::json::object{{"apiGroups", boost::json::array{""}},
                              {"resources", boost::json::array{"secrets"}},
                              {"resourceNames", boost::json::value_from(names)},
                              {"verbs", boost::json::value_from(verbs)}}};
}

void PutSecret(const SecretRef& ref,
               const std::string& type,
               const SecretFields& fields,
               const boost::json::object& labels) {
  boost::json::object data;
  for (const auto& [key, value] : fields) {
    data[key] = Base64Encode(value);
  }
  const std::string body = boost::json::serialize(boost::json::object{
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata", {{"name", ref.name}, {"namespace", ref.ns}, {"labels", labels}}},
      {"type", type},
      {"data", data}});
  KubeServer& server = KubeServer::Shared();
  const int status = server.Ask("PUT", PathOf(ref), body).status;
  if (status == 422) {
    RemoveSecret(ref);  // A type never changes.
  }
  if (status == 404 || status == 422) {
    server.Must("POST", "/api/v1/namespaces/" + ref.ns + "/secrets", body);
  }
}

void RemoveSecret(const SecretRef& ref) {
  KubeServer::Shared().Must("DELETE", PathOf(ref));
}

}  // namespace connector::testing_support
