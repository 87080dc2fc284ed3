#include "common/http/head.h"
#include "dataplane/oci/headers.h"
#include "tests/fuzz/check.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Whatever head a registry sends, the client gets one head of exactly one reading, without a
// challenge, a cookie, an address of the registry or the credential.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using connector::fuzz::Check;
  using connector::http::HeaderId;
  using connector::http::HeadStatus;
  using connector::http::Method;
  using connector::http::ResponseHead;
  namespace oci = connector::dataplane::oci;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  ResponseHead head;
  const auto result = connector::http::ParseResponseHead(input, Method::kGet, head);
  if (result.status != HeadStatus::kComplete || head.informational()) {
    return 0;
  }
  Check(result.consumed_bytes <= size && head.status != 101 && head.status <= 599);
  const oci::NoEcho no_echo("credential");
  const connector::http::Origin origin{true, "r.example", 443};
  const oci::Asked asked{origin, "/v2/a/manifests/v1", {}};
  oci::ClientResponse response{.upstream = head};
  response.status = head.status;
  response.framing = {head.framing, head.content_length};
  response.location = "/v2/a";
  response.echo = oci::EchoSearch(no_echo, asked);
  std::string out;
  oci::AppendClientResponseHead(out, response);
  ResponseHead seen;
  const auto again = connector::http::ParseResponseHead(out, Method::kGet, seen);
  // The fields of our own may be the ones too many for this reader; clients have no such limit.
  constexpr std::size_t kOwnFields = 8;
  if (again.status == HeadStatus::kError &&
      again.error.reason == connector::http::HeadError::kTooManyFields) {
    Check(head.fields.size() + kOwnFields > connector::http::kMaxHeaderFields);
    return 0;
  }
  Check(again.status == HeadStatus::kComplete && again.consumed_bytes == out.size());
  Check(seen.status == head.status && (seen.framing != connector::http::BodyFraming::kUntilClose ||
                                       head.framing == connector::http::BodyFraming::kUntilClose));
  Check(seen.fields.Find(HeaderId::kLocation) == "/v2/a");
  Check(!seen.fields.Has(HeaderId::kWwwAuthenticate));
  Check(!seen.fields.Has(HeaderId::kContentLocation));
  for (const connector::http::HeaderField& field : seen.fields) {
    Check(!connector::http::EqualsIgnoreCase(field.name, "Set-Cookie"));
  }
  Check(out.find("credential") == std::string::npos);
  return 0;
}
