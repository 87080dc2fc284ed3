#include "broker/upstream_auth/basic/basic_value.h"

#include "common/base/encoding.h"
#include "common/curl/wiped_buffer.h"

#include <algorithm>
#include <string>
#include <utility>

namespace connector::broker::upstream_auth {
namespace {

Error NotForBasic(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kUpstream, std::move(message));
}

}  // namespace

Result<Secret> BasicValue(const secrets::RegistryCredential& credential,
                          const ConnectorRef& connector) {
  const std::string& username = credential.username;
  if (username.empty() || credential.password.empty()) {
    return NotForBasic("the stored credential of connector " + connector.ToString() +
                       " has no user name and password");
  }
  const auto is_bad = [](char c) {
    return c == ':' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  };
  if (std::any_of(username.begin(), username.end(), is_bad)) {
    return NotForBasic("the stored user name of connector " + connector.ToString() +
                       " holds a colon or a control character, which Basic cannot carry");
  }
  curl::WipedBuffer joined;
  joined.Append(username);
  joined.Append(":");
  joined.Append(credential.password.Reveal());
  std::string encoded = Base64Encode(joined.view());
  Secret value(encoded);
  curl::Wipe(encoded);
  return value;
}

}  // namespace connector::broker::upstream_auth
