#include "dataplane/oci/upload_session.h"

#include "common/base/encoding.h"
#include "common/crypto/digest.h"
#include "dataplane/route/target.h"

#include <array>
#include <limits>

namespace connector::dataplane::oci {
namespace {

constexpr std::string_view kContext = "upload-session/1";
constexpr std::uint8_t kTlsFlag = 1;
constexpr std::uint8_t kCredentialFlag = 2;

// Integers are big-endian; a text is its length in two bytes, then its bytes.
class Writer {
 public:
  void Number(std::uint64_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
      out_.push_back(static_cast<char>((value >> shift) & 0xFFU));
    }
  }
  void Text(std::string_view text) {
    fits_ = fits_ && text.size() <= std::numeric_limits<std::uint16_t>::max();
    Number(text.size() & 0xFFFFU, 2);
    out_.append(text);
  }
  [[nodiscard]] bool fits() const { return fits_; }
  [[nodiscard]] const std::string& bytes() const { return out_; }

 private:
  std::string out_;
  bool fits_ = true;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t Number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const char c : Take(bytes)) {
      value = (value << 8U) | static_cast<unsigned char>(c);
    }
    return value;
  }
  std::string Text() { return std::string(Take(static_cast<std::size_t>(Number(2)))); }
  [[nodiscard]] bool Complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view Take(std::size_t bytes) {
    if (bytes > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

bool ReadState(std::string_view bytes, UploadState& state) {
  Reader reader(bytes);
  state.connector.ns = reader.Text();
  state.connector.name = reader.Text();
  state.repository = reader.Text();
  state.subject = reader.Text();
  state.expires_at = static_cast<std::int64_t>(reader.Number(8));
  const std::uint64_t flags = reader.Number(1);
  state.url.origin.tls = (flags & kTlsFlag) != 0;
  state.send_credential = (flags & kCredentialFlag) != 0;
  state.url.origin.port = static_cast<std::uint16_t>(reader.Number(2));
  state.url.origin.host = reader.Text();
  state.url.path = reader.Text();
  state.url.query = reader.Text();
  return reader.Complete();
}

UploadRefusal Translate(crypto::OpenFailure failure) {
  switch (failure) {
    case crypto::OpenFailure::kMalformed:
      return UploadRefusal::kMalformed;
    case crypto::OpenFailure::kUnknownKey:
      return UploadRefusal::kUnknownKey;
    case crypto::OpenFailure::kForged:
      break;
  }
  return UploadRefusal::kForged;
}

}  // namespace

std::string_view Name(UploadRefusal refusal) {
  switch (refusal) {
    case UploadRefusal::kMalformed:
      return "malformed";
    case UploadRefusal::kUnknownKey:
      return "unknown_key";
    case UploadRefusal::kForged:
      return "forged";
    case UploadRefusal::kExpired:
      return "expired";
    case UploadRefusal::kOtherSubject:
      return "other_subject";
    case UploadRefusal::kOtherConnector:
      return "other_connector";
    case UploadRefusal::kOtherRepository:
      return "other_repository";
  }
  return {};
}

Result<std::string> SealUpload(const crypto::SealKeys& keys, const UploadState& state) {
  Writer writer;
  writer.Text(state.connector.ns);
  writer.Text(state.connector.name);
  writer.Text(state.repository);
  writer.Text(state.subject);
  writer.Number(static_cast<std::uint64_t>(state.expires_at), 8);
  writer.Number(
      (state.url.origin.tls ? kTlsFlag : 0U) | (state.send_credential ? kCredentialFlag : 0U), 1);
  writer.Number(state.url.origin.port, 2);
  writer.Text(state.url.origin.host);
  writer.Text(state.url.path);
  writer.Text(state.url.query);
  if (!writer.fits()) {
    return MakeError(
        ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, "a field of the upload is too long");
  }
  return crypto::Seal(keys, kContext, writer.bytes());
}

std::variant<UploadState, UploadRefusal> OpenUpload(const crypto::SealKeys& keys,
                                                    std::string_view segment,
                                                    const UploadExpectation& expectation) {
  const std::variant<std::string, crypto::OpenFailure> opened =
      crypto::Open(keys, kContext, segment);
  if (const auto* failure = std::get_if<crypto::OpenFailure>(&opened)) {
    return Translate(*failure);
  }
  UploadState state;
  if (!ReadState(std::get<std::string>(opened), state)) {
    return UploadRefusal::kMalformed;
  }
  if (state.connector != expectation.connector) {
    return UploadRefusal::kOtherConnector;
  }
  if (state.repository != expectation.repository) {
    return UploadRefusal::kOtherRepository;
  }
  if (state.subject != expectation.subject) {
    return UploadRefusal::kOtherSubject;
  }
  if (expectation.now >= state.expires_at) {
    return UploadRefusal::kExpired;
  }
  return state;
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

std::string UploadLocation(const route::Address& address,
                           std::string_view client_repository,
                           std::string_view segment) {
  return route::ClientPath(address, client_repository).append("/blobs/uploads/").append(segment);
}

std::string UploadTarget(const http::Url& url, std::string_view digest) {
  std::string out = url.Target();
  if (!digest.empty()) {
    out.append(url.query.empty() ? "?digest=" : "&digest=");
    route::AppendEncoded(out, digest);
  }
  return out;
}

}  // namespace connector::dataplane::oci
