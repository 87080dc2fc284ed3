#pragma once

// What the configuration says of the listener authority: `listenerAuthority`.

#include "common/config/options_reader.h"

#include <string>
#include <vector>

namespace connector::config::v1 {
class ListenerAuthority;
}  // namespace connector::config::v1

namespace connector::broker::listener_authority {

struct ListenerAuthorityOptions {
  std::vector<std::string> certified_suffixes;  // routing::CertifiedSuffixes
  std::vector<std::string> dataplane_hosts;
};

[[nodiscard]] ListenerAuthorityOptions ReadListenerAuthority(
    const config::v1::ListenerAuthority& from, config::OptionsReader& reader);

}  // namespace connector::broker::listener_authority
