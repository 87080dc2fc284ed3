#include "tests/support/cpp/dataplane_world.h"

#include "common/routing/connector_host.h"

#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace connector::testing_support {
namespace {

namespace dp = ::connector::dataplane;

const ConnectorRef kHarbor{"default", "harbor"};
constexpr std::string_view kFirstEpoch = "epoch-1";

}  // namespace

DataplaneWorld::DataplaneWorld(HttpServer::Handler registry, WorldOptions options)
    : options_(std::move(options)),
      registry_(std::move(registry), options_.tls),
      issuer_([](const dp::token::GrantRequest& grant_request) -> dp::token::GrantResult {
        return grant_request.connector.name.empty() && grant_request.upstream_host.empty()
                   ? MakeGrant({}, kUpstreamToken, "")
                   : MakeGrant(kHarbor, kUpstreamToken, std::string(kFirstEpoch));
      }),
      grants_(issuer_, 1024),
      replica_grants_(issuer_, 1024),
      log_fd_(::memfd_create("log", MFD_CLOEXEC)),
      logger_(log_fd_, "connector-dataplane", log::Level::kDebug),
      certificates_(
          *dp::certificates::CertificateCache::Make(certificate_issuer_, clock_, logger_)),
      stats_(std::make_shared<dp::routes::RouteStats>()),
      server_(MakeServer(grants_)) {
  const Result<Done> started = server_->Start();
  if (!started) {
    throw std::runtime_error(started.error().message);
  }
  PublishKeys({7}, 7);
  PublishRoute(std::string(kFirstEpoch), options_.adjust);
}

DataplaneWorld::~DataplaneWorld() {
  server_.reset();
  replica_.reset();
  ::close(log_fd_);
}

std::unique_ptr<dp::server::Server> DataplaneWorld::MakeServer(dp::token::GrantCache& grants) {
  dp::server::ServerSettings settings = options_.settings;
  if (settings.certified_suffixes.empty()) {
    settings.certified_suffixes = routing::CertifiedSuffixes(settings.host_suffixes);
  }
  return std::make_unique<dp::server::Server>(
      dp::server::ServerOptions{.listeners = {options_.listener},
                                .threads = 1,
                                .settings = settings,
                                .access_log_fd = log_fd_},
      grants,
      logger_,
      certificates_.get());
}

std::shared_ptr<const dp::routes::RouteTable> DataplaneWorld::MakeTable(
    const std::string& epoch, const std::function<void(dp::routes::Route&)>& adjust) {
  auto route = std::make_shared<dp::routes::Route>();
  route->ref = kHarbor;
  route->origin = *http::ParseOrigin(registry_.address());
  route->tls = *dp::net::MakeUpstreamContext(options_.ca_pem);
  route->mirror_hosts = {"harbor.example.com"};
  route->allow_insecure = !options_.tls;
  route->epoch = epoch;
  route->secret_class = "derived";
  route->stats = stats_;
  if (adjust) {
    adjust(*route);
  }
  auto table = std::make_shared<dp::routes::RouteTable>();
  table->routes[kHarbor] = std::move(route);
  return table;
}

void DataplaneWorld::PublishRoute(const std::string& epoch,
                                  const std::function<void(dp::routes::Route&)>& adjust) {
  table_ = MakeTable(epoch, adjust);
  PublishTable();
}

void DataplaneWorld::PublishDenyList(const std::string& version) {
  auto table = std::make_shared<dp::routes::RouteTable>(*table_);
  table->deny_list = version;
  table_ = std::move(table);
  PublishTable();
}

void DataplaneWorld::PublishTable() {
  server_->PublishRoutes(table_);
  AwaitPublished();
}

void DataplaneWorld::PublishNoRoutes() {
  server_->PublishRoutes(std::make_shared<dp::routes::RouteTable>());
}

void DataplaneWorld::PublishKeys(const std::vector<std::uint32_t>& ids, std::uint32_t current) {
  auto keys = std::make_shared<crypto::SealKeys>();
  for (const std::uint32_t id : ids) {
    const Result<Done> added = keys->Add(id, Secret(std::string(32, static_cast<char>('d' + id))));
    if (!added || (id == current && !keys->SetCurrent(id))) {
      throw std::runtime_error("sealing keys");
    }
  }
  sealing_keys_ = std::move(keys);
  server_->PublishSealingKeys(sealing_keys_);
  AwaitPublished();
}

void DataplaneWorld::AwaitPublished() {
  if (options_.listener.from_broker) {
    return;  // Speaks TLS: what connects from now on is behind what was published, too.
  }
  // What is published stands on the core's own queue, in front of whatever connects from now on.
  // This request is answered by that queue too.
  RawClient client(port());
  client.Send("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
  if (client.Read().status != 401) {
    throw std::runtime_error("the server does not answer");
  }
}

void DataplaneWorld::StartReplica() {
  replica_ = MakeServer(replica_grants_);
  const Result<Done> started = replica_->Start();
  if (!started) {
    throw std::runtime_error(started.error().message);
  }
  replica_->PublishRoutes(table_);
  replica_->PublishSealingKeys(sealing_keys_);
}

std::string DataplaneWorld::log() {
  std::string text(static_cast<std::size_t>(::lseek(log_fd_, 0, SEEK_END)), '\0');
  const ssize_t got = ::pread(log_fd_, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::string DataplaneWorld::Request(const std::string& method,
                                    const std::string& path,
                                    const std::string& fields,
                                    const std::string& body) {
  const std::string length =
      body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return method + " " + path + " HTTP/1.1\r\nHost: proxy.example:8080\r\n" +
         "Authorization: Bearer caller-token\r\n" + fields + length + "\r\n" + body;
}

RawResponse DataplaneWorld::Do(const std::string& method,
                               const std::string& path,
                               const std::string& fields,
                               const std::string& body) {
  RawClient client(port());
  client.Send(Request(method, path, fields, body));
  return client.Read(method == "HEAD");
}

}  // namespace connector::testing_support
