#pragma once

// What a route says of where the other side may lead requests.

#include "dataplane/oci/redirect.h"
#include "dataplane/routes/route_table.h"

namespace connector::dataplane::server {

// Refers to `route`. A token of the class `derived` is for one repository; `none` is a token that
// everybody gets.
[[nodiscard]] inline oci::EgressPolicy EgressPolicyOf(const routes::Route& route) {
  return {.address = route.origin,
          .redirect_hosts = route.redirects.hosts,
          .allow_insecure = route.allow_insecure,
          .scoped_credential = route.secret_class == "derived" || route.secret_class == "none"};
}

}  // namespace connector::dataplane::server
