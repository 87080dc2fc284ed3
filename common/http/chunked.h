#pragma once

// Reads and writes the chunked transfer coding (RFC 9112 section 7.1), strictly and incrementally.
//
// Pure, without a buffer of its own: it says which ranges of the caller's bytes are payload. Chunk
// extensions and trailers are checked, bounded and never passed on, so a body is always written
// anew with WriteChunkHeader and the two constants below.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace connector::http {

inline constexpr std::size_t kMaxChunkExtensionBytes = 256;           // On one chunk.
inline constexpr std::uint64_t kMaxExtensionExcessBytes = 16 * 1024;  // Beyond the payload's size.
inline constexpr std::size_t kMaxTrailerBytes = 8 * 1024;

enum class ChunkedStatus : std::uint8_t { kMore, kDone, kError };

// What one call of ChunkedDecoder::Next found.
struct ChunkedStep {
  std::size_t consumed = 0;  // Bytes of the input that are dealt with, payload included.
  std::size_t payload_begin = 0;
  std::size_t payload_size = 0;  // input.substr(payload_begin, payload_size); may be empty.
  ChunkedStatus status = ChunkedStatus::kMore;
};

class ChunkedDecoder {
 public:
  // Goes on until the first run of payload, the end of the body or the end of `input`. With kMore,
  // call again with what is left of the input, or with new bytes when nothing is left. After kDone
  // the rest of the input is the next message's; after kError the connection is closed.
  //
  // kError for: a size other than [0-9a-fA-F]{1,16} or over 2^63-1; anything but ';' or CRLF after
  // it; a bare CR or LF, or a control byte; data not followed by CRLF; a limit above.
  [[nodiscard]] ChunkedStep Next(std::string_view input);

  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  [[nodiscard]] bool failed() const { return state_ == State::kError; }

 private:
  enum class State : std::uint8_t {
    kSizeStart,
    kSize,
    kExtension,
    kSizeLf,
    kPayload,
    kPayloadCr,
    kPayloadLf,
    kTrailerStart,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kFinalLf,
    kDone,
    kError,
  };

  void TakePayload(std::uint64_t bytes);
  State NextState(char byte);
  State InSize(char byte);
  State InExtension(char byte);
  State AfterSizeLine();
  State InTrailer(char byte);

  State state_ = State::kSizeStart;
  std::uint8_t digits_ = 0;
  std::uint64_t chunk_left_ = 0;
  std::size_t extension_bytes_ = 0;
  std::uint64_t excess_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
};

inline constexpr std::size_t kMaxChunkHeaderBytes = 18;  // 16 digits and CRLF.
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Writes "SIZE\r\n" and returns how many bytes. `size` must not be 0: that would end the body.
std::size_t WriteChunkHeader(std::uint64_t size, char (&out)[kMaxChunkHeaderBytes]);

}  // namespace connector::http
