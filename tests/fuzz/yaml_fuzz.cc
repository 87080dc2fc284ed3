#include "common/resource/documents.h"
#include "common/resource/names.h"
#include "tests/fuzz/check.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

// ParseDocuments never crashes, explains whatever it refuses, and what it accepts keeps the rules
// on which later code relies without looking: names that fit a host, TLS or consent, rules with
// every part.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace resource = connector::resource;
  using connector::fuzz::Check;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const resource::FileDocuments documents = resource::ParseDocuments(input, "f.yaml");
  for (const connector::config::Problem& problem : documents.problems) {
    Check(problem.file == "f.yaml" && !problem.message.empty() && problem.line >= 0);
  }
  Check(documents.problems.empty() ==
        (documents.broken.empty() && !documents.unreadable && documents.foreign_kinds.empty()));
  for (const resource::ConnectorDocument& document : documents.connectors) {
    const resource::Connector& connector = document.draft.connector;
    Check(resource::IsDnsLabel("c-" + connector.ref.name) &&
          resource::IsDnsLabel(connector.ref.ns));
    Check(connector.address.tls || connector.upstream.allow_insecure);
    Check(!connector.address.host.empty());
    for (const resource::AccessRule& rule : connector.access) {
      Check(!rule.from.empty() && !rule.repositories.empty() && !rule.actions.empty());
    }
  }
  return 0;
}
