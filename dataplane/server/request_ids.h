#pragma once

// RequestIds: ids for requests that bring none. Unique over cores, replicas and restarts (a random
// part per worker), cheap to make (a counter), and of no meaning: nothing is authorized by one.

#include "common/base/encoding.h"
#include "common/crypto/random_bytes.h"

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace connector::dataplane::server {

// Not thread-safe: belongs to one worker.
class RequestIds {
 public:
  RequestIds() {
    std::array<unsigned char, 8> random{};
    if (!crypto::FillRandomBytes(random)) {
      throw std::runtime_error("no random numbers for the ids of requests");
    }
    prefix_ = HexEncode({reinterpret_cast<const char*>(random.data()), random.size()});
  }

  [[nodiscard]] std::string Next() { return prefix_ + Hex(++count_).substr(6); }

 private:
  static std::string Hex(std::uint64_t value) {
    std::string out(16, '0');
    for (std::size_t i = out.size(); i-- > 0; value >>= 4U) {
      out[i] = "0123456789abcdef"[value & 15U];
    }
    return out;
  }

  std::string prefix_;
  std::uint64_t count_ = 0;
};

}  // namespace connector::dataplane::server
