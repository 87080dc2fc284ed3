#include "broker/authorization/access_mode.h"

#include "proto/connector/config/v1/broker.pb.h"

namespace connector::broker::authorization {

bool ReadAccessMode(const config::v1::Access& from,
                    bool in_cluster,
                    config::OptionsReader& reader) {
  if (from.mode().empty()) {
    return in_cluster;
  }
  if (from.mode() != "rbac" && from.mode() != "rules") {
    reader.Complain("access.mode", "must be rbac or rules");
  }
  return from.mode() == "rbac";
}

}  // namespace connector::broker::authorization
