#include "common/routing/host_pattern.h"
#include "dataplane/oci/sealed_target.h"
#include "tests/fuzz/check.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

// Whatever Location a registry sends, the credential goes to the connector's own origin only, plain
// HTTP is never used, and an upload never leaves for a host that is not listed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace oci = connector::dataplane::oci;
  namespace addressing = connector::dataplane::addressing;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const connector::http::Origin address{true, "r.example", 443};
  const std::array<std::string, 1> hosts = {"*.store.example"};
  const oci::EgressPolicy policy{address, hosts, false};
  const std::string path = "/v2/a/blobs/sha256:" + std::string(64, 'a');
  const connector::http::Url asked{address, path, ""};
  const addressing::ParsedTarget parsed =
      addressing::ParseTarget(connector::http::Method::kGet, path);

  const auto check = [&](const oci::HopDecision& decision, bool must_be_listed) {
    const auto* hop = std::get_if<oci::NextHop>(&decision);
    if (hop == nullptr) {
      return;
    }
    const bool own = hop->url.origin == address;
    const bool listed = connector::routing::IsListedHost(hosts, hop->url.origin.host);
    connector::fuzz::Check(hop->url.origin.tls);
    connector::fuzz::Check(!hop->send_credential || own);
    connector::fuzz::Check(!hop->send_credential ||
                           hop->url.path.find("/v2/a/blobs/") != std::string::npos);
    connector::fuzz::Check(!(must_be_listed && own) || hop->send_credential ||
                           !hop->url.path.starts_with("/v2/"));
    connector::fuzz::Check(hop->allow_private_address == (own || listed));
    connector::fuzz::Check(!must_be_listed || own || listed);
  };
  check(oci::DecideRedirect(policy,
                            {std::get<addressing::Operation>(parsed), false, asked, 307, input, 0}),
        false);
  check(oci::DecideUploadLocation(policy, "a", asked, input), true);
  return 0;
}
