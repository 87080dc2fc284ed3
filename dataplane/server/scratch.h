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

// Not thread-safe: belongs to one core, and must outlive its leases.
class ScratchPool {
 public:
  struct Return {
    ScratchPool* pool = nullptr;
    void operator()(Scratch* scratch) const { pool->free_.emplace_back(scratch); }
  };
  using Lease = std::unique_ptr<Scratch, Return>;

  [[nodiscard]] Lease Take() {
    if (free_.empty()) {
      return Lease(new Scratch, Return{this});
    }
    Lease lease(free_.back().release(), Return{this});
    free_.pop_back();
    return lease;
  }

 private:
  std::vector<std::unique_ptr<Scratch>> free_;
};

}  // namespace connector::dataplane::server
