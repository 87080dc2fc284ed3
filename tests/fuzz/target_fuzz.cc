#include "dataplane/route/address.h"
#include "dataplane/route/target.h"
#include "tests/fuzz/check.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// The first byte chooses the method. What is accepted has a valid name, is written for the registry
// without an escape in the path, and reads again as the same operation.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using connector::fuzz::Check;
  using connector::http::Method;
  namespace route = connector::dataplane::route;
  if (size == 0) {
    return 0;
  }
  const auto method = static_cast<Method>(data[0] % 6);
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const route::ParsedTarget parsed = route::ParseTarget(method, input);
  const auto* operation = std::get_if<route::Operation>(&parsed);
  if (operation == nullptr) {
    Check(!std::get<route::TargetError>(parsed).sentence.empty());
    return 0;
  }
  route::Operation resolved = *operation;
  const std::vector<std::string> suffixes = {"svc"};
  const auto address = route::ResolveAddress("c-a.b.svc:80", suffixes, resolved);
  if (std::holds_alternative<route::TargetError>(address)) {
    return 0;
  }
  std::string upstream;
  route::AppendUpstreamTarget(upstream, resolved, true);
  if (upstream.empty()) {
    return 0;
  }
  const std::string path = upstream.substr(0, upstream.find('?'));
  Check(path.find_first_of("%\\;") == std::string::npos);
  const std::string closed = path.ends_with('/') ? path : path + "/";
  for (const char* segment : {"//", "/./", "/../"}) {
    Check(closed.find(segment) == std::string::npos);
  }
  route::Operation expected = resolved;
  expected.ns.clear();
  expected.page.clear();
  expected.repository = route::UpstreamRepository(resolved.repository, true);
  if (!expected.from.empty()) {
    expected.from = route::UpstreamRepository(resolved.from, true);
  }
  Check(route::ParseTarget(method, upstream) == route::ParsedTarget(expected));
  Check(connector::oci::IsRepository(resolved.repository));
  return 0;
}
