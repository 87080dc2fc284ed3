#include "common/base/encoding.h"
#include "common/jose/cjose_key.h"
#include "common/jose/jws.h"

#include <boost/json.hpp>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace connector::jose {
namespace {

namespace json = boost::json;

Error BadKey(std::string why) {
  return MakeError(
      ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, "the signing key " + std::move(why));
}

Error LibraryFailed() {
  return MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "the JOSE library failed");
}

struct WipedFree {
  void operator()(char* text) const {
    OPENSSL_cleanse(text, std::strlen(text));
    cjose_get_dealloc()(text);
  }
};
using WipedText = std::unique_ptr<char, WipedFree>;

constexpr std::size_t kMaxPrivateJwkBytes = 8 * 1024;

struct WipedMemory {
  std::vector<unsigned char> bytes = std::vector<unsigned char>(16 * kMaxPrivateJwkBytes);
  json::static_resource resource{bytes.data(), bytes.size()};

  WipedMemory() = default;
  WipedMemory(const WipedMemory&) = delete;
  WipedMemory& operator=(const WipedMemory&) = delete;
  ~WipedMemory() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

std::string Sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

Result<std::string> ChooseAlg(const json::object& key, const cjose_jwk_t* jwk) {
  const std::vector<std::string_view> suitable = SuitableAlgs(jwk);
  if (suitable.empty()) {
    return BadKey("is neither RSA nor EC");
  }
  const json::value* own = key.if_contains("alg");
  if (own == nullptr) {
    return std::string(suitable.front());
  }
  if (!own->is_string() ||
      std::find(suitable.begin(), suitable.end(), std::string_view(own->get_string())) ==
          suitable.end()) {
    return BadKey("has an alg that does not suit it");
  }
  return std::string(own->get_string());
}

bool SetHeader(cjose_header_t* header, const char* name, std::string_view value) {
  cjose_err error{};
  return cjose_header_set(header, name, std::string(value).c_str(), &error);
}

}  // namespace

Result<std::string> SignCompact(std::string_view private_jwk,
                                std::string_view payload,
                                std::string_view kid) {
  if (private_jwk.size() > kMaxPrivateJwkBytes) {
    return BadKey("is over 8 KiB");
  }
  WipedMemory memory;  // The tree holds the private part too.
  boost::system::error_code ec;
  const json::value parsed = json::parse(private_jwk, ec, &memory.resource);
  if (ec || !parsed.is_object()) {
    return BadKey("is not a JSON object");
  }
  cjose_err error{};
  const JwkPtr jwk(cjose_jwk_import(private_jwk.data(), private_jwk.size(), &error));
  if (jwk == nullptr) {
    return BadKey("is not a JWK");
  }
  const auto alg = ChooseAlg(parsed.get_object(), jwk.get());
  if (!alg) {
    return alg.error();
  }
  const HeaderPtr header(cjose_header_new(&error));
  if (header == nullptr || !SetHeader(header.get(), CJOSE_HDR_ALG, *alg) ||
      !SetHeader(header.get(), "typ", "JWT") ||
      (!kid.empty() && !SetHeader(header.get(), CJOSE_HDR_KID, kid))) {
    return LibraryFailed();
  }
  const JwsPtr jws(cjose_jws_sign(jwk.get(),
                                  header.get(),
                                  reinterpret_cast<const std::uint8_t*>(payload.data()),
                                  payload.size(),
                                  &error));
  const char* compact = nullptr;
  if (jws == nullptr || !cjose_jws_export(jws.get(), &compact, &error)) {
    return BadKey("cannot sign; is it only the public half?");
  }
  return std::string(compact);
}

Result<EcKey> MakeEcKey() {
  cjose_err error{};
  const JwkPtr jwk(cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &error));
  if (jwk == nullptr) {
    return LibraryFailed();
  }
  const WipedText public_text(cjose_jwk_to_json(jwk.get(), false, &error));
  const WipedText private_text(cjose_jwk_to_json(jwk.get(), true, &error));
  if (public_text == nullptr || private_text == nullptr) {
    return LibraryFailed();
  }
  json::object key = json::parse(public_text.get()).as_object();
  // RFC 7638 section 3.2: exactly these members, in this order, without white space.
  const json::object thumbprint_input{
      {"crv", key["crv"]}, {"kty", key["kty"]}, {"x", key["x"]}, {"y", key["y"]}};
  const std::string kid = Base64UrlEncode(Sha256(json::serialize(thumbprint_input)));
  const std::string_view extra = R"("alg":"ES256","use":"sig","kid":")";

  key["alg"] = "ES256";
  key["use"] = "sig";
  key["kid"] = kid;
  // The private half is joined by hand, so that it passes through no tree that is not wiped.
  const std::string_view body = std::string_view(private_text.get()).substr(1);
  EcKey made;
  made.private_jwk = Secret("{" + std::string(extra) + kid + "\",", body, "\n");
  made.public_jwks = json::serialize(json::object{{"keys", json::array{key}}}) + "\n";
  made.kid = kid;
  return made;
}

}  // namespace connector::jose
