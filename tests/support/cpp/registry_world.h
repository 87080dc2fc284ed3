#pragma once

// RegistryWorld: a scripted registry and a scripted token service on two origins (ports), and a
// Connector that pins both. Plain HTTP unless TLS is asked for. What each was asked is on its
// server; a test changes either script at any time.

#include "broker/connectors/catalog.h"
#include "broker/upstream_auth/minter.h"
#include "tests/support/cpp/http_server.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace connector::testing_support {

inline constexpr char kUser[] = "robot$ci+push";
inline constexpr char kPassword[] = "s3cret:with colon";
inline constexpr char kBasicOfBoth[] = "Basic cm9ib3QkY2krcHVzaDpzM2NyZXQ6d2l0aCBjb2xvbg==";

// A server whose handler can be replaced while it runs.
class ScriptedServer {
 public:
  ScriptedServer(HttpServer::Handler handler, std::optional<TlsSetup> tls)
      : handler_(std::move(handler)),
        server_([this](const HttpRequest& request) { return Current()(request); }, std::move(tls)) {
  }

  void On(HttpServer::Handler handler) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }
  void Answer(HttpAnswer answer) {
    On([answer = std::move(answer)](const HttpRequest&) { return answer; });
  }

  [[nodiscard]] const HttpServer& server() const { return server_; }
  [[nodiscard]] std::string address() const { return server_.address(); }
  [[nodiscard]] std::vector<HttpRequest> requests() const { return server_.requests(); }

 private:
  HttpServer::Handler Current() const {
    const std::lock_guard lock(mutex_);
    return handler_;
  }

  mutable std::mutex mutex_;
  HttpServer::Handler handler_;
  HttpServer server_;
};

inline HttpAnswer Challenge(const std::string& value) {
  return {.status = 401, .headers = {{"WWW-Authenticate", value}}};
}

class RegistryWorld {
 public:
  explicit RegistryWorld(bool tls = false)
      : token_service([](const HttpRequest&) { return HttpAnswer{.body = R"({"token":"t0ken"})"}; },
                      Setup(tls)),
        registry([](const HttpRequest&) { return HttpAnswer{}; }, Setup(tls)) {
    registry.Answer(Challenge("Bearer realm=\"" + realm() + "\",service=\"the registry\""));
  }

  TestCa ca;
  ScriptedServer token_service;
  ScriptedServer registry;

  [[nodiscard]] std::string realm() const { return token_service.address() + "/token"; }

  // Connector default/harbor: pins the token service, allows plain HTTP.
  [[nodiscard]] resource::Connector Connector(resource::AuthKind kind) const {
    resource::Connector connector;
    connector.ref = {"default", "harbor"};
    connector.address = *http::ParseOrigin(registry.address());
    connector.auth.kind = kind;
    if (resource::RowOf(kind).reads_secret) {
      connector.auth.secret_name = "harbor-robot";
    }
    connector.upstream.allow_insecure = true;
    connector.upstream.token_realm = *http::ParseUrl(realm());
    return connector;
  }

  // A catalog entry of `connector`, with digests that a test may choose.
  [[nodiscard]] std::shared_ptr<const broker::connectors::CatalogEntry> Entry(
      resource::Connector connector,
      const std::string& mint_key = "mint-key-1",
      const std::string& secret_version = "v1") const {
    auto entry = std::make_shared<broker::connectors::CatalogEntry>();
    entry->connector = std::make_shared<const resource::Connector>(std::move(connector));
    entry->ca = resource::CaBundle(ca.pem());
    entry->secret_version = secret_version;
    entry->mint_key = mint_key;
    entry->epoch = "epoch-1";
    return entry;
  }

  [[nodiscard]] static std::shared_ptr<const broker::secrets::RegistryCredential> Credential() {
    auto credential = std::make_shared<broker::secrets::RegistryCredential>();
    credential->username = kUser;
    credential->password = Secret(kPassword);
    return credential;
  }

  [[nodiscard]] broker::upstream_auth::MintRequest Request(resource::Connector connector,
                                                           std::vector<oci::Scope> scopes) const {
    broker::upstream_auth::MintRequest request;
    request.connector = std::make_shared<const resource::Connector>(std::move(connector));
    if (request.connector->auth.secret_name) {
      request.credential = Credential();
    }
    request.ca_pem = ca.pem();
    request.scopes = std::move(scopes);
    return request;
  }

 private:
  [[nodiscard]] std::optional<TlsSetup> Setup(bool tls) const {
    return tls ? std::optional(TlsSetup{ca.Issue()}) : std::nullopt;
  }
};

}  // namespace connector::testing_support
