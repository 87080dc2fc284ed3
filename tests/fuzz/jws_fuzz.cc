#include "common/jose/claims.h"
#include "common/jose/jwk_set.h"
#include "common/jose/jws.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

constexpr std::string_view kKeys = R"({"keys":[{"kty":"EC","crv":"P-256","kid":"k",)"
                                   R"("x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
                                   R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]})";

}  // namespace

// One input is read as a token, as claims and as a key set. No reader crashes; a token passes only
// with a signature by a key whose private half (RFC 7517 appendix A.2) no fuzzer uses; claims that
// pass the checks are unexpired; and a key set that parses has a key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace jose = connector::jose;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  static const auto keys = jose::ParseJwkSet(kKeys);
  if (!keys || jose::VerifyCompact(input, *keys)) {
    std::abort();
  }
  (void)jose::UnverifiedIssuer(input);

  const connector::WallTime now{std::chrono::seconds{1'800'000'000}};
  const auto claims = jose::ParseClaims(input);
  if (claims && (claims->issuer.empty() || claims->subject.empty() ||
                 claims->issuer.find('\n') != std::string::npos)) {
    std::abort();
  }
  if (claims && jose::CheckClaims(*claims, {claims->issuer, "oci-connector"}, now) &&
      *claims->expires_at <= now) {
    std::abort();
  }

  const auto set = jose::ParseJwkSet(input);
  if (set && set->size() == 0) {
    std::abort();
  }
  return 0;
}
