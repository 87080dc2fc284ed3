#include "common/http/head_reader.h"

#include <algorithm>

namespace connector::http::head_reader {
namespace {

constexpr HeadFailure kVersion{505, HeadError::kVersion, "Only HTTP/1.1 and HTTP/1.0 are spoken."};
constexpr HeadFailure kTooLarge{431, HeadError::kHeadTooLarge, "The header is over 48 KiB."};

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

ReadStep Fail(HeadFailure& failure, const HeadFailure& why) {
  failure = why;
  return ReadStep::kFailed;
}

HeadFailure NameFailure(char found) {
  if (found == '\n' || found == '\r') {
    return kLineEnding;
  }
  return Bad(HeadError::kFieldName,
             "A header line must read NAME: VALUE, without white space before ':'.");
}

// The end of the value that starts at `begin`.
std::size_t SkipValue(MessageSide side, std::string_view buffer, std::size_t begin) {
  std::size_t end = SkipPlain(buffer, begin);
  while (side == MessageSide::kResponse && end < buffer.size() &&
         static_cast<unsigned char>(buffer[end]) >= 0x80) {
    end = SkipPlain(buffer, end + 1);
  }
  return end;
}

ReadStep ReadName(MessageSide side, Cursor& at, std::string_view& name, HeadFailure& failure) {
  if (at.Peek() == ' ' || at.Peek() == '\t') {
    return Fail(failure,
                Bad(HeadError::kFolding, "A header line must not start with white space."));
  }
  const std::size_t colon = SkipClass(kTokenByte, at.buffer, at.pos);
  if (colon == at.buffer.size()) {
    return ReadStep::kMore;
  }
  if (at.buffer[colon] != ':' || colon == at.pos) {
    return Fail(failure, NameFailure(at.buffer[colon]));
  }
  name = at.buffer.substr(at.pos, colon - at.pos);
  // X_Forwarded_For and X-Forwarded-For are one name to some servers.
  if (side == MessageSide::kRequest && name.find('_') != std::string_view::npos) {
    return Fail(failure, Bad(HeadError::kFieldName, "A header's name must not hold '_'."));
  }
  at.pos = colon + 1;
  return ReadStep::kOk;
}

ReadStep ReadValue(MessageSide side, Cursor& at, std::string_view& value, HeadFailure& failure) {
  constexpr HeadFailure kValue =
      Bad(HeadError::kFieldValue, "A header's value must be printable ASCII, space and tab.");
  while (!at.AtEnd() && (at.Peek() == ' ' || at.Peek() == '\t')) {
    ++at.pos;
  }
  const std::size_t begin = at.pos;
  at.pos = SkipValue(side, at.buffer, begin);
  value = TrimSpace(at.buffer.substr(begin, at.pos - begin));
  return ReadLineEnd(at, kValue, failure);
}

}  // namespace

std::optional<std::uint64_t> ParseLength(std::string_view text) {
  if (text.empty() || text.size() > 18 || SkipClass(kDigitByte, text, 0) != text.size()) {
    return std::nullopt;
  }
  std::uint64_t length = 0;
  for (const char c : text) {
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return length;
}

ConnectionTokens ReadConnection(std::string_view value, ConnectionTokens tokens) {
  while (true) {
    const std::size_t comma = value.find(',');
    std::string_view token = TrimSpace(value.substr(0, comma));
    token.remove_prefix(std::min(token.find_first_not_of(" \t"), token.size()));
    tokens.close = tokens.close || EqualsIgnoreCase(token, "close");
    tokens.keep_alive = tokens.keep_alive || EqualsIgnoreCase(token, "keep-alive");
    if (comma == std::string_view::npos) {
      return tokens;
    }
    value.remove_prefix(comma + 1);
  }
}

HeadFailure ReadFraming(const HeaderField& field, FramingFields& framing) {
  if (field.id == HeaderId::kContentLength) {
    if (framing.has_length) {
      return Bad(HeadError::kContentLength, "Content-Length must stand once.");
    }
    const std::optional<std::uint64_t> length = ParseLength(field.value);
    if (!length) {
      return Bad(HeadError::kContentLength, "Content-Length must be 1 to 18 decimal digits.");
    }
    framing.has_length = true;
    framing.length = *length;
    return kNoFailure;
  }
  if (framing.has_encoding || !EqualsIgnoreCase(field.value, "chunked")) {
    return Bad(HeadError::kTransferEncoding, "Transfer-Encoding must be chunked, and stand once.");
  }
  framing.has_encoding = true;
  return kNoFailure;
}

HeadFailure CheckFraming(const FramingFields& framing, std::uint8_t minor_version) {
  if (framing.has_length && framing.has_encoding) {
    return Bad(HeadError::kBothFramings,
               "Content-Length and Transfer-Encoding cannot stand together.");
  }
  if (framing.has_encoding && minor_version == 0) {
    return Bad(HeadError::kTransferEncoding, "Transfer-Encoding does not exist in HTTP/1.0.");
  }
  return kNoFailure;
}

ReadStep ReadField(MessageSide side, Cursor& at, HeaderField& field, HeadFailure& failure) {
  field = {};
  if (at.AtEnd()) {
    return ReadStep::kMore;
  }
  if (at.Peek() == '\r') {
    return ReadLineEnd(at, kLineEnding, failure);
  }
  std::string_view name;
  ReadStep step = ReadName(side, at, name, failure);
  if (step == ReadStep::kOk) {
    step = ReadValue(side, at, field.value, failure);
  }
  if (step == ReadStep::kOk) {
    field.name = name;
    field.id = LookUpHeader(name);
  }
  return step;
}

// "HTTP/1.x" at the cursor.
ReadStep ReadVersion(Cursor& at,
                     std::uint8_t& minor,
                     const HeadFailure& malformed,
                     HeadFailure& failure) {
  constexpr std::string_view kPattern = "HTTP/1.";
  const std::string_view rest = at.buffer.substr(at.pos, kPattern.size() + 1);
  const std::size_t shared = std::min(rest.size(), kPattern.size());
  if (rest.substr(0, shared) != kPattern.substr(0, shared)) {
    const bool other = rest.size() > 5 && rest.starts_with("HTTP/") && Is(kDigitByte, rest[5]);
    return Fail(failure, other ? kVersion : malformed);
  }
  if (rest.size() <= kPattern.size()) {
    return ReadStep::kMore;
  }
  const char digit = rest[kPattern.size()];
  if (digit != '0' && digit != '1') {
    return Fail(failure, Is(kDigitByte, digit) ? kVersion : malformed);
  }
  minor = static_cast<std::uint8_t>(digit - '0');
  at.pos += kPattern.size() + 1;
  return ReadStep::kOk;
}

ReadStep ReadLineEnd(Cursor& at, const HeadFailure& malformed, HeadFailure& failure) {
  if (at.AtEnd()) {
    return ReadStep::kMore;
  }
  if (at.Peek() != '\r') {
    return Fail(failure, at.Peek() == '\n' ? kLineEnding : malformed);
  }
  if (at.pos + 1 == at.buffer.size()) {
    return ReadStep::kMore;
  }
  if (at.buffer[at.pos + 1] != '\n') {
    return Fail(failure, kLineEnding);
  }
  at.pos += 2;
  return ReadStep::kOk;
}

HeadResult Finish(ReadStep step, const Cursor& at, const HeadFailure& failure) {
  if (step == ReadStep::kFailed) {
    return {HeadStatus::kError, 0, failure};
  }
  if (at.pos > kMaxHeadBytes || (step == ReadStep::kMore && at.buffer.size() >= kMaxHeadBytes)) {
    return {HeadStatus::kError, 0, kTooLarge};
  }
  return step == ReadStep::kMore ? HeadResult{} : HeadResult{HeadStatus::kComplete, at.pos, {}};
}

}  // namespace connector::http::head_reader
