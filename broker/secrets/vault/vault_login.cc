#include "broker/secrets/vault/vault_login.h"

#include "common/config/read_file.h"
#include "common/crypto/digest.h"
#include "common/curl/wiped_buffer.h"

#include <utility>

namespace connector::broker::secrets {
namespace {

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t start = text.find_first_not_of(kSpace);
  return start == std::string_view::npos
             ? std::string_view()
             : text.substr(start, text.find_last_not_of(kSpace) - start + 1);
}

Error Refused(std::string message) {
  return MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kUpstream, std::move(message));
}

std::shared_ptr<const VaultIdentity> Anonymous(VaultClient& client) {
  auto identity = std::make_shared<VaultIdentity>();
  identity->connections = client.NewConnections();
  return identity;
}

Task<Result<VaultTokenGrant>> Post(VaultClient& client,
                                   std::shared_ptr<const VaultCall> call,
                                   std::shared_ptr<const VaultIdentity> as,
                                   Deadline deadline) {
  const Result<VaultAnswer> answer =
      co_await client.Do(call, as, VaultRetryPolicy::kRetryBriefly, deadline);
  if (!answer) {
    co_return answer.error();
  }
  if (answer->status != 200) {
    co_return ReadRefusal(*call, *answer, {});
  }
  co_return ReadLogin(*answer);
}

// One of the two calls about a wrapping token.
Task<Result<VaultAnswer>> AskAboutWrapping(VaultClient& client,
                                           std::shared_ptr<const VaultCall> call,
                                           std::shared_ptr<const VaultIdentity> as,
                                           Deadline deadline) {
  Result<VaultAnswer> answer =
      co_await client.Do(call, as, VaultRetryPolicy::kRetryBriefly, deadline);
  if (answer && answer->status != 200) {
    co_return Refused(
        "the wrapped secret_id is not valid: it has expired, or somebody has unwrapped it already, "
        "which is a reason for alarm unless it was this broker before a restart; write a new one");
  }
  co_return answer;
}

Task<Result<Secret>> Unwrap(const AppRoleLogin& login,
                            VaultClient& client,
                            const Secret& wrapping_token,
                            Deadline deadline) {
  const std::shared_ptr<const VaultIdentity> as = Anonymous(client);
  const auto lookup =
      std::make_shared<const VaultCall>(LookupWrappingCall(wrapping_token.Reveal()));
  const Result<VaultAnswer> info = co_await AskAboutWrapping(client, lookup, as, deadline);
  if (!info) {
    co_return info.error();
  }
  const Result<std::string> origin = ReadWrappingOrigin(*info);
  if (!origin) {
    co_return origin.error();
  }
  // Otherwise anyone who can write the file could make us log in with a secret_id of their own.
  if (!origin->starts_with("auth/" + login.mount + "/role/") || !origin->ends_with("/secret-id")) {
    co_return Refused("the wrapping token was not made by auth/" + login.mount +
                      "/role/.../secret-id; it is not unwrapped");
  }
  // Vault wants the wrapping token itself as the one who asks.
  auto bearer = std::make_shared<VaultIdentity>();
  bearer->connections = client.NewConnections();
  bearer->token = wrapping_token.Clone();
  const auto unwrap = std::make_shared<const VaultCall>(UnwrapCall());
  const Result<VaultAnswer> answer =
      co_await AskAboutWrapping(client, unwrap, std::move(bearer), deadline);
  if (!answer) {
    co_return answer.error();
  }
  co_return ReadUnwrappedSecretId(*answer);
}

// `memory` learns what became of the wrapping token, unless Vault could not be asked.
Task<Result<Secret>> SecretIdOf(const AppRoleLogin& login,
                                VaultClient& client,
                                VaultLoginMemory& memory,
                                Deadline deadline) {
  Result<Secret> read = ReadLoginFile(login.secret_id_file);
  if (!read || !login.secret_id_wrapped) {
    co_return read;
  }
  const std::string digest = crypto::Sha256Hex(read->Reveal());
  if (memory.unwrapped_digest == digest && !memory.secret_id.empty()) {
    co_return memory.secret_id.Clone();
  }
  if (memory.unwrapped_digest == digest) {
    co_return Refused("the wrapped secret_id in " + login.secret_id_file +
                      " did not unwrap; write a new one");
  }
  Result<Secret> secret_id = co_await Unwrap(login, client, *read, deadline);
  if (secret_id) {
    memory.unwrapped_digest = digest;
    memory.secret_id = secret_id->Clone();
  } else if (secret_id.error().code == ErrorCode::kPermissionDenied ||
             secret_id.error().code == ErrorCode::kInvalidArgument) {
    memory.unwrapped_digest = digest;
    memory.secret_id = Secret();
  }
  co_return secret_id;
}

