#pragma once

// Mutual TLS for gRPC, on both sides: TLS 1.3 only, the peer's certificate required and verified
// against one CA file, and files read again when they change, without dropping connections.
// Deliberately does not decide what a verified peer may do: see peer.h for its names.
//
// gRPC 1.51 has no setter for the lowest TLS version. RequireTls13ForGrpc leaves it no TLS 1.2
// cipher suite that could ever be negotiated, which holds for gRPC alone: the process may still
// speak TLS 1.2 to registries and token services.

#include <chrono>
#include <memory>
#include <string>

namespace grpc {
class Channel;
class ChannelArguments;
class ServerCredentials;
}  // namespace grpc

namespace connector::grpc_support {

inline constexpr std::chrono::seconds kReloadInterval{5};

struct TlsFiles {
  std::string certificate_file;  // PEM chain, leaf first.
  std::string key_file;          // PEM.
  std::string ca_file;           // PEM: who may be on the other side.
};

// Sets the environment variable that gRPC reads before its first handshake. Call it first thing in
// main, while there is one thread. The Make functions below call it too.
void RequireTls13ForGrpc();

// A client without a certificate of `ca_file` is refused in the handshake. Files that are missing
// or do not parse refuse every handshake until they do.
[[nodiscard]] std::shared_ptr<::grpc::ServerCredentials> MakeServerCredentials(
    const TlsFiles& files, std::chrono::seconds reload_interval = kReloadInterval);

// A channel to `target` ("dns:///broker.ns.svc:7443"). The server's certificate must name
// `server_name`, or the target's host when that is empty.
[[nodiscard]] std::shared_ptr<::grpc::Channel> MakeChannel(const std::string& target,
                                                           const TlsFiles& files,
                                                           const std::string& server_name,
                                                           ::grpc::ChannelArguments arguments);

}  // namespace connector::grpc_support
