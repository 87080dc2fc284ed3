#pragma once

// Grant: the broker's permission to do something upstream, as this data plane holds it;
// GrantDenial: its refusal. Plain values, so that nothing behind them knows gRPC.

#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/base/secret.h"
#include "common/oci/reference.h"
#include "dataplane/oci/errors.h"
#include "dataplane/oci/no_echo.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace connector::dataplane::token {

struct Grant {
  ConnectorRef connector;
  // "Authorization: Bearer ...\r\n", ready to be appended to a head; empty for anonymous.
  Secret authorization_line;
  WallTime not_after;                // Of the credential.
  WallTime authorization_not_after;  // Of the caller's right (promise P6: at most 60 s).
  std::string subject;
  std::string epoch;
  std::string deny_list;  // Version of the one that the caller was checked against.
  bool single_use = false;
  oci::NoEcho no_echo;  // Finds the credential in what the registry answers.
};

using oci::DenialReason;

struct GrantDenial {
  DenialReason reason = DenialReason::kBrokerUnavailable;
  std::string message;
  std::chrono::seconds retry_after{0};
  std::string subject;
};

using GrantResult = std::variant<std::shared_ptr<const Grant>, GrantDenial>;

// What one request asks of the broker. With neither connector nor host: only who the caller is.
struct GrantRequest {
  ConnectorRef connector;     // Empty names when `upstream_host` is set, or for neither.
  std::string upstream_host;  // Mirror form.
  std::shared_ptr<const Secret> caller_token;  // The caller's own.
  std::vector<::connector::oci::Scope> scopes;
  std::string request_id;
  std::string client_address;
  bool mint_anew = false;  // The registry refused the token that the broker has cached.
};

}  // namespace connector::dataplane::token
