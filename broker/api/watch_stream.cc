#include "broker/api/watch_stream.h"

#include <utility>

namespace connector::broker::api {

::grpc::Status PeerIsDenied() {
  return ::grpc::Status(::grpc::StatusCode::PERMISSION_DENIED,
                        "the deny list of this broker's operator names this client");
}

void WatchStream::Update(WatchState latest) {
  Step step = Step::kNothing;
  {
    const std::lock_guard lock(mutex_);
    latest_ = std::move(latest);
    step = Decide();
  }
  Do(step);
}

void WatchStream::Close(::grpc::Status status) {
  Step step = Step::kNothing;
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) {
      closing_ = std::move(status);
    }
    step = Decide();
  }
  Do(step);
}

void WatchStream::OnWriteDone(bool ok) {
  Step step = Step::kNothing;
  {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok && !closing_) {
      closing_ = ::grpc::Status(::grpc::StatusCode::UNAVAILABLE, "the stream is broken");
    }
    step = Decide();
  }
  Do(step);
}

void WatchStream::OnCancel() {
  Close(::grpc::Status::CANCELLED);
}

void WatchStream::OnDone() {
  hub_.Remove(this);
  delete this;
}

WatchStream::Step WatchStream::Decide() {
  if (writing_ || finished_) {
    return Step::kNothing;
  }
  if (closing_) {
    finished_ = true;
    return Step::kFinish;
  }
  if (!Prepare()) {
    return Step::kNothing;
  }
  writing_ = true;
  return Step::kWrite;
}

void WatchStream::Do(Step step) {
  // With writing_ or finished_ set, nobody else starts an operation, and gRPC does not end the call
  // before this one.
  if (step == Step::kWrite) {
    StartWrite(&response_);
  } else if (step == Step::kFinish) {
    Finish(*closing_);
  }
}

// Fills response_ with what the client does not have yet; false when it has everything. An update
// that has begun is sent to its end first: a half is not in force.
bool WatchStream::Prepare() {
  if (!latest_.routes) {
    return false;
  }
  if (!update_ || update_->done()) {
    if (sent_.routes == latest_.routes && sent_.deny_list == latest_.deny_list) {
      return false;
    }
    update_.emplace(sent_, latest_);
    sent_ = latest_;
  }
  if (update_->done()) {
    return false;
  }
  response_ = update_->NextPart();
  return true;
}

}  // namespace connector::broker::api
