#include "common/jose/jwk_set.h"

#include "common/base/encoding.h"
#include "common/jose/cjose_key.h"

#include <boost/json.hpp>

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <string>
#include <utility>

namespace connector::jose {
namespace {

namespace json = boost::json;

Error BadSet(std::string why) {
  return MakeError(
      ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, "the key set (JWKS) " + std::move(why));
}

std::string_view StringAt(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) {
    return {};
  }
  return {value->get_string().data(), value->get_string().size()};
}

std::size_t SignificantBits(std::string_view big_endian) {
  const std::size_t first = big_endian.find_first_not_of('\0');
  if (first == std::string_view::npos) {
    return 0;
  }
  const auto top = static_cast<unsigned char>(big_endian[first]);
  return (big_endian.size() - first - 1) * 8 + static_cast<std::size_t>(std::bit_width(top));
}

// cjose takes an RSA exponent of 1, with which anybody can sign.
bool RsaNumbersAreSane(const json::object& object) {
  const auto n = Base64UrlDecode(StringAt(object, "n"));
  const auto e = Base64UrlDecode(StringAt(object, "e"));
  if (!n || !e || e->empty()) {
    return false;
  }
  const std::size_t bits = SignificantBits(*n);
  const bool odd = (static_cast<unsigned char>(e->back()) & 1U) != 0;
  return bits >= kMinRsaBits && bits <= kMaxRsaBits && odd && SignificantBits(*e) >= 2 &&
         SignificantBits(*e) <= 64;
}

// Only what a public key needs goes to cjose: no private member, and nothing that it might heed.
JwkPtr ImportPublic(const json::object& object) {
  const std::string_view kty = StringAt(object, "kty");
  json::object reduced;
  const auto take = [&](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      if (StringAt(object, name).empty()) {
        return false;
      }
      reduced[name] = StringAt(object, name);
    }
    return true;
  };
  const bool complete = kty == "RSA"  ? take({"kty", "n", "e"}) && RsaNumbersAreSane(object)
                        : kty == "EC" ? take({"kty", "crv", "x", "y"})
                                      : false;
  if (!complete) {
    return nullptr;
  }
  const std::string text = json::serialize(reduced);
  cjose_err error{};
  return JwkPtr(cjose_jwk_import(text.data(), text.size(), &error));
}

bool MayVerify(const json::object& object) {
  if (const json::value* use = object.if_contains("use"); use != nullptr && *use != "sig") {
    return false;
  }
  const json::value* ops = object.if_contains("key_ops");
  if (ops == nullptr) {
    return true;
  }
  return ops->is_array() &&
         std::find(ops->get_array().begin(), ops->get_array().end(), json::value("verify")) !=
             ops->get_array().end();
}

// A key without a jwk is one to skip.
JwkSet::Key ParseKey(const json::value& value) {
  JwkSet::Key key;
  const json::object* object = value.if_object();
  if (object == nullptr || !MayVerify(*object)) {
    return key;
  }
  JwkPtr jwk = ImportPublic(*object);
  if (jwk == nullptr) {
    return key;
  }
  key.algs = SuitableAlgs(jwk.get());
  if (object->contains("alg")) {
    const auto own = std::find(key.algs.begin(), key.algs.end(), StringAt(*object, "alg"));
    if (own == key.algs.end()) {
      return key;
    }
    key.algs = {*own};
  }
  key.kid = StringAt(*object, "kid");
  key.jwk = std::move(jwk);
  return key;
}

}  // namespace

bool JwkSet::Key::IsPinnedTo(std::string_view alg) const {
  return std::find(algs.begin(), algs.end(), alg) != algs.end();
}

std::size_t EcSignatureBytes(std::string_view alg) {
  return alg == "ES256" ? 64U : alg == "ES384" ? 96U : alg == "ES512" ? 132U : 0U;
}

std::vector<std::string_view> SuitableAlgs(const cjose_jwk_t* jwk) {
  switch (cjose_jwk_get_kty(jwk, nullptr)) {
    case CJOSE_JWK_KTY_RSA:
      return {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};
    case CJOSE_JWK_KTY_EC:
      switch (cjose_jwk_EC_get_curve(jwk, nullptr)) {
        case CJOSE_JWK_EC_P_256:
          return {"ES256"};
        case CJOSE_JWK_EC_P_384:
          return {"ES384"};
        case CJOSE_JWK_EC_P_521:
          return {"ES512"};
        case CJOSE_JWK_EC_INVALID:
          return {};
      }
      return {};
    case CJOSE_JWK_KTY_OCT:
      return {};
  }
  return {};
}

std::size_t JwkSet::size() const {
  return keys_ == nullptr ? 0 : keys_->list.size();
}

Result<std::vector<const JwkSet::Key*>> JwkSet::Candidates(std::optional<std::string_view> kid,
                                                           std::string_view alg) const {
  std::vector<const Key*> found;
  bool kid_known = false;
  for (std::size_t i = 0; i < size() && found.size() < kMaxTriedKeys; ++i) {
    const Key& key = keys_->list[i];
    if (kid && key.kid != *kid) {
      continue;
    }
    kid_known = kid.has_value();
    if (key.IsPinnedTo(alg)) {
      found.push_back(&key);
    }
  }
  if (!found.empty()) {
    return found;
  }
  if (kid_known) {
    return MakeError(ErrorCode::kUnauthenticated,
                     ErrorOrigin::kClient,
                     "the token's alg is not one that its key is pinned to");
  }
  return MakeError(ErrorCode::kNotFound,
                   ErrorOrigin::kClient,
                   kid ? "the token is signed by an unknown key"
                       : "the token names no key, and the issuer has none for its alg");
}

Result<JwkSet> ParseJwkSet(std::string_view text) {
  if (text.size() > kMaxJwksBytes) {
    return BadSet("is over 256 KiB");
  }
  boost::system::error_code ec;
  const json::value root = json::parse(text, ec);
  if (ec) {
    return BadSet("is not JSON");
  }
  const json::object* object = root.if_object();
  const json::value* keys = object == nullptr ? nullptr : object->if_contains("keys");
  if (keys == nullptr || !keys->is_array()) {
    return BadSet("has no list \"keys\"");
  }
  if (keys->get_array().size() > kMaxJwksKeys) {
    return BadSet("has over 100 keys");
  }
  auto parsed = std::make_shared<JwkSet::Keys>();
  for (const json::value& value : keys->get_array()) {
    JwkSet::Key key = ParseKey(value);
    if (key.jwk != nullptr) {
      parsed->list.push_back(std::move(key));
    }
  }
  if (parsed->list.empty()) {
    return BadSet("has no usable signature key");
  }
  return JwkSet(std::move(parsed));
}

}  // namespace connector::jose
