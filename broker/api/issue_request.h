#pragma once

// Parses and checks IssueToken and ExplainAccess requests. Pure. The peer is an authenticated data
// plane, but a client chose the content.

#include "broker/authorization/decision.h"
#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/oci/reference.h"

#include <cstddef>
#include <string>
#include <vector>

namespace connector::broker::v1 {
class ExplainAccessRequest;
class IssueTokenRequest;
}  // namespace connector::broker::v1

namespace connector::broker::api {

inline constexpr std::size_t kMaxScopes = 8;
inline constexpr std::size_t kMaxCallerTokenBytes = 16 * 1024;
inline constexpr std::size_t kMaxRequestIdBytes = 128;
inline constexpr std::size_t kMaxClientAddressBytes = 128;
inline constexpr std::size_t kMaxNameBytes = 253;  // Of a namespace, a connector or a host.

struct IssueQuery {
  authorization::Target target;
  Secret caller_token;
  std::vector<oci::Scope> scopes;  // Sorted, one per repository.
  std::string request_id;
  std::string client_address;
  bool mint_anew = false;
};

// What may be written to log and audit, also when the request as a whole is refused: printable
// ASCII within the limits, else empty.
struct IssueLabels {
  std::string request_id;
  std::string client_address;
};
[[nodiscard]] IssueLabels LabelsOf(const v1::IssueTokenRequest& request);

// Fails with kInvalidArgument, saying which field breaks which rule, for: a name, host, request id
// or client address that is too long or not printable ASCII; a token over kMaxCallerTokenBytes;
// more than kMaxScopes scopes; a repository outside the grammar; a scope without actions or with
// one that is unknown; scopes without a target. An empty token is not an error here: it is a caller
// who is not authenticated.
[[nodiscard]] Result<IssueQuery> ParseIssueRequest(const v1::IssueTokenRequest& request);

// The same rules; the target must be a connector.
[[nodiscard]] Result<IssueQuery> ParseExplainRequest(const v1::ExplainAccessRequest& request);

}  // namespace connector::broker::api
