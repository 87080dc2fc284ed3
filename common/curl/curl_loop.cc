#include "common/curl/curl_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace connector::curl {
namespace {

using std::chrono::steady_clock;

int Opened(int fd, const char* what) {
  if (fd < 0) {
    throw std::system_error(errno, std::generic_category(), what);
  }
  return fd;
}

void* Mark(bool known) {
  static char mark = 0;
  return known ? &mark : nullptr;
}

}  // namespace

CurlLoop::CurlLoop()
    : multi_(curl_multi_init()),
      epoll_(Opened(::epoll_create1(EPOLL_CLOEXEC), "epoll")),
      wake_(Opened(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

CurlLoop::~CurlLoop() {
  curl_multi_cleanup(multi_);
  ::close(wake_);
  ::close(epoll_);
}

int CurlLoop::OnSocket(CURL* /*easy*/, curl_socket_t socket, int what, void* self, void* known) {
  auto* loop = static_cast<CurlLoop*>(self);
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(loop->epoll_, EPOLL_CTL_DEL, socket, nullptr);
    curl_multi_assign(loop->multi_, socket, Mark(false));
    return 0;
  }
  epoll_event event{};
  event.events = ((what & CURL_POLL_IN) != 0 ? std::uint32_t{EPOLLIN} : 0U) |
                 ((what & CURL_POLL_OUT) != 0 ? std::uint32_t{EPOLLOUT} : 0U);
  event.data.fd = socket;
  if (known == nullptr || ::epoll_ctl(loop->epoll_, EPOLL_CTL_MOD, socket, &event) != 0) {
    ::epoll_ctl(loop->epoll_, EPOLL_CTL_ADD, socket, &event);
    curl_multi_assign(loop->multi_, socket, Mark(true));
  }
  return 0;
}

int CurlLoop::OnTimer(CURLM* /*multi*/, long milliseconds, void* self) {
  auto* loop = static_cast<CurlLoop*>(self);
  if (milliseconds < 0) {
    loop->due_.reset();
  } else {
    loop->due_ = steady_clock::now() + std::chrono::milliseconds(milliseconds);
  }
  return 0;
}

int CurlLoop::MillisecondsLeft() const {
  if (!due_) {
    return -1;
  }
  // Up, or the last millisecond would be spent turning.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due_ - steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

void CurlLoop::Wait() {
  count_ = ::epoll_wait(epoll_, events_.data(), kEventsAtOnce, MillisecondsLeft());
}

steady_clock::duration CurlLoop::Overdue() const {
  return due_ ? steady_clock::now() - *due_ : steady_clock::duration::zero();
}

void CurlLoop::Act() {
  int running = 0;
  for (int i = 0; i < count_; ++i) {
    const epoll_event& event = events_[i];
    if (event.data.fd == wake_) {
      std::uint64_t ignored = 0;
      static_cast<void>(!::read(wake_, &ignored, sizeof ignored));
      continue;
    }
    const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                     ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                     ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(multi_, event.data.fd, what, &running);
  }
  if (due_ && *due_ <= steady_clock::now()) {
    due_.reset();
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    // Curl tells of another one only when it differs from the last that it told.
    if (long left = -1; !due_ && curl_multi_timeout(multi_, &left) == CURLM_OK) {
      OnTimer(multi_, left, this);
    }
  }
}

void CurlLoop::Wake() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_, &one, sizeof one));
}

}  // namespace connector::curl
