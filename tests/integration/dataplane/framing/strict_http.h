#pragma once

// A second, independent reading of HTTP/1.1 requests, for judging the data plane's: it shares no
// code with common/http, so that one mistake cannot hide in both. Repairs nothing.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace connector::framing {

enum class Dialect : std::uint8_t {
  // What any two readers agree on, down to the byte: one space after the colon, one framing, lower
  // case chunk sizes, no extension, no trailer. What an upstream may see.
  kCanonical,
  // Well-formed and unambiguous: optional white space, chunk extensions, trailers. What a client
  // may send.
  kLegal,
};

enum class BodyKind : std::uint8_t { kNone, kLength, kChunked };

struct Message {
  std::string method;
  std::string target;
  int minor_version = 1;
  std::vector<std::pair<std::string, std::string>> fields;  // Names in lower case.
  BodyKind kind = BodyKind::kNone;
  std::uint64_t length = 0;  // As declared, with kLength.
  std::string body;          // As far as it came.
  bool has_head = false;     // All above but the body stands.

  // The first value; empty when absent.
  [[nodiscard]] std::string Field(std::string_view name) const;
  [[nodiscard]] std::size_t Count(std::string_view name) const;
};

enum class ReadStatus : std::uint8_t { kMore, kComplete, kMalformed };

struct ReadResult {
  ReadStatus status = ReadStatus::kMore;
  std::size_t consumed = 0;  // Of a complete message.
  std::string why;           // Of a malformed one.
};

// Reads the message at the start of `bytes`. With kMore, `out` holds what there is.
[[nodiscard]] ReadResult ReadRequest(std::string_view bytes, Dialect dialect, Message& out);

// Every request in `bytes` up to the first malformed one, or to one after which the connection
// closes. The last may be unfinished; `complete` counts those that are not.
struct Stream {
  std::vector<Message> messages;
  std::size_t complete = 0;
};
[[nodiscard]] Stream ReadStream(std::string_view bytes);

// For failure messages: control and 8-bit bytes as escapes, CRLF as "\r\n" and a line break.
[[nodiscard]] std::string Printable(std::string_view bytes);

}  // namespace connector::framing
