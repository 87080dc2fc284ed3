#include "tests/support/cpp/kube_server.h"

#include "tests/support/cpp/child_process.h"
#include "tests/support/cpp/run_task.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>

namespace connector::testing_support {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kStartTime{90};

std::string NewRsaKey() {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

std::string Text(const json::value& object, std::string_view pointer) {
  boost::system::error_code ignored;
  const json::value* found = object.find_pointer(pointer, ignored);
  return found != nullptr && found->is_string() ? std::string(found->as_string().c_str()) : "";
}

// As the API's own kinds and ours are called.
std::string PluralOf(std::string kind) {
  std::transform(kind.begin(), kind.end(), kind.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  if (kind == "endpoints") {
    return kind;
  }
  if (kind.ends_with("s")) {
    return kind + "es";
  }
  if (kind.ends_with("y") && !kind.ends_with("ey")) {
    return kind.substr(0, kind.size() - 1) + "ies";
  }
  return kind + "s";
}

bool WaitUntil(const std::function<bool()>& condition, std::chrono::seconds most = kStartTime) {
  const auto until = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// For the table that tests/run prints: what was started, and how long that took.
void NoteStart(std::chrono::steady_clock::duration took) {
  if (const char* path = std::getenv("CONNECTOR_STARTED")) {
    char line[64];
    std::snprintf(line,
                  sizeof line,
                  "etcd kube-apiserver: %.1f s\n",
                  std::chrono::duration<double>(took).count());
    std::ofstream(path, std::ios::app) << line;
  }
}

}  // namespace

KubeServer& KubeServer::Shared() {
  static KubeServer server;
  static const bool kApplied = [] {
    server.ApplyCrds();
    return true;
  }();
  static_cast<void>(kApplied);
  return server;
}

KubeServer::KubeServer(std::vector<std::string> more) : more_(std::move(more)) {
  const auto started = std::chrono::steady_clock::now();
  const TlsIdentity identity = ca_.Issue({.names = {"DNS:localhost", "IP:127.0.0.1"}});
  ReplaceFile(dir_ / "server.crt", identity.certificate_pem);
  ReplaceFile(dir_ / "server.key", identity.key_pem);
  ReplaceFile(dir_ / "ca.crt", ca_.pem());
  ReplaceFile(dir_ / "accounts.key", NewRsaKey());
  ReplaceFile(dir_ / "tokens.csv", admin_token_ + ",admin,admin,system:masters\n");
  StartEtcd();
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = FreePort();
    if (StartApi()) {
      NoteStart(std::chrono::steady_clock::now() - started);
      return;
    }
  }
  throw std::runtime_error("kube-apiserver does not start: " + ReadWhole(dir_ / "api.log"));
}

KubeServer::~KubeServer() {
  KillChild(api_);
  KillChild(etcd_);
}

kube::ClusterConnection KubeServer::Settings(const std::string& token) const {
  kube::ClusterConnection settings;
  settings.server = address();
  settings.ca_pem = ca_.pem();
  settings.token = Secret(token.empty() ? admin_token_ : token);
  settings.ns = "default";
  return settings;
}

void KubeServer::StartEtcd() {
  const std::string loopback = "http://127.0.0.1:";
  for (int attempt = 0; attempt < 5; ++attempt) {
    etcd_port_ = FreePort();
    const std::string client = loopback + std::to_string(etcd_port_);
    const std::string peer = loopback + std::to_string(FreePort());
    etcd_ = StartChild(PeerProgram("etcd"),
                       {"--data-dir=" + dir_ / "etcd",
                        "--listen-client-urls=" + client,
                        "--advertise-client-urls=" + client,
                        "--listen-peer-urls=" + peer,
                        "--initial-advertise-peer-urls=" + peer,
                        "--initial-cluster=default=" + peer,
                        "--unsafe-no-fsync",
                        "--log-level=warn"},
                       dir_.path(),
                       dir_ / "etcd.log");
    const bool up = WaitUntil(
        [this] { return HasEnded(etcd_) || AskEtcd("/v3/maintenance/status", "{}").is_object(); });
    if (up && etcd_ > 0) {
      return;
    }
    KillChild(etcd_);
    std::filesystem::remove_all(dir_ / "etcd");
  }
  throw std::runtime_error("etcd does not start: " + ReadWhole(dir_ / "etcd.log"));
}

bool KubeServer::StartApi() {
  std::vector<std::string> arguments = {
      "--etcd-servers=http://127.0.0.1:" + std::to_string(etcd_port_),
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      "--endpoint-reconciler-type=none",
      "--secure-port=" + std::to_string(port_),
      "--cert-dir=" + dir_.path(),
      "--tls-cert-file=" + dir_ / "server.crt",
      "--tls-private-key-file=" + dir_ / "server.key",
      "--client-ca-file=" + dir_ / "ca.crt",
      "--token-auth-file=" + dir_ / "tokens.csv",
      "--authorization-mode=RBAC",
      "--enable-admission-plugins=PodSecurity",
      "--allow-privileged=true",
      // As in real clusters the server's own audience is its issuer alone, so that a token for
      // oci-connector is no token for the API.
      "--service-account-issuer=" + issuer_,
      "--service-account-key-file=" + dir_ / "accounts.key",
      "--service-account-signing-key-file=" + dir_ / "accounts.key",
      "--service-cluster-ip-range=10.96.0.0/16"};
  arguments.insert(arguments.end(), more_.begin(), more_.end());
  api_ = StartChild(PeerProgram("kube-apiserver"), arguments, dir_.path(), dir_ / "api.log");
  const bool up =
      WaitUntil([this] { return HasEnded(api_) || Ask("GET", "/readyz").status == 200; });
  if (up && api_ > 0) {
    return true;
  }
  KillChild(api_);
  return false;
}

json::value KubeServer::AskEtcd(const std::string& path, const std::string& body) {
  curl::CurlRequest request;
  request.method = "POST";
  request.url = {{false, "127.0.0.1", etcd_port_}, path, ""};
  request.body = Secret(body);
  const auto response = RunTask(client_.Perform(
      std::move(request), std::chrono::steady_clock::now() + std::chrono::seconds(20)));
  boost::system::error_code ignored;
  return response && response->status == 200
             ? json::parse(std::string(response->body.Reveal()), ignored)
             : json::value();
}

KubeServer::Reply KubeServer::Ask(const std::string& method,
                                  const std::string& path,
                                  const std::string& body,
                                  const std::string& token,
                                  const std::string& type) {
  curl::CurlRequest request;
  request.method = method;
  request.url = *http::ParseUrl(address().ToString() + path);
  request.ca_pem = ca_.pem();
  request.only_ca_pem = true;
  request.headers.push_back(
      {"Authorization", Secret("Bearer ", token.empty() ? admin_token_ : token, "")});
  const std::string usual = method == "PATCH" ? "application/apply-patch+yaml" : "application/json";
  request.headers.push_back({"Content-Type", Secret(type.empty() ? usual : type)});
  request.body = Secret(body);
  request.max_response_bytes = 64 * 1024 * 1024;
  const auto response = RunTask(client_.Perform(
      std::move(request), std::chrono::steady_clock::now() + std::chrono::seconds(30)));
  Reply reply;
  if (response) {
    reply.status = response->status;
    boost::system::error_code ignored;
    reply.body = json::parse(std::string(response->body.Reveal()), ignored);
  }
  return reply;
}

json::value KubeServer::Must(const std::string& method,
                             const std::string& path,
                             const std::string& body,
                             const std::string& type) {
  Reply reply = Ask(method, path, body, "", type);
  if (reply.status / 100 != 2) {
    throw std::runtime_error("kube-apiserver: " + method + " " + path + ": " +
                             std::to_string(reply.status) + " " + json::serialize(reply.body));
  }
  return std::move(reply.body);
}

std::string KubeServer::PathOf(const json::value& object) {
  const std::string version = Text(object, "/apiVersion");
  const std::string ns = Text(object, "/metadata/namespace");
  return (version.find('/') == std::string::npos ? "/api/" : "/apis/") + version +
         (ns.empty() ? "" : "/namespaces/" + ns) + "/" + PluralOf(Text(object, "/kind")) + "/" +
         Text(object, "/metadata/name");
}

json::value KubeServer::Apply(const json::value& object) {
  return Must("PATCH", PathOf(object) + "?fieldManager=test&force=true", json::serialize(object));
}

void KubeServer::Kill() {
  KillChild(api_);
}

void KubeServer::Start() {
  // The port may be taken by a connection that somebody just made from it: try again.
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (StartApi()) {
      return;
    }
  }
  throw std::runtime_error("kube-apiserver does not come back: " + ReadWhole(dir_ / "api.log"));
}

void KubeServer::Freeze() {
  ::kill(api_, SIGSTOP);
}

void KubeServer::Thaw() {
  ::kill(api_, SIGCONT);
}

void KubeServer::Compact() {
  const std::string revision = Text(AskEtcd("/v3/maintenance/status", "{}"), "/header/revision");
  const json::value done =
      AskEtcd("/v3/kv/compaction",
              json::serialize(json::object{{"revision", revision}, {"physical", true}}));
  if (!done.is_object()) {
    throw std::runtime_error("etcd did not compact at " + revision);
  }
}

}  // namespace connector::testing_support
