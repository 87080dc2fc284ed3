#include "dataplane/server/caller.h"

#include "common/base/encoding.h"
#include "common/base/secret_place.h"
#include "common/http/head.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <string>

namespace connector::dataplane::server {
namespace {

std::optional<Secret> Checked(std::string_view token) {
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (token.empty() || token.size() > kMaxCallerTokenBytes || !printable) {
    return std::nullopt;
  }
  return ForeignSecret(token);
}

}  // namespace

std::optional<Secret> ReadCallerToken(std::string_view authorization) {
  const std::size_t space = authorization.find(' ');
  if (space == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view scheme = authorization.substr(0, space);
  std::string_view value = authorization.substr(space);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  if (http::EqualsIgnoreCase(scheme, "bearer")) {
    return Checked(value);
  }
  if (!http::EqualsIgnoreCase(scheme, "basic")) {
    return std::nullopt;
  }
  std::optional<std::string> decoded = Base64Decode(value);
  if (!decoded) {
    return std::nullopt;
  }
  const std::size_t colon = decoded->find(':');
  std::optional<Secret> token = colon == std::string::npos
                                    ? std::nullopt
                                    : Checked(std::string_view(*decoded).substr(colon + 1));
  OPENSSL_cleanse(decoded->data(), decoded->size());
  return token;
}

}  // namespace connector::dataplane::server
