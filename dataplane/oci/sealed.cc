#include "dataplane/oci/sealed.h"

#include <limits>

namespace connector::dataplane::oci {

std::string_view Name(SealRefusal refusal) {
  switch (refusal) {
    case SealRefusal::kMalformed:
      return "malformed";
    case SealRefusal::kUnknownKey:
      return "unknown_key";
    case SealRefusal::kForged:
      return "forged";
    case SealRefusal::kExpired:
      return "expired";
    case SealRefusal::kOtherSubject:
      return "other_subject";
    case SealRefusal::kOtherConnector:
      return "other_connector";
    case SealRefusal::kOtherRepository:
      return "other_repository";
    case SealRefusal::kOtherTarget:
      return "other_target";
  }
  return {};
}

SealRefusal ToRefusal(crypto::OpenFailure failure) {
  switch (failure) {
    case crypto::OpenFailure::kMalformed:
      return SealRefusal::kMalformed;
    case crypto::OpenFailure::kUnknownKey:
      return SealRefusal::kUnknownKey;
    case crypto::OpenFailure::kForged:
      break;
  }
  return SealRefusal::kForged;
}

std::optional<SealRefusal> RefuseTo(const SealedFor& bearer, const SealedFor& owner) {
  if (owner.connector != bearer.connector) {
    return SealRefusal::kOtherConnector;
  }
  if (owner.place != bearer.place) {
    return SealRefusal::kOtherRepository;
  }
  if (owner.subject != bearer.subject) {
    return SealRefusal::kOtherSubject;
  }
  if (bearer.time >= owner.time) {
    return SealRefusal::kExpired;
  }
  return std::nullopt;
}

void FieldWriter::Number(std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out_.push_back(static_cast<char>((value >> shift) & 0xFFU));
  }
}

void FieldWriter::Text(std::string_view text) {
  fits_ = fits_ && text.size() <= std::numeric_limits<std::uint16_t>::max();
  Number(text.size() & 0xFFFFU, 2);
  out_.append(text);
}

std::uint64_t FieldReader::Number(std::size_t bytes) {
  std::uint64_t value = 0;
  for (const char c : Take(bytes)) {
    value = (value << 8U) | static_cast<unsigned char>(c);
  }
  return value;
}

std::string_view FieldReader::Take(std::size_t bytes) {
  if (bytes > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return taken;
}

}  // namespace connector::dataplane::oci
