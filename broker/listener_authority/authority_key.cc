#include "broker/listener_authority/authority_key.h"

#include "common/crypto/digest.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

namespace connector::broker::listener_authority {
namespace {

constexpr std::string_view kKeyPurpose = "oci-connector listener authority key";
constexpr std::string_view kNoncePurpose = "oci-connector listener authority signature ";
constexpr std::size_t kScalarBytes = 48;  // 16 more than the group's order has: no bias.
constexpr std::size_t kPointBytes = 65;   // Uncompressed, P-256.

struct Free {
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(EC_GROUP* group) const { EC_GROUP_free(group); }
  void operator()(EC_POINT* point) const { EC_POINT_free(point); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* params) const { OSSL_PARAM_free(params); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

Error Failed(const char* what) {
  ERR_clear_error();
  return MakeError(ErrorCode::kInternal,
                   ErrorOrigin::kSelf,
                   std::string("OpenSSL could not ") + what + " for the listener authority");
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// P-256 with what is computed in it.
struct Curve {
  Owned<EC_GROUP> group{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  Owned<BN_CTX> context{BN_CTX_secure_new()};

  [[nodiscard]] bool ok() const { return group && context; }
  [[nodiscard]] const BIGNUM* order() const { return EC_GROUP_get0_order(group.get()); }

  // Between 1 and the order, from what HKDF gives for `purpose`. Null when OpenSSL fails.
  [[nodiscard]] Owned<BIGNUM> Scalar(const Secret& root_key, std::string_view purpose) const {
    const Secret bytes = crypto::HkdfSha256(root_key.Reveal(), purpose, kScalarBytes);
    Owned<BIGNUM> scalar(BN_secure_new());
    const Owned<BIGNUM> below(BN_dup(order()));
    if (!scalar || !below || BN_sub_word(below.get(), 1) != 1 ||
        BN_bin2bn(Bytes(bytes.Reveal()), kScalarBytes, scalar.get()) == nullptr) {
      return nullptr;
    }
    BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
    if (BN_mod(scalar.get(), scalar.get(), below.get(), context.get()) != 1 ||
        BN_add_word(scalar.get(), 1) != 1) {
      return nullptr;
    }
    return scalar;
  }

  // `scalar` times the generator.
  [[nodiscard]] Owned<EC_POINT> Multiply(const BIGNUM* scalar) const {
    Owned<EC_POINT> point(EC_POINT_new(group.get()));
    if (point &&
        EC_POINT_mul(group.get(), point.get(), scalar, nullptr, nullptr, context.get()) != 1) {
      point = nullptr;
    }
    return point;
  }
};

// ECDSA of `digest` (FIPS 186-5 section 6.4.1): r is the x of k times G, s is (e + r d) / k.
Owned<ECDSA_SIG> Sign(const Curve& curve,
                      const BIGNUM* key,
                      const BIGNUM* nonce,
                      std::string_view digest) {
  const BIGNUM* const order = curve.order();
  BN_CTX* const context = curve.context.get();
  const Owned<EC_POINT> point = curve.Multiply(nonce);
  Owned<BIGNUM> r(BN_new());
  Owned<BIGNUM> s(BN_new());
  const Owned<BIGNUM> product(BN_secure_new());
  const Owned<BIGNUM> inverse(BN_secure_new());
  const Owned<BIGNUM> hash(BN_bin2bn(Bytes(digest), static_cast<int>(digest.size()), nullptr));
  Owned<ECDSA_SIG> signature(ECDSA_SIG_new());
  const bool made = point && r && s && product && inverse && hash && signature &&
                    EC_POINT_get_affine_coordinates(
                        curve.group.get(), point.get(), r.get(), nullptr, context) == 1 &&
                    BN_nnmod(r.get(), r.get(), order, context) == 1 && BN_is_zero(r.get()) == 0 &&
                    BN_mod_mul(product.get(), r.get(), key, order, context) == 1 &&
                    BN_mod_add(product.get(), product.get(), hash.get(), order, context) == 1 &&
                    BN_mod_inverse(inverse.get(), nonce, order, context) != nullptr &&
                    BN_mod_mul(s.get(), inverse.get(), product.get(), order, context) == 1 &&
                    BN_is_zero(s.get()) == 0 &&
                    ECDSA_SIG_set0(signature.get(), r.get(), s.get()) == 1;
  if (!made) {
    return nullptr;
  }
  static_cast<void>(r.release());  // The signature's from now on.
  static_cast<void>(s.release());
  return signature;
}

template <typename T>
std::string Der(int (*write)(const T*, unsigned char**), const T* from) {
  std::string der(static_cast<std::size_t>(std::max(write(from, nullptr), 0)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  write(from, &out);
  return der;
}

}  // namespace

Result<x509::KeyPtr> DeriveAuthorityKey(const Secret& root_key) {
  const Curve curve;
  const Owned<BIGNUM> scalar = curve.ok() ? curve.Scalar(root_key, kKeyPurpose) : nullptr;
  const Owned<EC_POINT> point = scalar ? curve.Multiply(scalar.get()) : nullptr;
  std::array<unsigned char, kPointBytes> encoded{};
  if (!point || EC_POINT_point2oct(curve.group.get(),
                                   point.get(),
                                   POINT_CONVERSION_UNCOMPRESSED,
                                   encoded.data(),
                                   encoded.size(),
                                   curve.context.get()) != encoded.size()) {
    return Failed("derive a key");
  }
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(
          builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(
          builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) != 1) {
    return Failed("describe a key");
  }
  const Owned<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(builder.get()));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1) {
    return Failed("make a key");
  }
  return x509::KeyPtr(key);
}

Result<x509::CertificatePtr> SignReproducibly(x509::CertificatePtr certificate,
                                              const Secret& root_key) {
  unsigned char* tbs = nullptr;
  const int tbs_size = i2d_re_X509_tbs(certificate.get(), &tbs);
  if (tbs_size <= 0) {
    return Failed("write a certificate");
  }
  const std::string digest =
      crypto::Sha256({reinterpret_cast<const char*>(tbs), static_cast<std::size_t>(tbs_size)});
  CRYPTO_free(tbs, "", 0);  // The macro puts the path of this file into the program.
  const Curve curve;
  if (!curve.ok()) {
    return Failed("compute in P-256");
  }
  const Owned<BIGNUM> key = curve.Scalar(root_key, kKeyPurpose);
  const Owned<BIGNUM> nonce = curve.Scalar(root_key, std::string(kNoncePurpose) + digest);
  const Owned<ECDSA_SIG> signature =
      key && nonce ? Sign(curve, key.get(), nonce.get(), digest) : nullptr;
  if (!signature) {
    return Failed("sign a certificate");
  }
  const std::string der = Der(&i2d_ECDSA_SIG, signature.get());
  const ASN1_BIT_STRING* bits = nullptr;
  X509_get0_signature(&bits, nullptr, certificate.get());
  // OpenSSL has no setter for a signature that was made elsewhere.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  if (ASN1_STRING_set(
          const_cast<ASN1_BIT_STRING*>(bits), der.data(), static_cast<int>(der.size())) != 1) {
    return Failed("set a signature");
  }
  const std::string whole = Der(&i2d_X509, static_cast<const X509*>(certificate.get()));
  x509::CertificatePtr made = x509::ReadCertificateDer(whole);
  // A slip of ours in the lines above must not become a certificate that nobody can verify.
  if (!made || !x509::IsSignedBy(made.get(), made.get())) {
    return Failed("verify its own certificate");
  }
  return made;
}

}  // namespace connector::broker::listener_authority
