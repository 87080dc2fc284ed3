#include "dataplane/oci/upload_session.h"

#include "common/base/encoding.h"
#include "common/crypto/digest.h"
#include "dataplane/addressing/target.h"
#include "dataplane/oci/sealed_target.h"
#include "dataplane/oci/upload_cookies.h"

#include <array>

namespace connector::dataplane::oci {
namespace {

constexpr std::string_view kUploadContext = "upload-session/3";

bool ReadUploadState(std::string_view bytes, UploadState& state) {
  FieldReader reader(bytes);
  state.connector.ns = reader.Text();
  state.connector.name = reader.Text();
  state.repository = reader.Text();
  state.subject = reader.Text();
  state.expires_at = static_cast<std::int64_t>(reader.Number(8));
  state.url.origin.tls = reader.Number(1) != 0;
  state.url.origin.port = static_cast<std::uint16_t>(reader.Number(2));
  state.url.origin.host = reader.Text();
  state.url.path = reader.Text();
  state.url.query = reader.Text();
  state.cookies = reader.Text();
  return reader.Complete();
}

}  // namespace

Result<std::string> SealUpload(const crypto::SealKeys& keys, const UploadState& state) {
  FieldWriter writer;
  writer.Text(state.connector.ns);
  writer.Text(state.connector.name);
  writer.Text(state.repository);
  writer.Text(state.subject);
  writer.Number(static_cast<std::uint64_t>(state.expires_at), 8);
  writer.Number(state.url.origin.tls ? 1 : 0, 1);
  writer.Number(state.url.origin.port, 2);
  writer.Text(state.url.origin.host);
  writer.Text(state.url.path);
  writer.Text(state.url.query);
  writer.Text(state.cookies);
  if (!writer.fits()) {
    return MakeError(
        ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, "a field of the upload is too long");
  }
  return crypto::Seal(keys, kUploadContext, writer.bytes());
}

std::variant<NextHop, SealRefusal> OpenUpload(const crypto::SealKeys& keys,
                                              std::string_view segment,
                                              const UploadExpectation& expectation) {
  const std::variant<std::string, crypto::OpenFailure> opened =
      crypto::Open(keys, kUploadContext, segment);
  if (const auto* failure = std::get_if<crypto::OpenFailure>(&opened)) {
    return ToRefusal(*failure);
  }
  UploadState state;
  if (!ReadUploadState(std::get<std::string>(opened), state) || !IsCookieValue(state.cookies)) {
    return SealRefusal::kMalformed;
  }
  const std::optional<SealRefusal> refusal = RefuseTo(
      {expectation.connector, expectation.repository, expectation.subject, expectation.now},
      {state.connector, state.repository, state.subject, state.expires_at});
  if (refusal) {
    return *refusal;
  }
  HopDecision decision =
      DecideUploadTarget(expectation.policy, expectation.repository, std::move(state.url));
  if (std::holds_alternative<HopRefusal>(decision)) {
    return SealRefusal::kOtherTarget;
  }
  NextHop& hop = std::get<NextHop>(decision);
  if (hop.url.origin == expectation.policy.address) {
    hop.cookies = std::move(state.cookies);
  }
  return std::move(hop);
}

std::string DerivedUuid(std::string_view segment) {
  std::string digest = crypto::Sha256(segment).substr(0, 16);
  // Version 8 and the RFC 9562 variant: a UUID made of a digest in a way of our own.
  digest[6] = static_cast<char>((static_cast<unsigned char>(digest[6]) & 0x0FU) | 0x80U);
  digest[8] = static_cast<char>((static_cast<unsigned char>(digest[8]) & 0x3FU) | 0x80U);
  std::string out = HexEncode(digest);
  for (const std::size_t at : std::array<std::size_t, 4>{20, 16, 12, 8}) {
    out.insert(at, 1, '-');
  }
  return out;
}

std::string UploadLocation(const addressing::Address& address,
                           std::string_view client_repository,
                           std::string_view segment) {
  return addressing::ClientPath(address, client_repository)
      .append("/blobs/uploads/")
      .append(segment);
}

std::string UploadTarget(const http::Url& url, std::string_view digest) {
  std::string out = url.Target();
  if (!digest.empty()) {
    out.append(url.query.empty() ? "?digest=" : "&digest=");
    addressing::AppendEncoded(out, digest);
  }
  return out;
}

}  // namespace connector::dataplane::oci
