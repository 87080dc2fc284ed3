#include "common/http/chunked.h"
#include "tests/fuzz/check.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using connector::http::ChunkedDecoder;
using connector::http::ChunkedStatus;
using connector::http::ChunkedStep;

struct Decoded {
  std::string payload;
  std::size_t consumed = 0;
  ChunkedStatus status = ChunkedStatus::kMore;

  bool operator==(const Decoded&) const = default;
};

Decoded Decode(std::string_view input, std::size_t piece) {
  ChunkedDecoder decoder;
  Decoded out;
  while (out.consumed < input.size() && out.status == ChunkedStatus::kMore) {
    const std::string_view part = input.substr(out.consumed, piece);
    const ChunkedStep step = decoder.Next(part);
    connector::fuzz::Check(step.consumed > 0 && step.consumed <= part.size());
    connector::fuzz::Check(step.payload_begin + step.payload_size <= step.consumed);
    out.payload.append(part.substr(step.payload_begin, step.payload_size));
    out.consumed += step.consumed;
    out.status = step.status;
  }
  return out;
}

}  // namespace

// Where the input is cut changes nothing, and a decoded body written anew decodes to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Decoded whole = Decode(input, size + 1);
  connector::fuzz::Check(Decode(input, 1) == whole);
  connector::fuzz::Check(Decode(input, 7) == whole);
  if (whole.status == ChunkedStatus::kDone && !whole.payload.empty()) {
    char header[connector::http::kMaxChunkHeaderBytes];
    std::string again(header, connector::http::WriteChunkHeader(whole.payload.size(), header));
    again.append(whole.payload).append(connector::http::kChunkEnd);
    again.append(connector::http::kLastChunk);
    connector::fuzz::Check(Decode(again, 5) ==
                           Decoded{whole.payload, again.size(), ChunkedStatus::kDone});
  }
  return 0;
}
