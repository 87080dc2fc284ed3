#include "common/grpc/log_route.h"

#include "common/log/log.h"

#include <grpc/support/log.h>

#include <mutex>
#include <string_view>

namespace connector::grpc_support {
namespace {

std::mutex& RouteMutex() {
  static std::mutex mutex;
  return mutex;
}

log::Logger*& Target() {
  static log::Logger* target = nullptr;
  return target;
}

void Forward(gpr_log_func_args* args) {
  const std::lock_guard lock(RouteMutex());
  if (Target() == nullptr) {
    return;
  }
  const std::string_view text(args->message);
  // A peer that fails a handshake is the peer's error: gRPC's errors are warnings of ours.
  if (args->severity == GPR_LOG_SEVERITY_ERROR) {
    Target()->Warning("grpc", {{"text", text}});
  } else {
    Target()->Debug("grpc", {{"text", text}});
  }
}

}  // namespace

LogRoute::LogRoute(log::Logger& logger) {
  const std::lock_guard lock(RouteMutex());
  Target() = &logger;
  gpr_set_log_function(Forward);
}

LogRoute::~LogRoute() {
  const std::lock_guard lock(RouteMutex());
  Target() = nullptr;
}

}  // namespace connector::grpc_support
