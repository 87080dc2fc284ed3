#include "common/base/ascii.h"
#include "common/resource/names.h"
#include "common/routing/connector_host.h"
#include "tests/fuzz/check.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Whatever host a client writes, it names a connector only by its first two labels, in a grammar
// that Kubernetes has, too; its other names lead to the same connector; what has a certificate also
// names one; and what is said of any other holds nothing of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using connector::fuzz::Check;
  namespace routing = connector::routing;
  const std::string host(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> suffixes = {"corp.example.com"};
  const std::vector<std::string> certified = routing::CertifiedSuffixes(suffixes);

  const routing::HostReading reading = routing::ReadConnectorHost(host, suffixes);
  const auto certain = routing::ConnectorOfCertifiedHost(host, certified);
  const auto* const ref = std::get_if<connector::ConnectorRef>(&reading);
  if (ref == nullptr) {
    Check(!certain);
    Check(!routing::Sentence(std::get<routing::HostProblem>(reading)).empty());
    return 0;
  }
  Check(!certain || *certain == *ref);
  Check(connector::resource::IsDnsLabel("c-" + ref->name));
  Check(connector::resource::IsDnsLabel(ref->name) && connector::resource::IsDnsLabel(ref->ns));
  const std::string lower = connector::Lower(host);
  const std::string front = "c-" + ref->name + "." + ref->ns + ".";
  Check(lower.starts_with(front));
  const std::string_view rest = std::string_view(lower).substr(front.size());
  Check(rest.starts_with("svc") || rest.starts_with(suffixes.front()));
  for (const std::string& name : routing::NamesOfHost(lower)) {
    Check(routing::ReadConnectorHost(name, suffixes) == reading);
  }
  return 0;
}
