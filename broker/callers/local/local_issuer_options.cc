#include "broker/callers/local/local_issuer_options.h"

#include "proto/connector/config/v1/broker.pb.h"

namespace connector::broker::callers {

LocalIssuerOptions ReadLocalIssuer(const config::v1::LocalIssuer& from) {
  return {from.issuer(), from.jwks_file(), false};
}

}  // namespace connector::broker::callers
