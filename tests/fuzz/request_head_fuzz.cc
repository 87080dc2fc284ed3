#include "common/http/head.h"
#include "dataplane/oci/headers.h"
#include "tests/fuzz/check.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// What the parser accepts, it accepts at no shorter length; and the head that a registry gets for
// it is one request of exactly one reading, with our Host, framing and credential.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using connector::fuzz::Check;
  using connector::http::HeadStatus;
  using connector::http::RequestHead;
  namespace oci = connector::dataplane::oci;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  RequestHead head;
  const auto result = connector::http::ParseRequestHead(input, head);
  if (result.status == HeadStatus::kError) {
    Check(!result.error.sentence.empty());
    return 0;
  }
  if (result.status == HeadStatus::kIncomplete) {
    return 0;
  }
  Check(result.consumed_bytes <= size);
  RequestHead shorter;
  Check(connector::http::ParseRequestHead(input.substr(0, result.consumed_bytes - 1), shorter)
            .status == HeadStatus::kIncomplete);

  std::string out;
  oci::AppendUpstreamRequestHead(out,
                                 {.client = head,
                                  .method = head.method,
                                  .target = "/v2/a/tags/list",
                                  .authority = "r.example",
                                  .framing = {head.framing, head.content_length},
                                  .hop = oci::HopKind::kRegistry,
                                  .range_override = {},
                                  .authorization_line = "Authorization: Bearer t\r\n"});
  RequestHead sent;
  const auto again = connector::http::ParseRequestHead(out, sent);
  Check(again.status == HeadStatus::kComplete && again.consumed_bytes == out.size());
  Check(sent.host == "r.example" && sent.target == "/v2/a/tags/list");
  Check(sent.method == head.method && sent.content_length == head.content_length);
  Check((sent.framing == connector::http::BodyFraming::kChunked) ==
        (head.framing == connector::http::BodyFraming::kChunked));
  Check(sent.fields.Find(connector::http::HeaderId::kAuthorization) == "Bearer t");
  return 0;
}
