#include "dataplane/oci/link.h"
#include "tests/fuzz/check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

// Whatever Link a registry sends, the client gets none, or one that leads to the same list by the
// path that it came by, and that holds nothing but printable ASCII.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using connector::dataplane::oci::LinkContext;
  namespace route = connector::dataplane::route;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const connector::http::Url asked{{true, "r.example", 443}, "/v2/library/a/tags/list", "n=2"};
  const route::Address address{connector::ConnectorRef{"n", "c"}, "namespaces/n/connectors/c/"};
  const route::ParsedTarget parsed =
      route::ParseTarget(connector::http::Method::kGet, "/v2/a/tags/list");
  const auto& operation = std::get<route::Operation>(parsed);
  const auto link =
      connector::dataplane::oci::RewriteLink(LinkContext{operation, address, asked, true}, input);
  if (!link.has_value() || link->empty()) {
    return 0;
  }
  constexpr std::string_view kBegin = "</v2/namespaces/n/connectors/c/a/tags/list?";
  constexpr std::string_view kEnd = ">; rel=\"next\"";
  connector::fuzz::Check(link->starts_with(kBegin) && link->ends_with(kEnd));
  connector::fuzz::Check(
      std::all_of(link->begin(), link->end(), [](char c) { return c >= 0x20 && c < 0x7F; }));
  const std::string target = link->substr(1, link->size() - 1 - kEnd.size());
  const route::ParsedTarget again = route::ParseTarget(connector::http::Method::kGet, target);
  connector::fuzz::Check(std::holds_alternative<route::Operation>(again));
  return 0;
}
