#pragma once

// The certificates of a PEM text, parsed but for their keys: to prepare a key for use takes nine
// times as long as all the rest, and who only looks at a bundle needs none. Pure.

#include "common/base/result.h"

#include <openssl/types.h>

#include <memory>
#include <string_view>
#include <vector>

namespace connector::crypto {

struct CertificateDeleter {
  void operator()(X509* certificate) const;
};
using Certificate = std::unique_ptr<X509, CertificateDeleter>;

// Those of all CERTIFICATE blocks, in their order; text between them is skipped. Nothing can be
// verified with them. Fails with kInvalidArgument where one does not parse.
[[nodiscard]] Result<std::vector<Certificate>> ParseCertificates(std::string_view pem);

}  // namespace connector::crypto
