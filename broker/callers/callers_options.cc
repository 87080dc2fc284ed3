#include "broker/callers/callers_options.h"

#include "proto/connector/config/v1/broker.pb.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::callers {

namespace {

// Whose ServiceAccounts a rule means that names no issuer. With two candidates nobody can guess it:
// a guess would give one cluster's accounts the rights of another's.
void ChooseOwnCluster(const std::string& wanted,
                      CallersOptions& out,
                      config::OptionsReader& reader) {
  constexpr const char* kPath = "identity.ownCluster";
  std::vector<std::pair<std::string, bool*>> candidates;
  if (out.local) {
    candidates.emplace_back(out.local->issuer, &out.local->own_cluster);
  }
  for (OidcIssuerOptions& issuer : out.oidc) {
    if (issuer.kubernetes) {
      candidates.emplace_back(issuer.issuer, &issuer.own_cluster);
    }
  }
  if (out.kubernetes) {
    if (!wanted.empty()) {
      reader.Complain(kPath, "stands beside identity.kubernetes, which is the own cluster");
    }
    return;
  }
  if (wanted.empty() && candidates.size() == 1) {
    *candidates.front().second = true;
    return;
  }
  std::string names;
  for (const auto& [issuer, own_cluster] : candidates) {
    if (issuer == wanted) {
      *own_cluster = true;
      return;
    }
    names.append(names.empty() ? "" : ", ").append(issuer);
  }
  if (!wanted.empty()) {
    reader.Complain(kPath,
                    "is no issuer that names ServiceAccounts; write identity.local's, or one of "
                    "identity.oidc with kubernetes: true");
  } else if (!candidates.empty()) {
    reader.Complain(kPath,
                    "is missing, and several issuers name ServiceAccounts (" + names +
                        "); write the one whose accounts access rules mean that name no issuer");
  }
}

}  // namespace

CallersOptions ReadCallers(const config::v1::Identity& from, config::OptionsReader& reader) {
  CallersOptions out;
  if (!from.audience().empty()) {
    out.audience = from.audience();
  }
  out.require_connector_audience = from.require_connector_audience();
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
  ChooseOwnCluster(from.own_cluster(), out, reader);
  if (!out.local && out.oidc.empty() && !out.kubernetes) {
    reader.Complain("identity",
                    "names no issuer, so nobody could be verified; add kubernetes, local or oidc");
  }
  return out;
}

}  // namespace connector::broker::callers
