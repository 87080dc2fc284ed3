#include "controller/app/wiring.h"

#include "common/base/encoding.h"
#include "common/base/version.h"
#include "common/crypto/random_bytes.h"
#include "common/kube/cluster_connection.h"
#include "common/program/runtime.h"
#include "controller/app/control_loop.h"

#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace connector::controller::app {
namespace {

// Unlike that of every other process, also on a host of the same name: a Lease with it is ours.
std::string Identity() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) {
    host = {"unknown"};
  }
  std::array<unsigned char, 8> bytes{};
  if (!crypto::FillRandomBytes(bytes)) {
    throw std::runtime_error("no random numbers for this replica's identity");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::string(host.data()) + "_" + HexEncode(text);
}

Result<kube::ClusterConnection> ReadConnection(const ControllerOptions& options) {
  return options.kubeconfig_file.empty()
             ? kube::InClusterConnection()
             : kube::KubeconfigConnection(options.kubeconfig_file, options.kubeconfig_context);
}

}  // namespace

class Controller::Impl {
 public:
  Impl(ControllerOptions options, log::Logger& logger)
      : options_(std::move(options)),
        identity_(Identity()),
        runtime_({"controller", options_.admin_address, 1, kStopTimeout}, logger) {}

  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<Done> Start() {
    Result<kube::ClusterConnection> connection = ReadConnection(options_);
    if (!connection) {
      return connection.error();
    }
    if (options_.lease_namespace.empty()) {
      options_.lease_namespace = connection->ns;
    }
    control_loop_ =
        std::make_unique<ControlLoop>(runtime_, options_, identity_, *std::move(connection));
    const Result<Done> started = runtime_.Start({control_loop_.get()});
    if (!started) {
      return started;
    }
    runtime_.logger().Info("started",
                           {{"version", kVersion},
                            {"identity", identity_},
                            {"lease", options_.lease_namespace + "/" + options_.lease_name},
                            {"admin_port", runtime_.admin_port()}});
    return started;
  }

  void Stop() { runtime_.Stop(); }

  [[nodiscard]] std::uint16_t admin_port() const { return runtime_.admin_port(); }

 private:
  ControllerOptions options_;
  const std::string identity_;
  program::Runtime runtime_;
  std::unique_ptr<ControlLoop> control_loop_;
};

Controller::Controller(ControllerOptions options, log::Logger& logger)
    : impl_(std::make_unique<Impl>(std::move(options), logger)) {}

Controller::~Controller() = default;

Result<Done> Controller::Start() {
  return impl_->Start();
}

void Controller::Stop() {
  impl_->Stop();
}

std::uint16_t Controller::admin_port() const {
  return impl_->admin_port();
}

}  // namespace connector::controller::app
