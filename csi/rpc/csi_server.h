#pragma once

// The gRPC server on a Unix socket that only root can open (the process's umask sees to that). No
// TLS: who can open the socket is who may call.

#include "common/base/result.h"
#include "csi/rpc/services.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace connector::csi::rpc {

inline constexpr int kMaxReceivedMessageBytes = 1024 * 1024;

// The path in "unix:///csi/csi.sock" or "unix:/csi/csi.sock". kInvalidArgument for anything else,
// and for a path that is too long for a socket.
[[nodiscard]] Result<std::string> SocketPath(std::string_view endpoint);

class CsiServer {
 public:
  ~CsiServer();  // Stops at once.
  CsiServer(const CsiServer&) = delete;
  CsiServer& operator=(const CsiServer&) = delete;

  // A socket that another driver left is replaced.
  [[nodiscard]] static Result<std::unique_ptr<CsiServer>> Start(const std::string& socket_path,
                                                                DriverIdentity who,
                                                                CsiServiceParts parts);

  // Calls under way finish, up to `drain`. Idempotent.
  void Stop(std::chrono::milliseconds drain);

 private:
  class Impl;
  explicit CsiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::csi::rpc
