#include "broker/deny_list/deny_list_options.h"

#include "proto/connector/config/v1/broker.pb.h"

namespace connector::broker::deny_list {

DenyListOptions ReadDenyListOptions(const connector::config::v1::DenyListSource& from,
                                    config::OptionsReader& reader) {
  if (from.file().empty() == !from.has_kubernetes()) {
    reader.Complain("denyList",
                    from.has_kubernetes()
                        ? "names file and kubernetes; keep one of them"
                        : "names no place; add file, or kubernetes with namespace and name");
  }
  DenyListOptions out;
  out.file = from.file();
  if (from.has_kubernetes()) {
    out.config_map = {from.kubernetes().namespace_(), from.kubernetes().name()};
  }
  return out;
}

}  // namespace connector::broker::deny_list
