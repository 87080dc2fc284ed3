#include "tests/support/cpp/vault_server.h"

#include "common/curl/curl_client.h"
#include "tests/support/cpp/child_process.h"
#include "tests/support/cpp/run_task.h"

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace connector::testing_support {
namespace {

std::string UnsealKeyIn(const std::string& log) {
  constexpr std::string_view kMark = "Unseal Key: ";
  const std::size_t at = log.find(kMark);
  if (at == std::string::npos) {
    return {};
  }
  const std::size_t end = log.find('\n', at);
  return end == std::string::npos ? std::string()
                                  : log.substr(at + kMark.size(), end - at - kMark.size());
}

}  // namespace

VaultServer& VaultServer::Shared() {
  static VaultServer server;
  return server;
}

VaultServer::VaultServer() {
  const TlsIdentity identity = ca_.Issue();
  ReplaceFile(dir_ / "server.crt", identity.certificate_pem);
  ReplaceFile(dir_ / "server.key", identity.key_pem);
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (Start()) {
      return;
    }
    Stop();
  }
  throw std::runtime_error("vault does not start: " + ReadWhole(dir_ / "log"));
}

VaultServer::~VaultServer() {
  Stop();
}

bool VaultServer::Start() {
  port_ = FreePort();
  tls_port_ = FreePort();
  const std::string loopback = "127.0.0.1:";
  ReplaceFile(dir_ / "more.hcl",
              "listener \"tcp\" {\n  address = \"" + loopback + std::to_string(tls_port_) +
                  "\"\n  tls_cert_file = \"" + dir_ / "server.crt" + "\"\n  tls_key_file = \"" +
                  dir_ / "server.key" + "\"\n}\n");
  ReplaceFile(dir_ / "log", "");
  process_ = StartChild(PeerProgram("vault"),
                        {"server",
                         "-dev",
                         "-dev-no-store-token",
                         "-dev-root-token-id=" + root_token_,
                         "-dev-listen-address=" + loopback + std::to_string(port_),
                         "-config=" + dir_ / "more.hcl"},
                        dir_.path(),
                        dir_ / "log");
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < until) {
    if (HasEnded(process_)) {
      return false;
    }
    unseal_key_ = UnsealKeyIn(ReadWhole(dir_ / "log"));
    if (!unseal_key_.empty() && Ask("GET", "sys/health").status == 200) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

void VaultServer::Stop() {
  KillChild(process_);
}

VaultServer::Reply VaultServer::Ask(const std::string& method,
                                    const std::string& path,
                                    const std::string& json,
                                    const std::string& token) {
  curl::CurlClient client;
  curl::CurlRequest request;
  request.method = method;
  request.url = *http::ParseUrl(address().ToString() + "/v1/" + path);
  request.headers.push_back({"X-Vault-Token", Secret(token.empty() ? root_token_ : token)});
  request.body = Secret(json);
  request.max_response_bytes = 4 * 1024 * 1024;
  const auto response = RunTask(client.Perform(
      std::move(request), std::chrono::steady_clock::now() + std::chrono::seconds(20)));
  Reply reply;
  if (response) {
    reply.status = response->status;
    boost::system::error_code ignored;
    reply.body = boost::json::parse(std::string(response->body.Reveal()), ignored);
  }
  return reply;
}

boost::json::value VaultServer::Must(const std::string& method,
                                     const std::string& path,
                                     const std::string& json) {
  Reply reply = Ask(method, path, json);
  if (reply.status / 100 != 2) {
    throw std::runtime_error("vault: " + method + " " + path + ": " + std::to_string(reply.status) +
                             " " + boost::json::serialize(reply.body));
  }
  return std::move(reply.body);
}

void VaultServer::Mount(const std::string& path, const std::string& json) {
  if (Ask("GET", "sys/mounts/" + path).status != 200) {
    Must("POST", "sys/mounts/" + path, json);
    // A KV v2 mount upgrades itself after its creation, and refuses writes meanwhile.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (json.find("\"version\":\"2\"") != std::string::npos &&
           Ask("POST", path + "/data/warm-up", R"({"data":{}})").status != 200 &&
           std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

void VaultServer::MountAuth(const std::string& path, const std::string& type) {
  if (Ask("GET", "sys/auth/" + path).status != 200) {
    Must("POST", "sys/auth/" + path, Json({{"type", type}}));
  }
}

void VaultServer::Policy(const std::string& name, const std::string& rules) {
  Must("PUT", "sys/policies/acl/" + name, Json({{"policy", rules}}));
}

std::string VaultServer::NewToken(const std::string& json) {
  const boost::json::value made = Must("POST", "auth/token/create", json);
  return std::string(made.at("auth").at("client_token").as_string().c_str());
}

void VaultServer::RevokeToken(const std::string& token) {
  Must("POST", "auth/token/revoke", Json({{"token", token}}));
}

void VaultServer::Seal() {
  Must("PUT", "sys/seal");
}

void VaultServer::Unseal() {
  Must("PUT", "sys/unseal", Json({{"key", unseal_key_}}));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Ask("GET", "sys/health").status != 200 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace connector::testing_support
