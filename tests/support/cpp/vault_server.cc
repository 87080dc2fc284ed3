#include "tests/support/cpp/vault_server.h"

#include "common/curl/curl_client.h"
#include "tests/support/cpp/run_task.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <vector>

namespace connector::testing_support {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The program that tests/support/peers/install builds, at the version that peers.txt names.
std::string VaultProgram() {
  std::ifstream peers(CONNECTOR_PEERS_FILE);
  std::string name;
  std::string version;
  for (std::string line; std::getline(peers, line);) {
    std::istringstream words(line);
    if (words >> name >> version && name == "vault") {
      const char* cache = std::getenv("XDG_CACHE_HOME");
      return std::string(cache == nullptr ? "/var/cache" : cache) + "/oci-connector/peers/vault-" +
             version + "/vault";
    }
  }
  throw std::runtime_error("peers.txt does not name vault");
}

// Ports that were free a moment ago; Start tries again when somebody else was faster.
std::uint16_t FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

[[noreturn]] void Become(const std::string& program,
                         const std::vector<std::string>& arguments,
                         const std::string& home) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = ::open((home + "/log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(log, 1);
  ::dup2(log, 2);
  ::setenv("HOME", home.c_str(), 1);
  std::vector<char*> words{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) {
    words.push_back(const_cast<char*>(argument.c_str()));
  }
  words.push_back(nullptr);
  ::execv(program.c_str(), words.data());
  ::_exit(127);
}

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
  throw std::runtime_error("vault does not start: " + ReadAll(dir_ / "log"));
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
  const std::string program = VaultProgram();
  const std::vector<std::string> arguments = {
      "server",
      "-dev",
      "-dev-no-store-token",
      "-dev-root-token-id=" + root_token_,
      "-dev-listen-address=" + loopback + std::to_string(port_),
      "-config=" + dir_ / "more.hcl"};
  process_ = ::fork();
  if (process_ == 0) {
    Become(program, arguments, dir_.path());
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < until) {
    if (::waitpid(process_, nullptr, WNOHANG) != 0) {
      process_ = -1;
      return false;
    }
    unseal_key_ = UnsealKeyIn(ReadAll(dir_ / "log"));
    if (!unseal_key_.empty() && Ask("GET", "sys/health").status == 200) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

void VaultServer::Stop() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }
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
