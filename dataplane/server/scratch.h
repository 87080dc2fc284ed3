#pragma once

// Scratch: the parsed heads and the text of a request under way. Large, so it is kept apart from
// the coroutine frames and reused; a connection holds one only while a request is under way.

#include "common/http/head.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace connector::dataplane::server {

struct Scratch {
  http::RequestHead request;
  http::ResponseHead response;
  std::string out;  // Wiped after use: holds injected credentials.
};

class ScratchPool;

struct ReturnScratch {
  ScratchPool* pool = nullptr;
  inline void operator()(Scratch* scratch) const;
};
// Given back to its pool at the end.
using PooledScratch = std::unique_ptr<Scratch, ReturnScratch>;

// Not thread-safe: belongs to one worker, and must outlive what was taken from it.
class ScratchPool {
 public:
  [[nodiscard]] PooledScratch Take() {
    if (free_.empty()) {
      return PooledScratch(new Scratch, ReturnScratch{this});
    }
    PooledScratch scratch(free_.back().release(), ReturnScratch{this});
    free_.pop_back();
    return scratch;
  }

 private:
  friend struct ReturnScratch;

  std::vector<std::unique_ptr<Scratch>> free_;
};

void ReturnScratch::operator()(Scratch* scratch) const {
  pool->free_.emplace_back(scratch);
}

}  // namespace connector::dataplane::server