Task<Result<VaultTokenGrant>> ByKubernetes(const KubernetesLogin& login,
                                           VaultClient& client,
                                           Deadline deadline) {
  const Result<Secret> jwt = ReadLoginFile(login.token_file);
  if (!jwt) {
    co_return jwt.error();
  }
  const auto call = std::make_shared<const VaultCall>(KubernetesLoginCall(login, jwt->Reveal()));
  co_return co_await Post(client, call, Anonymous(client), deadline);
}

Task<Result<VaultTokenGrant>> ByAppRole(const AppRoleLogin& login,
                                        VaultClient& client,
                                        VaultLoginMemory& memory,
                                        Deadline deadline) {
  const Result<Secret> secret_id = co_await SecretIdOf(login, client, memory, deadline);
  if (!secret_id) {
    co_return secret_id.error();
  }
  const auto call = std::make_shared<const VaultCall>(AppRoleLoginCall(login, secret_id->Reveal()));
  co_return co_await Post(client, call, Anonymous(client), deadline);
}

Task<Result<VaultTokenGrant>> ByCertificate(const CertLogin& login,
                                            VaultClient& client,
                                            Deadline deadline) {
  auto as = std::make_shared<VaultIdentity>();
  as->connections = client.NewConnections();
  as->certificate_file = login.certificate_file;
  as->key_file = login.key_file;
  const auto call = std::make_shared<const VaultCall>(CertLoginCall(login));
  co_return co_await Post(client, call, std::move(as), deadline);
}

Task<Result<VaultTokenGrant>> ByTokenFile(const TokenFileLogin& login,
                                          VaultClient& client,
                                          Deadline deadline) {
  Result<Secret> token = ReadLoginFile(login.file);
  if (!token) {
    co_return token.error();
  }
  auto as = std::make_shared<VaultIdentity>();
  as->connections = client.NewConnections();
  as->token = token->Clone();
  const auto call = std::make_shared<const VaultCall>(LookupSelfCall());
  const Result<VaultAnswer> answer =
      co_await client.Do(call, std::move(as), VaultRetryPolicy::kRetryBriefly, deadline);
  if (!answer) {
    co_return answer.error();
  }
  if (answer->status == 403) {
    co_return Refused("Vault does not accept the token in " + login.file +
                      "; it has expired or was revoked, and whoever writes it has to write a new "
                      "one");
  }
  if (answer->status != 200) {
    co_return ReadRefusal(*call, *answer, {});
  }
  Result<VaultTokenGrant> grant = ReadLookup(*answer);
  if (grant) {
    grant->token = *std::move(token);
  }
  co_return grant;
}

}  // namespace

std::string MethodName(const VaultLoginMethod& login) {
  constexpr const char* kNames[] = {"kubernetes", "approle", "cert", "tokenFile"};
  return kNames[login.index()];
}

bool TokenIsOurs(const VaultLoginMethod& login) {
  return !std::holds_alternative<TokenFileLogin>(login);
}

Result<Secret> ReadLoginFile(const std::string& path) {
  Result<std::string> text = config::ReadFile(path, kMaxLoginFileBytes);
  if (!text) {
    return MakeError(ErrorCode::kUnavailable,
                     ErrorOrigin::kSelf,
                     "the login file " + path + " cannot be used: " + text.error().message);
  }
  Secret out(Trimmed(*text));
  curl::Wipe(*text);
  const std::string_view bytes = out.Reveal();
  if (bytes.empty() || bytes.find_first_of(" \t\r\n") != std::string_view::npos) {
    return MakeError(ErrorCode::kUnavailable,
                     ErrorOrigin::kSelf,
                     "the login file " + path + " does not hold exactly one word");
  }
  return out;
}

Task<Result<VaultTokenGrant>> LogIn(const VaultOptions& options,
                                    VaultClient& client,
                                    VaultLoginMemory& memory,
                                    Deadline deadline) {
  if (const auto* kubernetes = std::get_if<KubernetesLogin>(&options.login)) {
    co_return co_await ByKubernetes(*kubernetes, client, deadline);
  }
  if (const auto* approle = std::get_if<AppRoleLogin>(&options.login)) {
    co_return co_await ByAppRole(*approle, client, memory, deadline);
  }
  if (const auto* cert = std::get_if<CertLogin>(&options.login)) {
    co_return co_await ByCertificate(*cert, client, deadline);
  }
  co_return co_await ByTokenFile(std::get<TokenFileLogin>(options.login), client, deadline);
}

}  // namespace connector::broker::secrets
