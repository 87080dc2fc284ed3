#include "common/grpc/peer.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

namespace connector::grpc_support {

std::vector<std::string> PeerSans(const ::grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  std::vector<std::string> names;
  if (!auth || !auth->IsPeerAuthenticated()) {
    return names;
  }
  for (const char* property : {GRPC_PEER_URI_PROPERTY_NAME, GRPC_PEER_DNS_PROPERTY_NAME}) {
    for (const auto& value : auth->FindPropertyValues(property)) {
      names.emplace_back(value.data(), value.size());
    }
  }
  return names;
}

}  // namespace connector::grpc_support
