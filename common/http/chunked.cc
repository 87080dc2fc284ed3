#include "common/http/chunked.h"

#include "common/http/head_bytes.h"

#include <algorithm>
#include <limits>

namespace connector::http {
namespace {

constexpr std::uint64_t kMaxChunkBytes = std::numeric_limits<std::int64_t>::max();
constexpr std::uint8_t kMaxSizeDigits = 16;
constexpr int kNotHex = -1;

int HexValue(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : kNotHex;
}

// What may stand in an extension or a trailer's value: no control byte but HTAB.
bool IsLineByte(char c) {
  return Is(kPlainByte, c) || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

ChunkedStep ChunkedDecoder::Next(std::string_view input) {
  ChunkedStep step;
  while (step.consumed < input.size() && state_ != State::kDone && state_ != State::kError) {
    if (state_ == State::kPayload) {
      step.payload_begin = step.consumed;
      step.payload_size = static_cast<std::size_t>(
          std::min<std::uint64_t>(chunk_left_, input.size() - step.consumed));
      step.consumed += step.payload_size;
      TakePayload(step.payload_size);
      break;
    }
    state_ = NextState(input[step.consumed]);
    ++step.consumed;
  }
  if (state_ == State::kDone) {
    step.status = ChunkedStatus::kDone;
  } else if (state_ == State::kError) {
    step.status = ChunkedStatus::kError;
  }
  return step;
}

void ChunkedDecoder::TakePayload(std::uint64_t bytes) {
  chunk_left_ -= std::min(bytes, chunk_left_);
  if (state_ == State::kPayload && chunk_left_ == 0) {
    state_ = State::kPayloadCr;
  }
}

ChunkedDecoder::State ChunkedDecoder::NextState(char byte) {
  const auto only = [&](char wanted, State next) { return byte == wanted ? next : State::kError; };
  switch (state_) {
    case State::kSizeStart:
    case State::kSize:
      return InSize(byte);
    case State::kExtension:
      return InExtension(byte);
    case State::kSizeLf:
      return byte == '\n' ? AfterSizeLine() : State::kError;
    case State::kPayloadCr:
      return only('\r', State::kPayloadLf);
    case State::kPayloadLf:
      return only('\n', State::kSizeStart);
    case State::kTrailerStart:
    case State::kTrailerName:
    case State::kTrailerValue:
      return InTrailer(byte);
    case State::kTrailerLf:
      return only('\n', State::kTrailerStart);
    case State::kFinalLf:
      return only('\n', State::kDone);
    case State::kPayload:
    case State::kDone:
    case State::kError:
      break;
  }
  return State::kError;
}

ChunkedDecoder::State ChunkedDecoder::InSize(char byte) {
  const int value = HexValue(byte);
  if (value != kNotHex) {
    if (state_ == State::kSizeStart) {
      digits_ = 0;
      chunk_left_ = 0;
      extension_bytes_ = 0;
    }
    if (++digits_ > kMaxSizeDigits) {
      return State::kError;
    }
    chunk_left_ = chunk_left_ * 16 + static_cast<std::uint64_t>(value);
    return State::kSize;
  }
  if (state_ == State::kSizeStart || chunk_left_ > kMaxChunkBytes) {
    return State::kError;
  }
  if (byte == ';') {
    return State::kExtension;
  }
  return byte == '\r' ? State::kSizeLf : State::kError;
}

ChunkedDecoder::State ChunkedDecoder::InExtension(char byte) {
  if (byte == '\r') {
    return State::kSizeLf;
  }
  // Many tiny chunks with long extensions would cost us far more than they carry.
  if (!IsLineByte(byte) || ++extension_bytes_ > kMaxChunkExtensionBytes ||
      ++excess_bytes_ > kMaxExtensionExcessBytes) {
    return State::kError;
  }
  return State::kExtension;
}

ChunkedDecoder::State ChunkedDecoder::AfterSizeLine() {
  if (chunk_left_ == 0) {
    return State::kTrailerStart;
  }
  excess_bytes_ -= std::min(excess_bytes_, chunk_left_);
  return State::kPayload;
}

ChunkedDecoder::State ChunkedDecoder::InTrailer(char byte) {
  if (state_ == State::kTrailerStart && byte == '\r') {
    return State::kFinalLf;
  }
  if (++trailer_bytes_ > kMaxTrailerBytes) {
    return State::kError;
  }
  if (state_ == State::kTrailerValue) {
    if (byte == '\r') {
      return State::kTrailerLf;
    }
    return IsLineByte(byte) ? State::kTrailerValue : State::kError;
  }
  if (byte == ':' && state_ == State::kTrailerName) {
    return State::kTrailerValue;
  }
  return Is(kTokenByte, byte) ? State::kTrailerName : State::kError;
}

std::size_t WriteChunkHeader(std::uint64_t size, char (&out)[kMaxChunkHeaderBytes]) {
  constexpr char kDigits[] = "0123456789abcdef";
  char reversed[kMaxSizeDigits];
  std::size_t count = 0;
  do {
    reversed[count++] = kDigits[size & 15U];
    size >>= 4U;
  } while (size != 0);
  std::reverse_copy(reversed, reversed + count, out);
  out[count] = '\r';
  out[count + 1] = '\n';
  return count + 2;
}

}  // namespace connector::http
