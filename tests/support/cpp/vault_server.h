#pragma once

// VaultServer: a real HashiCorp Vault of the peers cache, in dev mode (in memory, unsealed), as a
// child process on loopback ports, with a TLS listener beside the plain one. Ends with the test.

#include "common/http/origin.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/test_ca.h"

#include <boost/json.hpp>
#include <sys/types.h>

#include <cstdint>
#include <string>

namespace connector::testing_support {

class VaultServer {
 public:
  struct Reply {
    int status = 0;
    boost::json::value body;
  };

  VaultServer();
  ~VaultServer();
  VaultServer(const VaultServer&) = delete;
  VaultServer& operator=(const VaultServer&) = delete;

  // One for all tests of the process.
  static VaultServer& Shared();

  [[nodiscard]] http::Origin address() const { return {false, "127.0.0.1", port_}; }
  [[nodiscard]] http::Origin tls_address() const { return {true, "localhost", tls_port_}; }
  [[nodiscard]] const TestCa& ca() const { return ca_; }
  [[nodiscard]] const std::string& root_token() const { return root_token_; }

  // Asks as root, or with `token`.
  Reply Ask(const std::string& method,
            const std::string& path,
            const std::string& json = "",
            const std::string& token = "");
  // The same; throws unless the status is 2xx.
  boost::json::value Must(const std::string& method,
                          const std::string& path,
                          const std::string& json = "");

  // Mounts an engine or a login once; later calls with the same path do nothing.
  void Mount(const std::string& path, const std::string& json);
  void MountAuth(const std::string& path, const std::string& type);
  void Policy(const std::string& name, const std::string& rules);
  // A token of auth/token/create with these parameters.
  std::string NewToken(const std::string& json);
  void RevokeToken(const std::string& token);

  void Seal();
  void Unseal();

 private:
  [[nodiscard]] bool Start();
  void Stop();

  const ScratchDir dir_;
  const TestCa ca_;
  const std::string root_token_ = "root-token-of-the-test";
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  std::string unseal_key_;
  pid_t process_ = -1;
};

// As JSON text, for Ask.
[[nodiscard]] inline std::string Json(std::initializer_list<boost::json::value_ref> members) {
  return boost::json::serialize(boost::json::value(members));
}

}  // namespace connector::testing_support
