#pragma once

// CurlSharing: decides when the next transfer may begin, so that it joins a connection of HTTP/2
// that has room. Left alone, curl 7.88 opens a connection for each transfer that begins while a
// second one is being made. Pure. Private to this library.

#include <curl/curl.h>

#include <cstddef>
#include <set>

namespace connector::curl {

inline constexpr std::size_t kStreamsPerConnection = 100;  // What curl uses at most.

class CurlSharing {
 public:
  // `active`: transfers that have begun and not ended.
  [[nodiscard]] bool MayBegin(std::size_t active) const {
    return !shared_ || active < connected_.size() * kStreamsPerConnection || pioneer_ == nullptr;
  }
  // When there is no room, this one makes the next connection.
  void Begun(CURL* transfer, std::size_t active) {
    if (shared_ && active >= connected_.size() * kStreamsPerConnection) {
      pioneer_ = transfer;
    }
  }
  // `shared`: the server speaks HTTP/2. With one that does not, nothing is shared.
  void Connected(CURL* transfer, curl_socket_t socket, bool shared) {
    shared_ = shared;
    connected_.insert(socket);
    Forget(transfer);
  }
  void Closed(curl_socket_t socket) { connected_.erase(socket); }
  // True when others waited for its connection, which did not come about.
  [[nodiscard]] bool Ended(CURL* transfer) {
    const bool failed = transfer == pioneer_;
    Forget(transfer);
    return failed;
  }

 private:
  void Forget(CURL* transfer) { pioneer_ = transfer == pioneer_ ? nullptr : pioneer_; }

  bool shared_ = true;
  std::set<curl_socket_t> connected_;
  CURL* pioneer_ = nullptr;  // It makes a connection that others wait for.
};

}  // namespace connector::curl
