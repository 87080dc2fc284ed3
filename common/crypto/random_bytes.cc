#include "common/crypto/random_bytes.h"

#include <openssl/rand.h>

namespace connector::crypto {

bool FillRandomBytes(std::span<unsigned char> out) {
  return RAND_priv_bytes(out.data(), static_cast<int>(out.size())) == 1;
}

}  // namespace connector::crypto
