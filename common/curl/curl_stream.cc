#include "common/curl/curl_stream.h"

namespace connector::curl {

CurlInbox::Signal CurlInbox::TakeSignal() {
  return std::exchange(signal_, nullptr);
}

void CurlInbox::PutHead(int status, Headers headers) {
  Signal signal;
  {
    const std::lock_guard lock(mutex_);
    if (status_ != 0) {
      return;  // What comes after the body are trailers.
    }
    status_ = status;
    headers_ = std::move(headers);
    signal = TakeSignal();
  }
  if (signal != nullptr) {
    signal->Set(Done{});
  }
}

bool CurlInbox::PutBody(std::string_view bytes) {
  if (bytes.empty()) {
    return true;
  }
  Signal signal;
  {
    const std::lock_guard lock(mutex_);
    if (limit_ - (pending_ == nullptr ? 0 : pending_->size()) < bytes.size()) {
      return false;
    }
    if (pending_ == nullptr) {
      pending_ = std::make_unique<WipedBuffer>();
    }
    pending_->Append(bytes);
    signal = TakeSignal();
  }
  if (signal != nullptr) {
    signal->Set(Done{});
  }
  return true;
}

void CurlInbox::PutEnd(std::optional<Error> error) {
  Signal signal;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) {
      return;
    }
    ended_ = true;
    error_ = std::move(error);
    signal = TakeSignal();
  }
  if (signal != nullptr) {
    signal->Set(Done{});
  }
}

Task<bool> CurlInbox::WaitFor(std::shared_ptr<CurlInbox> self,
                              bool (CurlInbox::*ready)() const,
                              Deadline until) {
  while (true) {
    Signal signal;
    {
      const std::lock_guard lock(self->mutex_);
      if ((self.get()->*ready)()) {
        co_return true;
      }
      if (until <= std::chrono::steady_clock::now()) {
        co_return false;
      }
      signal = std::make_shared<OneShot<Done>>();
      self->signal_ = signal;
    }
    co_await OneShot<Done>::Wait(signal, until);
  }
}

Task<Result<Done>> CurlInbox::WaitForHead(std::shared_ptr<CurlInbox> self, Deadline until) {
  const bool there = co_await WaitFor(self, &CurlInbox::HasHead, until);
  const std::lock_guard lock(self->mutex_);
  if (self->status_ != 0) {
    co_return Done{};
  }
  if (!there) {
    co_return MakeError(
        ErrorCode::kDeadlineExceeded, ErrorOrigin::kUpstream, "no answer in time", Retry::kSafe);
  }
  co_return self->error_.value_or(MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "the answer has no head", Retry::kSafe));
}

Task<Result<std::unique_ptr<WipedBuffer>>> CurlInbox::Read(std::shared_ptr<CurlInbox> self,
                                                           Deadline until) {
  const bool there = co_await WaitFor(self, &CurlInbox::HasBody, until);
  const std::lock_guard lock(self->mutex_);
  if (self->pending_ != nullptr) {
    co_return std::move(self->pending_);
  }
  if (!there) {
    co_return MakeError(
        ErrorCode::kDeadlineExceeded, ErrorOrigin::kUpstream, "nothing arrived", Retry::kSafe);
  }
  if (self->error_) {
    co_return *self->error_;
  }
  co_return std::unique_ptr<WipedBuffer>();
}

}  // namespace connector::curl
