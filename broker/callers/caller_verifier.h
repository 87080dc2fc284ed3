#pragma once

// CallerVerifier: turns the token that a client sent into a verified Caller.
//
// Implementations: local_verifier.h (development issuer), oidc_verifier.h (any OpenID issuer, JWKS
// discovered and cached), token_review_verifier.h (the Kubernetes API server is asked),
// verifier_chain.h (picks one by issuer). Every one passes
// tests/contract/broker/callers/caller_verifier_contract.h. The two types keep verified and
// unverified apart: an UnverifiedToken has no reader but the verifiers.

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/base/secret.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::callers {

inline constexpr std::size_t kMaxTokenBytes = 16 * 1024;

class UnverifiedToken {
 public:
  // `source` is the address that it came from, as far as a share goes (audit::SourceOf).
  explicit UnverifiedToken(Secret bytes, std::string source = {})
      : bytes_(std::move(bytes)), source_(std::move(source)) {}
  // For verifiers only: everything read here is a claim that nobody has checked.
  [[nodiscard]] const Secret& UncheckedBytes() const { return bytes_; }
  // By which is divided what is spent before the token is verified.
  [[nodiscard]] const std::string& source() const { return source_; }

 private:
  Secret bytes_;
  std::string source_;
};

struct ServiceAccount {
  std::string ns;
  std::string name;
  bool operator==(const ServiceAccount&) const = default;
};

// The user that the Kubernetes API server authenticated, unchanged: a SubjectAccessReview must name
// exactly the same user.
struct KubernetesUser {
  std::string username;
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::map<std::string, std::vector<std::string>> extra = {};
  bool operator==(const KubernetesUser&) const = default;
};

// Who the caller is. Only a verifier makes one.
struct Caller {
  std::string issuer;
  std::string subject;  // The token's `sub`.
  // Of the broker's own cluster alone. What stands here needs no authority beside it: rules, RBAC
  // and namespaces of Connectors mean this cluster.
  std::optional<ServiceAccount> service_account;
  // Strings, numbers and booleans, as text: of a claim that is a list, each element.
  std::multimap<std::string, std::string> claims;
  WallTime expires_at;
  // Set when the API server authenticated the caller.
  std::optional<KubernetesUser> kubernetes_user = {};
  // When the issuer last confirmed the token; epoch for issuers that are not asked.
  WallTime caller_checked_at = {};
  // A ServiceAccount of another cluster, whose authority is `issuer`. It equals no account of the
  // same name elsewhere; only a rule that names the issuer speaks of it.
  std::optional<ServiceAccount> other_cluster_account = {};
  // What the token's audiences let it be used for: every Connector, or these alone.
  bool any_connector = true;
  std::vector<ConnectorRef> connectors = {};

  // Whether the token is for the Connector; `by_name`: only an audience that names it counts.
  [[nodiscard]] bool TokenIsFor(const ConnectorRef& connector, bool by_name = false) const {
    return (any_connector && !by_name) ||
           std::find(connectors.begin(), connectors.end(), connector) != connectors.end();
  }

  // For logs and for binding upload sessions: unique over issuers, since only the own cluster's
  // accounts go without theirs.
  [[nodiscard]] std::string Name() const {
    return service_account
               ? "system:serviceaccount:" + service_account->ns + ":" + service_account->name
               : issuer + "#" + subject;
  }
};

// Thread-safe: calls may overlap on any thread of the broker's executor.
class CallerVerifier {
 public:
  virtual ~CallerVerifier() = default;

  // Fails with kUnauthenticated when the token is not to be accepted (the message says which check
  // failed, for the log only), and with kUnavailable when the issuer could not be asked.
  [[nodiscard]] virtual Task<Result<Caller>> Verify(const UnverifiedToken& token,
                                                    Deadline deadline) = 0;

 protected:
  CallerVerifier() = default;
  CallerVerifier(const CallerVerifier&) = default;
  CallerVerifier& operator=(const CallerVerifier&) = default;
};

}  // namespace connector::broker::callers
