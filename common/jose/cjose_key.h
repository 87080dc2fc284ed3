#pragma once

// The one door to cjose's types: owners for what it allocates, and JwkSet's key. Internal to
// common/jose, so that cjose and jansson stand in no header that others include.

#include "common/base/result.h"
#include "common/jose/jwk_set.h"

#include <cjose/cjose.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace connector::jose {

struct CjoseDelete {
  void operator()(cjose_jwk_t* jwk) const { cjose_jwk_release(jwk); }
  void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
  void operator()(cjose_header_t* header) const { cjose_header_release(header); }
};
using JwkPtr = std::unique_ptr<cjose_jwk_t, CjoseDelete>;
using JwsPtr = std::unique_ptr<cjose_jws_t, CjoseDelete>;
using HeaderPtr = std::unique_ptr<cjose_header_t, CjoseDelete>;

struct JwkSet::Key {
  std::string kid;  // Empty when the key has none.
  std::vector<std::string_view> algs;
  JwkPtr jwk;

  [[nodiscard]] bool IsPinnedTo(std::string_view alg) const;
};

struct JwkSet::Keys {
  std::vector<Key> list;
};

// Bytes of a signature made with `alg` and an elliptic curve; 0 for other algorithms, whose length
// follows from the key.
[[nodiscard]] std::size_t EcSignatureBytes(std::string_view alg);

// The algorithms that suit the kty and crv of a key that cjose has imported.
[[nodiscard]] std::vector<std::string_view> SuitableAlgs(const cjose_jwk_t* jwk);

}  // namespace connector::jose
