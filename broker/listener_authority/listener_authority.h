#pragma once

// ListenerAuthority: certifies the TLS listeners of data planes for the hosts of connectors
// (docs/tls.md). Clients mount its certificate, which permits names below the host suffixes alone:
// whoever has its key can pretend to be a connector, and nothing else. It decides nothing: whether
// a host may be certified is the handler's question (api/listener_certificate_handler.h).

#include "broker/root_key/root_keys.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/x509/x509_certificates.h"

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace connector::broker::listener_authority {

inline constexpr std::chrono::hours kCertificateLife{24};
// A client's clock may be late.
inline constexpr std::chrono::minutes kBackdated{10};

// Thread-safe.
class ListenerAuthority {
 public:
  // The same key and certificate for the same root key and suffixes, on every broker and at every
  // start. The current root key's signs. Fails with kInternal when OpenSSL does.
  [[nodiscard]] static Result<std::unique_ptr<ListenerAuthority>> Make(
      const root_key::RootKeys& root_keys, const std::vector<std::string>& certified_suffixes);

  // What clients trust: public. One certificate for each root key, the current one's first.
  [[nodiscard]] const std::string& pem() const { return pem_; }
  // From then on clients accept nothing that it certified.
  [[nodiscard]] WallTime not_after() const;

  struct Certificate {
    std::string der;
    WallTime not_after;
  };
  // For `key`, valid for `host` and nothing else, from kBackdated before `now` for
  // kCertificateLife.
  [[nodiscard]] Result<Certificate> Issue(const std::string& host,
                                          EVP_PKEY* key,
                                          WallTime now) const;

 private:
  ListenerAuthority(x509::KeyPtr key, x509::CertificatePtr certificate, std::string pem);

  const x509::KeyPtr key_;
  const x509::CertificatePtr certificate_;
  const std::string pem_;
};

}  // namespace connector::broker::listener_authority
