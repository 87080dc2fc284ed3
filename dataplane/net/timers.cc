#include "dataplane/net/timers.h"

#include <utility>

namespace connector::dataplane::net {

TimedWait::~TimedWait() {
  Unlink();
}

void TimedWait::Unlink() {
  if (next_ != nullptr) {
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = nullptr;
    previous_ = nullptr;
  }
}

Timers::Timers(asio::io_context& io)
    : timer_(io.get_executor()),
      now_(std::chrono::steady_clock::now()),
      wall_now_(std::chrono::system_clock::now()) {
  TimedWait& head = head_;
  head.next_ = &head;
  head.previous_ = &head;
}

void Timers::Start() {
  running_ = true;
  Schedule();
}

void Timers::Stop() {
  running_ = false;
  timer_.cancel();
}

void Timers::Arm(TimedWait& wait, std::chrono::milliseconds timeout) {
  wait.Unlink();
  // One tick more: `now_` may be a tick old, and a wait must not end early.
  wait.deadline_ = now_ + timeout + kTick;
  TimedWait& head = head_;
  wait.next_ = &head;
  wait.previous_ = head.previous_;
  head.previous_->next_ = &wait;
  head.previous_ = &wait;
}

void Timers::Schedule() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && running_) {
      Tick();
      Schedule();
    }
  });
}

void Timers::Tick() {
  now_ = std::chrono::steady_clock::now();
  wall_now_ = std::chrono::system_clock::now();
  TimedWait& head = head_;
  for (TimedWait* wait = head.next_; wait != &head;) {
    TimedWait* const next = wait->next_;
    if (wait->deadline_ <= now_) {
      wait->Unlink();
      wait->OnTimeout();
    }
    wait = next;
  }
  for (const auto& duty : duties_) {
    duty();
  }
}

}  // namespace connector::dataplane::net
