#pragma once

// Logging in at Vault, one function per method. Reads its files anew each time. Holds no token
// and no schedule: vault_session.h does.

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

// What survives from one login to the next: the secret_id that a wrapping token gave, because that
// token works once.
struct VaultLoginMemory {
  std::string unwrapped_digest;  // SHA-256 of the wrapping token.
  Secret secret_id;              // Empty when unwrapping failed for good.
};

[[nodiscard]] std::string MethodName(const VaultLoginMethod& login);  // "kubernetes" ...
// False for a token file: that token is somebody else's to revoke.
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
