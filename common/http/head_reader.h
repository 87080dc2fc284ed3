#pragma once

// The steps that requests and responses share. Private to the head parser: use head.h.

#include "common/http/head.h"
#include "common/http/head_bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace connector::http::head_reader {

inline constexpr HeadFailure kNoFailure{0, HeadError::kNone, {}};

constexpr HeadFailure Bad(HeadError reason, std::string_view sentence) {
  return {400, reason, sentence};
}

inline constexpr HeadFailure kLineEnding =
    Bad(HeadError::kLineEnding, "Lines must end with CRLF; a bare CR or LF is not allowed.");

enum class MessageSide : std::uint8_t { kRequest, kResponse };
enum class ReadStep : std::uint8_t { kOk, kMore, kFailed };

// A reader's place in the buffer. `pos` only moves over what was accepted.
struct Cursor {
  std::string_view buffer;
  std::size_t pos = 0;

  [[nodiscard]] bool AtEnd() const { return pos >= buffer.size(); }
  [[nodiscard]] char Peek() const { return buffer[pos]; }
};

// What the framing fields said, gathered while they are read.
struct FramingFields {
  bool has_length = false;
  bool has_encoding = false;
  std::uint64_t length = 0;
};

struct ConnectionTokens {
  bool close = false;
  bool keep_alive = false;
};

// 1 to 18 decimal digits, which cannot overflow; a sign, a list or white space is not a digit.
[[nodiscard]] std::optional<std::uint64_t> ParseLength(std::string_view text);

[[nodiscard]] HeadFailure ReadFraming(const HeaderField& field, FramingFields& framing);
[[nodiscard]] HeadFailure CheckFraming(const FramingFields& framing, std::uint8_t minor_version);
[[nodiscard]] ConnectionTokens ReadConnection(std::string_view value, ConnectionTokens tokens);

// "HTTP/1.x" at the cursor. What is no version at all fails as `malformed`.
[[nodiscard]] ReadStep ReadVersion(Cursor& at,
                                   std::uint8_t& minor,
                                   const HeadFailure& malformed,
                                   HeadFailure& failure);
// CRLF at the cursor.
[[nodiscard]] ReadStep ReadLineEnd(Cursor& at, const HeadFailure& malformed, HeadFailure& failure);
// One field line. At the empty line that ends the head, `field.name` is empty.
[[nodiscard]] ReadStep ReadField(MessageSide side,
                                 Cursor& at,
                                 HeaderField& field,
                                 HeadFailure& failure);

// Reads field lines up to the empty one, and gives each to `interpret`.
template <typename Interpret>
[[nodiscard]] ReadStep ReadFields(
    MessageSide side, Cursor& at, HeaderFields& fields, HeadFailure& failure, Interpret interpret) {
  fields.Reset();
  HeaderField field;
  while (true) {
    const ReadStep step = ReadField(side, at, field, failure);
    if (step != ReadStep::kOk || field.name.empty()) {
      return step;
    }
    if (!fields.Add(field)) {
      failure = {431, HeadError::kTooManyFields, "There are over 100 header lines."};
      return ReadStep::kFailed;
    }
    failure = interpret(field);
    if (failure.reason != HeadError::kNone) {
      return ReadStep::kFailed;
    }
  }
}

[[nodiscard]] HeadResult Finish(ReadStep step, const Cursor& at, const HeadFailure& failure);

}  // namespace connector::http::head_reader
