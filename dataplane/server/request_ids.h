#pragma once

// RequestIds: ids for requests that bring none. Unique over cores, replicas and restarts (a random
// part per core), cheap to make (a counter), and of no meaning: nothing is authorized by one.

#include <cstdint>
#include <random>
#include <string>

namespace connector::dataplane::server {

// Not thread-safe: belongs to one core.
class RequestIds {
 public:
  RequestIds() {
    std::random_device random;
    prefix_ = Hex((static_cast<std::uint64_t>(random()) << 32U) | random());
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
