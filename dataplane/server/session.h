#pragma once

// Session: one client connection, from its first byte to its close. Reads heads, hands each request
// to Serve, and decides how the connection goes on.

#include "dataplane/server/worker.h"

#include <functional>
#include <memory>
#include <unordered_set>

namespace connector::dataplane::server {

// The open sessions of one worker, so that draining can end the idle ones.
class Sessions {
 public:
  void Add(net::Stream* stream) { all_.insert(stream); }
  void Remove(net::Stream* stream) {
    all_.erase(stream);
    idle_.erase(stream);
  }
  void SetIdle(net::Stream* stream, bool idle) {
    if (idle) {
      idle_.insert(stream);
    } else {
      idle_.erase(stream);
    }
  }
  // Ends the waits of connections that are between requests.
  void CloseIdle() {
    for (net::Stream* const stream : idle_) {
      stream->CancelWait();
    }
  }
  void CloseAll() {
    for (net::Stream* const stream : all_) {
      stream->Close();
    }
  }
  [[nodiscard]] std::size_t size() const { return all_.size(); }

 private:
  std::unordered_set<net::Stream*> all_;
  std::unordered_set<net::Stream*> idle_;
};

// Serves `socket` until it closes. `tls` is null on a plain listener.
[[nodiscard]] Task<void> RunSession(Worker& worker,
                                    Sessions& sessions,
                                    net::Socket socket,
                                    net::TlsContext tls);

}  // namespace connector::dataplane::server
