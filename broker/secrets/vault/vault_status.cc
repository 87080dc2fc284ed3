#include "broker/secrets/vault/vault_status.h"

namespace connector::broker::secrets {

std::string_view ToString(VaultOperation operation) {
  switch (operation) {
    case VaultOperation::kLogin:
      return "login";
    case VaultOperation::kUnwrap:
      return "unwrap";
    case VaultOperation::kLookupSelf:
      return "lookup_self";
    case VaultOperation::kRenewSelf:
      return "renew_self";
    case VaultOperation::kRevokeSelf:
      return "revoke_self";
    case VaultOperation::kRead:
      return "read";
    case VaultOperation::kReadMetadata:
      return "read_metadata";
    case VaultOperation::kRenewLease:
      return "renew_lease";
    case VaultOperation::kRevokeLease:
      return "revoke_lease";
  }
  return "other";
}

std::string_view ToString(VaultOutcome outcome) {
  switch (outcome) {
    case VaultOutcome::kOk:
      return "ok";
    case VaultOutcome::kRefused:
      return "refused";
    case VaultOutcome::kRedirected:
      return "redirected";
    case VaultOutcome::kMissingState:
      return "missing_state";
    case VaultOutcome::kLimited:
      return "limited";
    case VaultOutcome::kSealed:
      return "sealed";
    case VaultOutcome::kUnavailable:
      return "unavailable";
    case VaultOutcome::kUnreachable:
      return "unreachable";
    case VaultOutcome::kNonsense:
      return "nonsense";
  }
  return "other";
}

}  // namespace connector::broker::secrets
