#pragma once

// Digests that the tests of this folder and of oci/ share.

#include <string>

namespace connector::dataplane {

inline const std::string kHex(64, 'a');
inline const std::string kDigest = "sha256:" + kHex;
inline const std::string kDigest512 = "sha512:" + std::string(128, '0');

}  // namespace connector::dataplane
