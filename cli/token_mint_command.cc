#include "cli/commands.h"
#include "cli/files.h"
#include "cli/values.h"
#include "common/base/clock.h"
#include "common/base/input_error.h"
#include "common/http/origin.h"
#include "common/jose/jws.h"

#include <boost/json.hpp>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

namespace connector::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kDefaultIssuer = "https://local.oci-connector.dev";
constexpr std::string_view kDefaultAudience = "oci-connector";
constexpr std::string_view kDefaultTtl = "1h";
// What this command writes itself, and what would mislead a verifier.
constexpr std::array<std::string_view, 7> kReservedClaims = {
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti"};

Result<std::string> ReadSubject(const CommandArguments& arguments) {
  const auto subject = arguments.Value("subject");
  const auto account = arguments.Value("service-account");
  if (subject.has_value() == account.has_value()) {
    return InvalidInput("one of --service-account NAMESPACE/NAME and --subject TEXT is needed");
  }
  if (subject) {
    return *subject;
  }
  const Result<ConnectorRef> pair = ParsePair(*account, "--service-account");
  return pair ? "system:serviceaccount:" + pair->ns + ":" + pair->name
              : Result<std::string>(pair.error());
}

Result<Done> AddClaims(const std::vector<std::string>& values, json::object& claims) {
  for (const std::string& value : values) {
    const std::size_t equals = value.find('=');
    const std::string name = value.substr(0, equals);
    if (equals == std::string::npos || name.empty()) {
      return InvalidInput("--claim '" + name + "' must be KEY=VALUE");
    }
    if (std::find(kReservedClaims.begin(), kReservedClaims.end(), name) != kReservedClaims.end()) {
      return InvalidInput("--claim " + name + " is set by flags of its own or not at all");
    }
    if (!claims.emplace(name, value.substr(equals + 1)).second) {
      return InvalidInput("--claim " + name + " stands more than once");
    }
  }
  return Done{};
}

Result<json::object> ReadClaims(const CommandArguments& arguments, WallTime now) {
  const std::string issuer = arguments.ValueOr("issuer", kDefaultIssuer);
  if (const Result<http::Url> url = http::ParseUrl(issuer); !url) {
    return InvalidInput("--issuer must be a URL: " + url.error().message);
  }
  Result<std::string> subject = ReadSubject(arguments);
  if (!subject) {
    return std::move(subject).error();
  }
  const Result<std::chrono::seconds> ttl = ParseDuration(arguments.ValueOr("ttl", kDefaultTtl));
  if (!ttl) {
    return InvalidInput("--ttl " + ttl.error().message);
  }
  const auto issued_at = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
  json::object claims{{"iss", issuer},
                      {"sub", *subject},
                      {"aud", arguments.ValueOr("audience", kDefaultAudience)},
                      {"iat", issued_at.count()},
                      {"exp", (issued_at + *ttl).count()}};
  if (const Result<Done> added = AddClaims(arguments.Values("claim"), claims); !added) {
    return added.error();
  }
  return claims;
}

// The `kid` of a private JWK; empty when it has none. Whether it is a key is the signer's matter.
std::string KeyId(const Secret& jwk) {
  std::array<unsigned char, 64 * 1024> memory{};
  json::static_resource resource(memory.data(), memory.size());
  std::string kid;
  {
    boost::system::error_code error;
    const json::value key = json::parse(jwk.Reveal(), error, &resource);
    const json::object* const object = error ? nullptr : key.if_object();
    const json::value* const found = object != nullptr ? object->if_contains("kid") : nullptr;
    if (found != nullptr && found->is_string()) {
      kid = std::string(std::string_view(found->get_string()));
    }
  }
  OPENSSL_cleanse(memory.data(), memory.size());  // The tree held the private part too.
  return kid;
}

int RunTokenMint(const CommandArguments& arguments, const Console& console) {
  const Result<json::object> claims = ReadClaims(arguments, SystemClock().Now());
  if (!claims) {
    return Fail(console, kExitUsage, claims.error().message);
  }
  const std::string path = arguments.ValueOr("key", "");
  const Result<Secret> key = ReadSecretFile(path);
  if (!key) {
    return Fail(console, kExitUsage, key.error().message);
  }
  if (key->Reveal().size() > kMaxTokenBytes) {
    return Fail(console, kExitUsage, path + ": is over 16 KiB; a JWK is expected");
  }
  const Result<std::string> token =
      jose::SignCompact(key->Reveal(), json::serialize(*claims), KeyId(*key));
  if (!token) {
    return Fail(console, kExitUsage, path + ": " + token.error().message);
  }
  console.out << *token << "\n";
  return kExitOk;
}

constexpr std::string_view kTokenMintDetails =
    R"(For development: signs a caller's token with the issuer key that 'pki init' made. The broker
accepts it where its configuration names this issuer under identity.local. Only the token is
printed, so that it can be piped or redirected; keep the file private (umask 077).

Exit codes: 0 printed; 2 wrong usage or bad input.

Examples:
  connectorctl token mint --key pki/issuer.jwk.json --service-account ci/builder
  connectorctl token mint --key pki/issuer.jwk.json --subject alice --claim team=a --ttl 15m
)";

}  // namespace

Command TokenMintCommand() {
  return {
      {.name = "token mint",
       .summary = "Make a development token for a caller.",
       .flags = {{.name = "key",
                  .value_name = "FILE",
                  .help = "The issuer's private JWK.",
                  .required = true},
                 {.name = "issuer",
                  .value_name = "URL",
                  .help = "iss; default: https://local.oci-connector.dev."},
                 {.name = "audience", .value_name = "NAME", .help = "aud; default: oci-connector."},
                 {.name = "service-account",
                  .value_name = "NAMESPACE/NAME",
                  .help = "sub, in the form of a Kubernetes ServiceAccount."},
                 {.name = "subject", .value_name = "TEXT", .help = "sub, as it is."},
                 {.name = "claim",
                  .value_name = "KEY=VALUE",
                  .help = "Another claim, as text.",
                  .repeated = true},
                 {.name = "ttl",
                  .value_name = "TIME",
                  .help = "Lifetime, which sets exp; default: 1h."}},
       .details = kTokenMintDetails},
      RunTokenMint};
}

}  // namespace connector::cli
