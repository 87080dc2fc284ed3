#pragma once

// DataplaneWorld: the real server of the data plane on loopback sockets, in front of a scripted
// registry, with a fake in the broker's place. One connector, default/harbor.

#include "dataplane/certificates/certificate_cache.h"
#include "dataplane/server/server.h"
#include "dataplane/token/grant_cache.h"
#include "tests/support/cpp/fake_certificate_issuer.h"
#include "tests/support/cpp/fake_issuer.h"
#include "tests/support/cpp/http_server.h"
#include "tests/support/cpp/raw_client.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace connector::testing_support {

inline constexpr std::string_view kUpstreamToken = "upstream-token-0123456789";
inline constexpr std::string_view kRepositoryPath =
    "/v2/namespaces/default/connectors/harbor/team/app";

struct WorldOptions {
  std::optional<TlsSetup> tls = std::nullopt;  // Of the registry.
  std::string ca_pem = {};                     // What the connector trusts.
  dataplane::server::ServerSettings settings = {};
  std::function<void(dataplane::routes::Route&)> adjust = {};  // The connector's route.
  dataplane::server::ListenerOptions listener = {
      .address = "127.0.0.1:0", .certificate_file = {}, .key_file = {}};
};

class DataplaneWorld {
 public:
  explicit DataplaneWorld(HttpServer::Handler registry, WorldOptions options = {});
  ~DataplaneWorld();

  HttpServer& registry() { return registry_; }
  FakeIssuer& issuer() { return issuer_; }
  FakeCertificateIssuer& certificate_issuer() { return certificate_issuer_; }
  dataplane::server::Server& server() { return *server_; }
  [[nodiscard]] std::uint16_t port() const { return server_->ports().front(); }
  // What the data plane logged, access lines included.
  [[nodiscard]] std::string log();

  // Publishes the connector's route anew, with another epoch or otherwise changed, and returns when
  // the server serves by it.
  void PublishRoute(const std::string& epoch,
                    const std::function<void(dataplane::routes::Route&)>& adjust = {});
  // As after the connector's deletion. Returns at once.
  void PublishNoRoutes();
  // The sealing keys; none: as before the broker gave any.
  void PublishKeys(const std::vector<std::uint32_t>& ids, std::uint32_t current);
  // The same routes, with a deny list of this version in force.
  void PublishDenyList(const std::string& version);
  // The keys in force, to seal what no client could get by asking.
  [[nodiscard]] const crypto::SealKeys& sealing_keys() const { return *sealing_keys_; }
  // A second replica: the same keys and routes, no state in common.
  void StartReplica();
  [[nodiscard]] std::uint16_t replica_port() const { return replica_->ports().front(); }

  // One request on a connection of its own, as the caller "caller-token".
  RawResponse Do(const std::string& method,
                 const std::string& path,
                 const std::string& fields = {},
                 const std::string& body = {});
  // The text of such a request.
  static std::string Request(const std::string& method,
                             const std::string& path,
                             const std::string& fields = {},
                             const std::string& body = {});

 private:
  std::shared_ptr<const dataplane::routes::RouteTable> MakeTable(
      const std::string& epoch, const std::function<void(dataplane::routes::Route&)>& adjust);
  void PublishTable();
  void AwaitPublished();
  std::unique_ptr<dataplane::server::Server> MakeServer(dataplane::token::GrantCache& grants);

  WorldOptions options_;
  HttpServer registry_;
  FakeIssuer issuer_;
  dataplane::token::GrantCache grants_;
  dataplane::token::GrantCache replica_grants_;
  SystemClock clock_;
  FakeCertificateIssuer certificate_issuer_{clock_};
  int log_fd_;
  log::Logger logger_;
  std::unique_ptr<dataplane::certificates::CertificateCache> certificates_;
  std::shared_ptr<dataplane::routes::RouteStats> stats_;
  std::shared_ptr<const crypto::SealKeys> sealing_keys_;
  std::shared_ptr<const dataplane::routes::RouteTable> table_;
  std::unique_ptr<dataplane::server::Server> server_;
  std::unique_ptr<dataplane::server::Server> replica_;
};

}  // namespace connector::testing_support
