#include "common/base/encoding.h"
#include "common/http/head.h"
#include "dataplane/oci/errors.h"
#include "dataplane/oci/no_echo.h"
#include "tests/fuzz/check.h"

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using connector::fuzz::Check;
namespace http = connector::http;
namespace json = boost::json;
namespace oci = connector::dataplane::oci;

// What a client reads of a message: printable ASCII and control characters as they are, the rest as
// question marks, and no more than fits.
std::string AsRead(std::string_view message) {
  std::string out(message.substr(0, oci::kMaxMessageBytes));
  for (char& c : out) {
    c = static_cast<unsigned char>(c) >= 0x7F ? '?' : c;
  }
  return out;
}

void CheckBody(std::string_view message) {
  const json::value body =
      json::parse(oci::ErrorBody("DENIED", message, "CONNECTOR_ACCESS_DENIED"));
  const json::object expected{
      {"code", "DENIED"}, {"message", AsRead(message)}, {"detail", "CONNECTOR_ACCESS_DENIED"}};
  Check(body == json::value{{"errors", json::array{expected}}});
}

// One head whose lines are ours, and to a GET exactly the body that it announces.
void CheckAnswer(std::string_view message, bool head_request) {
  std::string out;
  oci::AppendErrorReply(out,
                        oci::ReplyFor(oci::ErrorKind::kDenied, message),
                        {.head_request = head_request, .request_id = "r"});
  http::ResponseHead head;
  const http::HeadResult parsed =
      http::ParseResponseHead(out, head_request ? http::Method::kHead : http::Method::kGet, head);
  Check(parsed.status == http::HeadStatus::kComplete && head.status == 403);
  Check(out.size() - parsed.consumed_bytes == (head_request ? 0 : head.content_length));
  Check(head.fields.Has(http::HeaderId::kWarning) == head_request);
  Check(!head.fields.Has(http::HeaderId::kLocation));
}

// A registry's error body that holds the credential is found, plain or escaped, wherever it stands.
void CheckEcho(std::string_view text) {
  constexpr std::string_view kPassword = "p+a/\"s%41s w\\ord";
  const std::string credential = connector::Base64Encode("robot:" + std::string(kPassword));
  const oci::NoEcho echo(credential);
  const std::string before(text.substr(0, text.size() / 2));
  const std::string after(text.substr(text.size() / 2));
  Check(echo.Found(before + credential + after));
  Check(echo.Found(before + std::string(kPassword) + after));
  // Behind a space, which a broken escape at the end of `before` cannot reach over.
  const std::string escaped = json::serialize(json::string(kPassword));
  Check(echo.Found(before + " " + escaped + after));
  if (!echo.Found(text)) {
    Check(text.find(credential) == std::string_view::npos);
    Check(text.find(kPassword) == std::string_view::npos);
  }
}

}  // namespace

// An error that we write reads back as what was meant, whatever stands in its message; an error of
// a registry is searched for the credential without fail.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  CheckBody(input);
  if (!input.empty()) {  // An empty message is the error's own sentence.
    CheckAnswer(input, true);
    CheckAnswer(input, false);
  }
  CheckEcho(input);
  return 0;
}
