#pragma once

// Logs in to Vault, by one of four methods. Reads its files at each login, so that rotated ones
// count. vault_session.h holds the token and decides when to log in.

#include "broker/secrets/vault/vault_answers.h"
#include "broker/secrets/vault/vault_client.h"
#include "broker/secrets/vault/vault_options.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "common/base/secret.h"

#include <memory>
#include <string>

namespace connector::broker::secrets {

inline constexpr std::size_t kMaxLoginFileBytes = 64 * 1024;

// Kept between logins: the secret_id that a wrapping token returned, because that token works once.
struct VaultLoginMemory {
  std::string unwrapped_digest;  // SHA-256 of the wrapping token.
  Secret secret_id;              // Empty when unwrapping failed for good.
};

[[nodiscard]] std::string MethodName(const VaultLoginMethod& login);  // "kubernetes" ...
// False for a token file: Vault Agent owns that token and revokes it.
[[nodiscard]] bool TokenIsOurs(const VaultLoginMethod& login);

// The one line of a small file, without the white space around it. Fails with kUnavailable: a
// file that an agent writes may come, or be repaired.
[[nodiscard]] Result<Secret> ReadLoginFile(const std::string& path);

// `memory` outlives the task; one login at a time. Errors: those of VaultClient::Do, and
// kPermissionDenied when Vault refuses.
[[nodiscard]] Task<Result<VaultTokenGrant>> LogIn(const VaultOptions& options,
                                                  VaultClient& client,
                                                  VaultLoginMemory& memory,
                                                  Deadline deadline);

}  // namespace connector::broker::secrets
