#pragma once

// BodyPortions: which of the bytes that a source sends are its body, and where the body ends. Pure;
// one per body. Deliberately inline: it runs once for each read of a relayed body.

#include "common/http/chunked.h"
#include "common/http/head.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace connector::dataplane::relay {

// A run of payload. After the end nothing more belongs to the body.
struct BodyPortion {
  std::string_view payload;
  bool end = false;
  bool malformed = false;
};

class BodyPortions {
 public:
  // `length` counts for kContentLength only.
  BodyPortions(http::BodyFraming framing, std::uint64_t length)
      : framing_(framing), left_(length) {}

  // Takes the next run of payload off the front of `input`; what is left of it after the end is
  // the next message's.
  [[nodiscard]] BodyPortion Next(std::string_view& input) {
    switch (framing_) {
      case http::BodyFraming::kChunked: {
        const http::ChunkedStep step = decoder_.Next(input);
        const BodyPortion portion{input.substr(step.payload_begin, step.payload_size),
                                  step.status == http::ChunkedStatus::kDone,
                                  step.status == http::ChunkedStatus::kError};
        input.remove_prefix(step.consumed);
        return portion;
      }
      case http::BodyFraming::kContentLength: {
        const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
        left_ -= take;
        const BodyPortion portion{input.substr(0, take), left_ == 0, false};
        input.remove_prefix(take);
        return portion;
      }
      case http::BodyFraming::kUntilClose: {
        const BodyPortion portion{input, false, false};
        input = {};
        return portion;
      }
      case http::BodyFraming::kNone:
        break;
    }
    return {{}, true, false};
  }

  // Of a kContentLength body: what has not come yet.
  [[nodiscard]] std::uint64_t left() const { return left_; }
  // So many bytes of it went another way than through Next.
  void Skip(std::uint64_t bytes) { left_ -= bytes; }

  // How much to read at once: never past the end of a kContentLength body, so that the next
  // message stays in the socket.
  [[nodiscard]] std::size_t ReadSize(std::size_t buffer_bytes) const {
    return framing_ == http::BodyFraming::kContentLength
               ? static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer_bytes))
               : buffer_bytes;
  }

  // Is the end of the source the end of the body? For all other framings it is a cut.
  [[nodiscard]] bool EndsWithSource() const { return framing_ == http::BodyFraming::kUntilClose; }

 private:
  http::BodyFraming framing_;
  std::uint64_t left_;
  http::ChunkedDecoder decoder_;
};

}  // namespace connector::dataplane::relay
