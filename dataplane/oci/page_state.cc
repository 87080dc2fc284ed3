#include "dataplane/oci/page_state.h"

#include "dataplane/oci/sealed_target.h"

#include <utility>

namespace connector::dataplane::oci {
namespace {

constexpr std::string_view kPageContext = "page/1";

bool ReadPageState(std::string_view bytes, PageState& state) {
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
  return crypto::Seal(keys, kPageContext, writer.bytes());
}

std::variant<std::string, SealRefusal> OpenPage(const crypto::SealKeys& keys,
                                                std::string_view sealed,
                                                const PageExpectation& expectation) {
  const std::variant<std::string, crypto::OpenFailure> opened =
      crypto::Open(keys, kPageContext, sealed);
  if (const auto* failure = std::get_if<crypto::OpenFailure>(&opened)) {
    return ToRefusal(*failure);
  }
  PageState state;
  if (!ReadPageState(std::get<std::string>(opened), state)) {
    return SealRefusal::kMalformed;
  }
  const std::optional<SealRefusal> refusal =
      RefuseTo({expectation.connector, expectation.path, expectation.subject, expectation.now},
               {state.connector, state.path, state.subject, state.expires_at});
  if (refusal) {
    return *refusal;
  }
  if (state.query.size() > kMaxPageQueryBytes ||
      !IsPageUrl({expectation.origin, std::string(expectation.path), state.query})) {
    return SealRefusal::kOtherTarget;
  }
  return std::move(state.query);
}

}  // namespace connector::dataplane::oci
