#pragma once

// Calls each method of a broker once, to see whether the caller may.

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <grpcpp/grpcpp.h>
#include <openssl/types.h>

#include <vector>

namespace connector::broker::api {

// The codes of IssueToken, WatchRoutes, GetSealingKeys, CheckConnector, ExplainAccess,
// IssueListenerCertificate and GetListenerAuthority, in this order. `listener_key` is the key that
// a certificate is asked for.
[[nodiscard]] std::vector<grpc::StatusCode> CodesOfEveryMethod(v1::Broker::Stub& stub,
                                                               EVP_PKEY* listener_key);

}  // namespace connector::broker::api
