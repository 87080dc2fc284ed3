#pragma once

// The listener authority's key: a function of the brokers' common root key, so that any two brokers
// agree without talking, and so that there is nothing more to keep. Pure.

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/x509/x509_certificates.h"

#include <string>

namespace connector::broker::listener_authority {

// EC P-256. Fails with kInternal when OpenSSL does.
[[nodiscard]] Result<x509::KeyPtr> DeriveAuthorityKey(const Secret& root_key);

// Signs `certificate`, which is the key's own, once more, so that it has the same bytes on every
// broker and after every start: clients hold a copy, and a new one would look like another
// authority. ECDSA with a nonce that is derived from the root key and the content, as RFC 6979 does
// from the key itself; OpenSSL has that from 3.2 on.
[[nodiscard]] Result<x509::CertificatePtr> SignReproducibly(x509::CertificatePtr certificate,
                                                            const Secret& root_key);

}  // namespace connector::broker::listener_authority
