#pragma once

// What holds of every operation that was read from a target, for the fuzz targets that make them.

#include "common/oci/reference.h"
#include "dataplane/addressing/address.h"
#include "dataplane/addressing/target.h"
#include "tests/fuzz/check.h"

#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace connector::fuzz {

// Only keys that the distribution specification names, and no `ns`, which is for us.
inline void CheckQuery(std::string_view query) {
  static const std::set<std::string_view> kKnown = {
      "digest", "digest-algorithm", "mount", "from", "tag", "n", "last", "artifactType"};
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    Check(kKnown.contains(pair.substr(0, pair.find('='))));
    query.remove_prefix(pair.size() < query.size() ? pair.size() + 1 : query.size());
  }
}

// What is accepted has a valid name, is written for the registry without an escape in the path, and
// reads again as the same operation.
inline void CheckOperation(http::Method method, std::string_view target) {
  namespace addressing = connector::dataplane::addressing;
  const addressing::ParsedTarget parsed = addressing::ParseTarget(method, target);
  const auto* operation = std::get_if<addressing::Operation>(&parsed);
  if (operation == nullptr) {
    Check(!std::get<addressing::TargetError>(parsed).sentence.empty());
    return;
  }
  addressing::Operation resolved = *operation;
  const std::vector<std::string> suffixes = {"svc"};
  const auto address = addressing::ResolveAddress("c-a.b.svc:80", suffixes, resolved);
  if (std::holds_alternative<addressing::TargetError>(address)) {
    return;
  }
  std::string upstream;
  addressing::AppendUpstreamTarget(upstream, resolved, true);
  if (upstream.empty()) {
    return;
  }
  const std::string path = upstream.substr(0, upstream.find('?'));
  Check(path.find_first_of("%\\;") == std::string::npos);
  const std::string closed = path.ends_with('/') ? path : path + "/";
  for (const char* segment : {"//", "/./", "/../"}) {
    Check(closed.find(segment) == std::string::npos);
  }
  CheckQuery(path.size() < upstream.size() ? std::string_view(upstream).substr(path.size() + 1)
                                           : std::string_view());
  addressing::Operation expected = resolved;
  expected.ns.clear();
  expected.page.clear();
  expected.repository = addressing::UpstreamRepository(resolved.repository, true);
  if (!expected.from.empty()) {
    expected.from = addressing::UpstreamRepository(resolved.from, true);
  }
  Check(addressing::ParseTarget(method, upstream) == addressing::ParsedTarget(expected));
  Check(oci::IsRepository(resolved.repository));
}

}  // namespace connector::fuzz
