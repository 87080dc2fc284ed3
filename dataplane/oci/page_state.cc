#include "dataplane/oci/page_state.h"

namespace connector::dataplane::oci {
namespace {

constexpr std::string_view kContext = "page/1";

bool ReadState(std::string_view bytes, PageState& state) {
  FieldReader reader(bytes);
  state.connector.ns = reader.Text();
  state.connector.name = reader.Text();
  state.path = reader.Text();
  state.subject = reader.Text();
  state.expires_at = static_cast<std::int64_t>(reader.Number(8));
  state.query = reader.Text();
  return reader.Complete();
}

}  // namespace

Result<std::string> SealPage(const crypto::SealKeys& keys, const PageState& state) {
  FieldWriter writer;
  writer.Text(state.connector.ns);
  writer.Text(state.connector.name);
  writer.Text(state.path);
  writer.Text(state.subject);
  writer.Number(static_cast<std::uint64_t>(state.expires_at), 8);
  writer.Text(state.query);
  if (!writer.fits()) {
    return MakeError(
        ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, "a field of the page is too long");
  }
  return crypto::Seal(keys, kContext, writer.bytes());
}

std::variant<PageState, SealRefusal> OpenPage(const crypto::SealKeys& keys,
                                              std::string_view sealed,
                                              const PageExpectation& expectation) {
  const std::variant<std::string, crypto::OpenFailure> opened =
      crypto::Open(keys, kContext, sealed);
  if (const auto* failure = std::get_if<crypto::OpenFailure>(&opened)) {
    return ToRefusal(*failure);
  }
  PageState state;
  if (!ReadState(std::get<std::string>(opened), state)) {
    return SealRefusal::kMalformed;
  }
  if (state.connector != expectation.connector) {
    return SealRefusal::kOtherConnector;
  }
  if (state.path != expectation.path) {
    return SealRefusal::kOtherRepository;
  }
  if (state.subject != expectation.subject) {
    return SealRefusal::kOtherSubject;
  }
  if (expectation.now >= state.expires_at) {
    return SealRefusal::kExpired;
  }
  return state;
}

}  // namespace connector::dataplane::oci
