#include "common/base/polling_thread.h"

#include <utility>

namespace connector {

void PollingThread::Start(Pause first, Turn turn) {
  thread_ = std::thread([this, first, turn = std::move(turn)] { Run(first, turn); });
}

void PollingThread::RequestStop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

bool PollingThread::Stop() {
  RequestStop();
  if (!thread_.joinable()) {
    return false;
  }
  thread_.join();
  return true;
}

bool PollingThread::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool PollingThread::Wait(Pause duration) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, duration, [this] { return stopping_; });
}

void PollingThread::Run(Pause pause, const Turn& turn) {
  while (Wait(pause)) {
    pause = turn();
  }
}

}  // namespace connector
