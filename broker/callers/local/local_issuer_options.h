#pragma once

// An issuer whose keys stand in a file.

#include <string>

namespace connector::config::v1 {
class LocalIssuer;
}  // namespace connector::config::v1

namespace connector::broker::callers {

struct LocalIssuerOptions {
  std::string issuer;
  std::string jwks_file;
  bool own_cluster = false;  // As callers_options.h decides.
};

[[nodiscard]] LocalIssuerOptions ReadLocalIssuer(const config::v1::LocalIssuer& from);

}  // namespace connector::broker::callers
