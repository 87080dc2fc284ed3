#include "broker/secrets/vault/vault_status.h"

namespace connector::broker::vault {

std::string_view ToString(Operation operation) {
  switch (operation) {
    case Operation::kLogin:
      return "login";
    case Operation::kUnwrap:
      return "unwrap";
    case Operation::kLookupSelf:
      return "lookup_self";
    case Operation::kRenewSelf:
      return "renew_self";
    case Operation::kRevokeSelf:
      return "revoke_self";
    case Operation::kRead:
      return "read";
    case Operation::kReadMetadata:
      return "read_metadata";
    case Operation::kRenewLease:
      return "renew_lease";
    case Operation::kRevokeLease:
      return "revoke_lease";
  }
  return "other";
}

std::string_view ToString(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kRedirected:
      return "redirected";
    case Outcome::kMissingState:
      return "missing_state";
    case Outcome::kLimited:
      return "limited";
    case Outcome::kSealed:
      return "sealed";
    case Outcome::kUnavailable:
      return "unavailable";
    case Outcome::kUnreachable:
      return "unreachable";
    case Outcome::kNonsense:
      return "nonsense";
  }
  return "other";
}

}  // namespace connector::broker::vault
