#pragma once

// What stands in a development PKI directory: each file's name, content and mode. Writes nothing;
// `pki init` does. README.md lists who reads which file.

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/x509/x509_certificates.h"

#include <sys/types.h>

#include <string>
#include <vector>

namespace connector::cli {

inline constexpr std::size_t kRootKeyBytes = 32;
inline constexpr int kMaxPkiDays = 3650;

// SANs by which the broker knows its peers (broker configuration, `peers`).
inline constexpr std::string_view kDataplaneName = "spiffe://oci-connector.local/dataplane";
inline constexpr std::string_view kOperatorName = "spiffe://oci-connector.local/operator";
inline constexpr std::string_view kControllerName = "spiffe://oci-connector.local/controller";

// A DNS name, perhaps with one leading "*.". Strict, because the text goes into OpenSSL's
// comma-separated syntax for extensions.
[[nodiscard]] bool IsDnsName(std::string_view name);

// Random bytes of kRootKeyBytes.
[[nodiscard]] Result<Secret> MakeRootKey();

struct PkiFile {
  std::string name;
  Secret content;
  mode_t mode = 0600;
};

struct PkiRequest {
  std::vector<std::string> listener_dns;  // Added to the data plane's TLS listener.
  std::vector<std::string> listener_ips;
  x509::Validity validity;
  std::vector<std::string> dataplanes = {};  // Each gets a certificate of its own, by its name.
};

// Fails with kInvalidArgument for a DNS name that is none (one leading "*." is fine), an address
// that is no IP address, or a data plane's name that is no DNS label; with kInternal when OpenSSL
// fails.
[[nodiscard]] Result<std::vector<PkiFile>> MakePki(const PkiRequest& request);

}  // namespace connector::cli
