#include "dataplane/oci/upload_session.h"
#include "tests/fuzz/check.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>

// No text opens as a session. A sealed state of any bytes opens without a crash, and never leads
// with the credential to anything but the repository's uploads.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace oci = connector::dataplane::oci;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  connector::crypto::SealKeys keys;
  connector::fuzz::Check(keys.Add(1, connector::Secret(std::string(32, 'k'))).has_value());
  connector::fuzz::Check(keys.SetCurrent(1).has_value());
  const connector::ConnectorRef connector{"n", "c"};
  const connector::http::Origin address{true, "r.example", 443};
  const oci::UploadExpectation expectation{
      connector, "a", "s", std::numeric_limits<std::int64_t>::min(), {address, {}, false}};

  connector::fuzz::Check(
      std::holds_alternative<oci::SealRefusal>(oci::OpenUpload(keys, input, expectation)));
  const auto sealed = connector::crypto::Seal(keys, "upload-session/3", input);
  connector::fuzz::Check(sealed.has_value());
  const auto opened = oci::OpenUpload(keys, *sealed, expectation);
  if (const auto* hop = std::get_if<oci::NextHop>(&opened)) {
    connector::fuzz::Check(hop->url.origin == address);
    connector::fuzz::Check(hop->send_credential ==
                           (hop->url.path.find("/v2/a/blobs/upload") != std::string::npos));
  }
  return 0;
}
