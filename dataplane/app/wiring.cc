#include "dataplane/app/wiring.h"

#include "common/program/open_files.h"
#include "common/program/runtime.h"
#include "dataplane/app/forwarding_service.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace connector::dataplane::app {
namespace {

program::RuntimeOptions RuntimeOptionsOf(const DataplaneOptions& options) {
  return {.program = "dataplane",
          .admin_address = options.admin_address,
          .threads = 0,  // The server has its own, one per core.
          .stop_timeout = options.server.settings.drain_timeout};
}

std::string Joined(const std::vector<std::uint16_t>& ports) {
  std::string text;
  for (const std::uint16_t port : ports) {
    text.append(text.empty() ? "" : ",").append(std::to_string(port));
  }
  return text;
}

// Connections that the system has no descriptors for would leave none to the admin port.
DataplaneOptions FitToOpenFiles(DataplaneOptions options, log::Logger& logger) {
  server::ServerSettings& settings = options.server.settings;
  const std::uint64_t open_files = program::RaiseOpenFilesLimit();
  const std::uint32_t fitting = program::ConnectionsThatFit(open_files, settings.max_connections);
  if (fitting < settings.max_connections) {
    logger.Warning(
        "limits.maxConnections is lowered: the limit of open files has room for no more; "
        "raise that limit",
        {{"open_files", open_files}, {"max_connections", fitting}});
    settings.max_connections = fitting;
    settings.max_connections_per_address = std::min(settings.max_connections_per_address, fitting);
  }
  return options;
}

}  // namespace

class Dataplane::Impl {
 public:
  Impl(DataplaneOptions options, log::Logger& logger)
      : options_(FitToOpenFiles(std::move(options), logger)),
        runtime_(RuntimeOptionsOf(options_), logger),
        forwarding_(runtime_, options_) {}

  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<Done> Start() {
    const Result<Done> started = runtime_.Start({&forwarding_});
    if (!started) {
      return started;
    }
    runtime_.logger().Info(
        "started", {{"ports", Joined(forwarding_.ports())}, {"admin_port", runtime_.admin_port()}});
    return started;
  }

  void Stop() { runtime_.Stop(); }

 private:
  const DataplaneOptions options_;
  program::Runtime runtime_;
  ForwardingService forwarding_;
};

Dataplane::Dataplane(DataplaneOptions options, log::Logger& logger)
    : impl_(std::make_unique<Impl>(std::move(options), logger)) {}

Dataplane::~Dataplane() = default;

Result<Done> Dataplane::Start() {
  return impl_->Start();
}

void Dataplane::Stop() {
  impl_->Stop();
}

}  // namespace connector::dataplane::app
