#pragma once

// Where the configuration says that the deny list is.

#include "common/config/options_reader.h"
#include "common/kube/object.h"

#include <optional>
#include <string>

namespace connector::config::v1 {
class DenyListSource;
}  // namespace connector::config::v1

namespace connector::broker::deny_list {

// One of them.
struct DenyListOptions {
  std::string file = {};
  std::optional<kube::ObjectName> config_map = {};
};

[[nodiscard]] DenyListOptions ReadDenyListOptions(const connector::config::v1::DenyListSource& from,
                                                  config::OptionsReader& reader);

}  // namespace connector::broker::deny_list
