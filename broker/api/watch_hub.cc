#include "broker/api/watch_hub.h"

#include "broker/api/watch_stream.h"

#include <utility>

namespace connector::broker::api {
namespace {

::grpc::Status Stopping() {
  return ::grpc::Status(::grpc::StatusCode::UNAVAILABLE, "the broker is stopping");
}

}  // namespace

WatchHub::WatchHub(connectors::Catalog& catalog) : catalog_(catalog) {
  subscription_ =
      catalog_.Subscribe([this](const std::shared_ptr<const connectors::CatalogSnapshot>& next) {
        const std::lock_guard lock(mutex_);
        state_.routes = next;
        Spread();
      });
}

WatchHub::~WatchHub() {
  catalog_.Unsubscribe(subscription_);
}

::grpc::ServerWriteReactor<v1::WatchRoutesResponse>* WatchHub::Open(std::vector<std::string> peer) {
  auto* const stream = new WatchStream(*this, std::move(peer));  // Deletes itself in OnDone.
  const std::lock_guard lock(mutex_);
  streams_.insert(stream);
  if (stopped_) {
    stream->Close(Stopping());
  } else {
    // Here too: the peer may have been denied since its call was admitted.
    CloseIfDenied(*stream);
    stream->Update(state_);
  }
  return stream;
}

void WatchHub::TakeDenyList(std::shared_ptr<const deny_list::DenyList> list) {
  const std::lock_guard lock(mutex_);
  deny_list_ = std::move(list);
  state_.deny_list = deny_list_->version();
  for (WatchStream* const stream : streams_) {
    CloseIfDenied(*stream);
  }
  Spread();
}

void WatchHub::CloseIfDenied(WatchStream& stream) {
  if (deny_list_->FindPeer(stream.peer()) != nullptr) {
    stream.Close(PeerIsDenied());
  }
}

void WatchHub::EndStreams(const char* why) {
  const std::lock_guard lock(mutex_);
  for (WatchStream* const stream : streams_) {
    stream->Close(::grpc::Status(::grpc::StatusCode::UNAVAILABLE, why));
  }
}

void WatchHub::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (WatchStream* const stream : streams_) {
    stream->Close(Stopping());
  }
}

void WatchHub::WaitUntilIdle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return streams_.empty(); });
}

std::size_t WatchHub::streams() const {
  const std::lock_guard lock(mutex_);
  return streams_.size();
}

void WatchHub::Remove(WatchStream* stream) {
  const std::lock_guard lock(mutex_);
  streams_.erase(stream);
  // Under the lock: the waiting thread may destroy the hub as soon as the lock is released.
  idle_.notify_all();
}

void WatchHub::Spread() {
  for (WatchStream* const stream : streams_) {
    stream->Update(state_);
  }
}

}  // namespace connector::broker::api
