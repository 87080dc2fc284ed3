#include "dataplane/oci/upload_session.h"
#include "tests/fuzz/check.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>

// No text opens as a session, and a sealed state of any bytes opens without a crash.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace oci = connector::dataplane::oci;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  connector::crypto::SealKeys keys;
  connector::fuzz::Check(keys.Add(1, connector::Secret(std::string(32, 'k'))).has_value());
  connector::fuzz::Check(keys.SetCurrent(1).has_value());
  const connector::ConnectorRef connector{"n", "c"};
  const oci::UploadExpectation expectation{
      connector, "a", "s", std::numeric_limits<std::int64_t>::min()};

  connector::fuzz::Check(
      std::holds_alternative<oci::SealRefusal>(oci::OpenUpload(keys, input, expectation)));
  const auto sealed = connector::crypto::Seal(keys, "upload-session/1", input);
  connector::fuzz::Check(sealed.has_value());
  const auto opened = oci::OpenUpload(keys, *sealed, expectation);
  if (const auto* state = std::get_if<oci::UploadState>(&opened)) {
    connector::fuzz::Check(state->connector == connector && state->repository == "a" &&
                           state->subject == "s");
  }
  return 0;
}
