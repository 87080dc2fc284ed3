#include "csi/rpc/csi_server.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/un.h>

#include <utility>

namespace connector::csi::rpc {

Result<std::string> SocketPath(std::string_view endpoint) {
  constexpr std::string_view kScheme = "unix:";
  std::string_view path = endpoint;
  if (path.starts_with(kScheme)) {
    path.remove_prefix(kScheme.size());
    if (path.starts_with("///")) {
      path.remove_prefix(2);
    }
  }
  if (!path.starts_with('/') || path.starts_with("//") || path.size() < 2) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kClient,
                     "must be a Unix socket, as in unix:///csi/csi.sock");
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kClient,
                     "is longer than the 107 bytes that the path of a socket may have");
  }
  return std::string(path);
}

class CsiServer::Impl {
 public:
  Impl(const std::string& socket_path, DriverIdentity who, CsiServiceParts parts)
      : who_(std::move(who)), identity_(who_, parts.ready), node_(who_, parts) {
    ::grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kMaxReceivedMessageBytes);
    int bound = 0;
    builder.AddListeningPort("unix:" + socket_path, ::grpc::InsecureServerCredentials(), &bound);
    builder.RegisterService(&identity_);
    builder.RegisterService(&node_);
    server_ = builder.BuildAndStart();
    started_ = server_ != nullptr && bound != 0;
  }

  [[nodiscard]] bool started() const { return started_; }

  void Stop(std::chrono::milliseconds drain) {
    if (!server_) {
      return;
    }
    server_->Shutdown(std::chrono::system_clock::now() + drain);
    node_.WaitUntilIdle();
    server_->Wait();
    server_.reset();
  }

 private:
  DriverIdentity who_;
  IdentityService identity_;
  NodeService node_;  // Outlives the server, which uses its message allocator.
  std::unique_ptr<::grpc::Server> server_;
  bool started_ = false;
};

CsiServer::CsiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

CsiServer::~CsiServer() {
  Stop(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<CsiServer>> CsiServer::Start(const std::string& socket_path,
                                                    DriverIdentity who,
                                                    CsiServiceParts parts) {
  auto impl = std::make_unique<Impl>(socket_path, std::move(who), std::move(parts));
  if (!impl->started()) {
    return MakeError(ErrorCode::kUnavailable,
                     ErrorOrigin::kSelf,
                     socket_path + " cannot be listened on; is its folder there and writable?");
  }
  return std::unique_ptr<CsiServer>(new CsiServer(std::move(impl)));
}

void CsiServer::Stop(std::chrono::milliseconds drain) {
  impl_->Stop(drain);
}

}  // namespace connector::csi::rpc
