#pragma once

// The host form of a connector's address: c-NAME.NAMESPACE.svc, followed by nothing or by any
// domain (docs/rules.md "Addressing"). Pure. What every program takes for a connector's host, and
// what the broker certifies, by one reading.
//
// The first label is the name and the second the namespace, whatever follows: no host reads as two
// connectors.

#include "common/base/connector_ref.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace connector::routing {

// Why a host names no connector.
enum class HostProblem : std::uint8_t {
  kForeign,  // Nothing like a connector's: an address, a node, a registry.
  kNoPrefix,
  kNoName,
  kNoNamespace,
  kNoService,  // What follows the namespace is neither svc nor a suffix.
  kLabel,      // Empty, too long, or with a character that no DNS label has.
  kTooLong,
};

// For whoever wrote the host. Holds nothing of it.
[[nodiscard]] std::string_view Sentence(HostProblem problem);

using HostReading = std::variant<ConnectorRef, HostProblem>;

// Reads a Host or an SNI. Upper case, a port and one final dot are ignored. `host_suffixes` may
// follow the namespace beside svc and svc.DOMAIN.
[[nodiscard]] HostReading ReadConnectorHost(std::string_view host,
                                            const std::vector<std::string>& host_suffixes);

// Lower-case DNS labels without a dot at either end: "svc", "corp.example.com".
[[nodiscard]] bool IsHostSuffix(std::string_view text);

// What may follow "c-NAME.NAMESPACE." where clients verify a certificate: the names that are told
// to users (ServiceSuffixes), and what is configured. A finite list, because the authority's own
// certificate has to permit each, and because every name costs a certificate.
[[nodiscard]] std::vector<std::string> CertifiedSuffixes(
    const std::vector<std::string>& host_suffixes);

// "svc", "svc.local" and "svc.cluster.local".
[[nodiscard]] const std::vector<std::string>& ServiceSuffixes();

// The connector that a host names for which there are certificates: what follows the namespace is
// one of `certified_suffixes`, whole.
[[nodiscard]] std::optional<ConnectorRef> ConnectorOfCertifiedHost(
    std::string_view host, const std::vector<std::string>& certified_suffixes);

// Whether `host` is lower-case DNS labels below one of the suffixes.
[[nodiscard]] bool IsBelowSuffix(std::string_view host,
                                 const std::vector<std::string>& host_suffixes);

// Under which names clients find the connector at `authority`, host[:port] in lower case: itself
// first and, where it names a connector, the same under each of ServiceSuffixes().
[[nodiscard]] std::vector<std::string> NamesOfHost(const std::string& authority);

}  // namespace connector::routing
