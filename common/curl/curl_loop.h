#pragma once

// CurlLoop: waits with epoll for what the transfers of one multi handle wait for, so that thousands
// of them cost only what happens on them. One thread runs it; Wake may be called from any. Private
// to this library.

#include <curl/curl.h>
#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <optional>

namespace connector::curl {

class CurlLoop {
 public:
  CurlLoop();
  ~CurlLoop();  // After the multi handle's transfers were removed.
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  [[nodiscard]] CURLM* multi() const { return multi_; }
  // Waits until something can go on or Wake was called. Act lets it go on.
  void Wait();
  void Act();
  void Wake();
  // How long ago what is due was to go on: more than a moment where this program was stopped.
  [[nodiscard]] std::chrono::steady_clock::duration Overdue() const;

 private:
  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* self, void* known);
  static int OnTimer(CURLM* multi, long milliseconds, void* self);

  static constexpr int kEventsAtOnce = 64;

  [[nodiscard]] int MillisecondsLeft() const;  // -1: nothing is due.

  CURLM* multi_;
  int epoll_;
  int wake_;
  std::array<epoll_event, kEventsAtOnce> events_{};
  int count_ = 0;  // Of `events_`, those that the last wait brought.
  std::optional<std::chrono::steady_clock::time_point> due_;
};

}  // namespace connector::curl
