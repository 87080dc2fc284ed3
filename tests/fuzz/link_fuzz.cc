#include "dataplane/oci/link.h"
#include "tests/fuzz/check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

// Whatever Link a registry sends, the client gets none, or one that leads to the same list by the
// path that it came by, and that holds nothing but printable ASCII; a sealed page opens to a query
// that can stand in a request line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using connector::fuzz::Check;
  namespace oci = connector::dataplane::oci;
  namespace addressing = connector::dataplane::addressing;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const connector::http::Url asked{{true, "r.example", 443}, "/v2/library/a/tags/list", "n=2"};
  const addressing::Address address{connector::ConnectorRef{"n", "c"},
                                    "namespaces/n/connectors/c/"};
  const addressing::ParsedTarget parsed =
      addressing::ParseTarget(connector::http::Method::kGet, "/v2/a/tags/list");
  const auto& operation = std::get<addressing::Operation>(parsed);
  static const connector::crypto::SealKeys* const keys = [] {
    auto* made = new connector::crypto::SealKeys;
    Check(made->Add(1, connector::Secret(std::string(32, 'k'))).has_value());
    Check(made->SetCurrent(1).has_value());
    return made;
  }();
  const connector::ConnectorRef connector{"n", "c"};
  const auto link = oci::RewriteLink({.operation = operation,
                                      .address = address,
                                      .asked = asked,
                                      .list = {asked.origin, asked.path, ""},
                                      .docker_hub = true,
                                      .keys = *keys,
                                      .connector = connector,
                                      .subject = "s",
                                      .expires_at = 2},
                                     input);
  if (!link.has_value() || link->empty()) {
    return 0;
  }
  constexpr std::string_view kBegin = "</v2/namespaces/n/connectors/c/a/tags/list?";
  constexpr std::string_view kEnd = ">; rel=\"next\"";
  Check(link->starts_with(kBegin) && link->ends_with(kEnd));
  Check(std::all_of(link->begin(), link->end(), [](char c) { return c >= 0x20 && c < 0x7F; }));
  const std::string target = link->substr(1, link->size() - 1 - kEnd.size());
  const addressing::ParsedTarget again =
      addressing::ParseTarget(connector::http::Method::kGet, target);
  Check(std::holds_alternative<addressing::Operation>(again));
  const std::string& page = std::get<addressing::Operation>(again).page;
  if (page.empty()) {
    return 0;
  }
  const auto opened = oci::OpenPage(*keys,
                                    page,
                                    {.connector = connector,
                                     .origin = asked.origin,
                                     .path = asked.path,
                                     .subject = "s",
                                     .now = 1});
  Check(std::holds_alternative<std::string>(opened));
  const std::string& query = std::get<std::string>(opened);
  Check(!query.empty() && query.size() <= oci::kMaxPageQueryBytes && query != asked.query);
  Check(std::all_of(query.begin(), query.end(), [](char c) { return c > 0x20 && c < 0x7F; }));
  return 0;
}
