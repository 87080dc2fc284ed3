#include "broker/callers/token_key.h"

#include "common/crypto/digest.h"

namespace connector::broker::callers {

std::string TokenKey(std::string_view token) {
  return crypto::Sha256(token);
}

std::string TokenKey(const UnverifiedToken& token) {
  return TokenKey(token.UncheckedBytes().Reveal());
}

}  // namespace connector::broker::callers
