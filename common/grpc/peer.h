#pragma once

// The names in a peer's verified client certificate. What they may do is the caller's to decide.

#include <string>
#include <vector>

namespace grpc {
class ServerContextBase;
}  // namespace grpc

namespace connector::grpc_support {

// URI and DNS subject alternative names, URIs first. Empty when the peer was not authenticated.
// The subject's common name is no name here (RFC 6125 section 6.4.4).
[[nodiscard]] std::vector<std::string> PeerSans(const ::grpc::ServerContextBase& context);

}  // namespace connector::grpc_support
