#include "broker/callers/callers_options.h"

#include "proto/connector/config/v1/broker.pb.h"

#include <cstddef>

namespace connector::broker::callers {

CallersOptions ReadCallers(const config::v1::Identity& from, config::OptionsReader& reader) {
  CallersOptions out;
  if (!from.audience().empty()) {
    out.audience = from.audience();
  }
  if (from.has_local()) {
    out.local = ReadLocalIssuer(from.local());
  }
  for (int i = 0; i < from.oidc_size(); ++i) {
    const std::string path = config::Join("identity.oidc", static_cast<std::size_t>(i));
    out.oidc.push_back(ReadOidcIssuer(from.oidc(i), path, out.audience, reader));
  }
  if (from.has_kubernetes()) {
    out.kubernetes = ReadKubernetesIdentity(from.kubernetes(), reader);
  }
  if (!out.local && out.oidc.empty() && !out.kubernetes) {
    reader.Complain("identity",
                    "names no issuer, so nobody could be verified; add kubernetes, local or oidc");
  }
  return out;
}

}  // namespace connector::broker::callers
