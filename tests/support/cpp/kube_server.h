#pragma once

// KubeServer: a real etcd and a real kube-apiserver of the peers cache, as child processes on
// loopback ports, with RBAC and Pod Security admission on. There is no controller manager: nothing
// collects garbage, makes ServiceAccounts or ends a namespace. Ends with the test.

#include "common/curl/curl_client.h"
#include "common/kube/cluster_connection.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/test_ca.h"

#include <boost/json.hpp>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace connector::testing_support {

class KubeServer {
 public:
  struct Reply {
    int status = 0;
    boost::json::value body;
  };
  struct TokenOptions {
    std::string audience;  // Empty: the API server's own.
    int seconds = 600;     // The API server makes none shorter.
    std::string pod{};     // Bound to this pod of the namespace; empty for none.
  };

  // `more` goes to kube-apiserver as it is ("--flag=value").
  explicit KubeServer(std::vector<std::string> more = {});
  ~KubeServer();
  KubeServer(const KubeServer&) = delete;
  KubeServer& operator=(const KubeServer&) = delete;

  // One for all tests of the process, with the CRDs: a test takes a namespace of its own.
  static KubeServer& Shared();

  [[nodiscard]] http::Origin address() const { return {true, "localhost", port_}; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const TestCa& ca() const { return ca_; }
  [[nodiscard]] const std::string& admin_token() const { return admin_token_; }
  [[nodiscard]] const std::string& issuer() const { return issuer_; }
  // For kube::ApiClient, as admin or with `token`.
  [[nodiscard]] kube::ClusterConnection Settings(const std::string& token = "") const;

  // As admin, or with `token`. PATCH is server-side apply unless `type` says otherwise.
  Reply Ask(const std::string& method,
            const std::string& path,
            const std::string& body = "",
            const std::string& token = "",
            const std::string& type = "");
  // The same; throws unless the status is 2xx.
  boost::json::value Must(const std::string& method,
                          const std::string& path,
                          const std::string& body = "",
                          const std::string& type = "");
  // Server-side apply of an object of any kind, as field manager "test" with force.
  boost::json::value Apply(const boost::json::value& object);
  // "/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME"
  [[nodiscard]] static std::string PathOf(const boost::json::value& object);

  // Applies the definitions in deploy/crds and waits until they serve.
  void ApplyCrds();

  // A new one; returns its name.
  std::string NewNamespace(const std::string& prefix = "test");
  void NewServiceAccount(const std::string& ns, const std::string& name);
  std::string Token(const std::string& ns, const std::string& account, const TokenOptions& options);
  // Gives the account a Role (cluster-wide: a ClusterRole) of these rules. `role` names it.
  void Grant(const std::string& ns,
             const std::string& account,
             const std::string& role,
             const boost::json::array& rules,
             bool cluster_wide = false);

  // The API server dies at once. Start comes back on the same port with the same etcd.
  void Kill();
  void Start();
  // SIGSTOP and SIGCONT: it accepts connections and says nothing.
  void Freeze();
  void Thaw();
  // etcd forgets all but the current revisions: what is older is 410 once the API server's watch
  // cache is cold as well, which Kill and Start see to.
  void Compact();

 private:
  void StartEtcd();
  [[nodiscard]] bool StartApi();
  [[nodiscard]] boost::json::value AskEtcd(const std::string& path, const std::string& body);

  const std::vector<std::string> more_;
  const ScratchDir dir_;
  const TestCa ca_;
  const std::string admin_token_ = "admin-token-of-the-test";
  const std::string issuer_ = "https://kubernetes.default.svc.cluster.local";
  curl::CurlClient client_{curl::ConnectionReuse::kWithinThisClient};
  std::uint16_t etcd_port_ = 0;
  std::uint16_t port_ = 0;
  pid_t etcd_ = -1;
  pid_t api_ = -1;
  int namespaces_ = 0;
};

}  // namespace connector::testing_support
