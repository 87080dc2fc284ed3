#include "broker/secrets/vault/vault_view.h"

#include <string_view>

namespace connector::broker::secrets {
namespace {

constexpr std::size_t kShownDigits = 12;  // Of a version: enough to tell two apart.

std::string_view NameOf(VaultKind kind) {
  switch (kind) {
    case VaultKind::kKv:
      return "kv";
    case VaultKind::kLease:
      return "lease";
    case VaultKind::kUnknown:
      break;
  }
  return "unknown";
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) {
    out.append(out.empty() ? "" : ", ").append(text);
  }
  return out.empty() ? "none but default" : out;
}

}  // namespace

CredentialState CredentialStateOf(const VaultObservation& observed,
                                  const resource::CredentialWanted& wanted) {
  const bool told = !observed.version.empty() || observed.last_success.has_value();
  const auto lack = observed.lacks.find(wanted);
  const bool problem_of_all = !observed.problem.empty() || lack == observed.lacks.end();
  return {observed.version, problem_of_all ? observed.problem : lack->second, told};
}

admin::CredentialStatus CredentialStatusOf(const resource::VaultLocation& location,
                                           const VaultObservation& observed) {
  admin::CredentialStatus out;
  out.kind = NameOf(observed.kind);
  out.place = location.path + " in Vault";
  out.version = observed.kv_version > 0 ? std::to_string(observed.kv_version)
                                        : observed.version.substr(0, kShownDigits);
  out.lease_hash = observed.lease_hash;
  out.expires_at = observed.expires_at;
  out.last_success = observed.last_success;
  out.last_error = observed.last_error;
  return out;
}

std::vector<std::string> DegradedBy(const VaultStatus& status) {
  if (status.sealed) {
    return {"Vault is sealed: no new token can be minted for connectors whose credential is there"};
  }
  if (!status.problem.empty()) {
    return {"Vault cannot be used: " + status.problem};
  }
  return {};
}

admin::StatusSection VaultSection(const VaultStatus& status) {
  admin::StatusSection section;
  section.title = "Vault";
  section.rows.emplace_back("State",
                            status.sealed       ? "sealed"
                            : !status.reachable ? "not reachable: " + status.problem
                                                : "reachable");
  if (status.login) {
    section.rows.emplace_back("Login", status.login->method);
    section.rows.emplace_back("Policies", Joined(status.login->policies));
    section.rows.emplace_back("Token accessor", status.login->accessor);
  } else {
    section.rows.emplace_back("Login",
                              status.problem.empty() ? "none yet" : "none: " + status.problem);
  }
  section.rows.emplace_back("Logins", std::to_string(status.logins));
  section.rows.emplace_back("Token renewals", std::to_string(status.renewals));
  section.rows.emplace_back("Lease renewals", std::to_string(status.lease_renewals));
  section.rows.emplace_back("Leases revoked", std::to_string(status.leases_revoked));
  return section;
}

}  // namespace connector::broker::secrets
