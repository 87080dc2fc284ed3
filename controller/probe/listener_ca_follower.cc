#include "controller/probe/listener_ca_follower.h"

#include "common/async/one_shot.h"
#include "common/async/task_group.h"

#include <optional>
#include <utility>

namespace connector::controller::probe {

class ListenerCaFollower::Impl {
 public:
  explicit Impl(Parts parts) : parts_(std::move(parts)) {}

  static void Start(const std::shared_ptr<Impl>& self, Executor executor) {
    self->tasks_.emplace(executor);
    self->tasks_->Spawn(Run(self));
  }

  Task<bool> Stop(Deadline deadline) {
    stopping_->Set(Done{});
    if (!tasks_) {
      co_return true;
    }
    co_return co_await tasks_->Close(deadline);
  }

 private:
  // A broker that does not answer says nothing about the authority: what was known stays.
  static Task<void> Run(std::shared_ptr<Impl> self) {
    while (true) {
      const Result<std::string> pem = co_await self->parts_.broker->ListenerCa();
      if (pem && self->known_ != *pem) {
        self->known_ = *pem;
        self->parts_.on_change(*pem);
      }
      const auto pause = self->known_ ? kListenerCaPeriod : kListenerCaFirstRetry;
      const Deadline next = std::chrono::steady_clock::now() + pause;
      const std::optional<Done> stopped = co_await OneShot<Done>::Wait(self->stopping_, next);
      if (stopped) {
        co_return;
      }
    }
  }

  const Parts parts_;
  std::optional<std::string> known_;
  std::optional<TaskGroup> tasks_;
  const std::shared_ptr<OneShot<Done>> stopping_ = std::make_shared<OneShot<Done>>();
};

ListenerCaFollower::ListenerCaFollower(Parts parts)
    : impl_(std::make_shared<Impl>(std::move(parts))) {}

ListenerCaFollower::~ListenerCaFollower() = default;

void ListenerCaFollower::Start(Executor executor) {
  Impl::Start(impl_, executor);
}

Task<bool> ListenerCaFollower::Stop(Deadline deadline) {
  return impl_->Stop(deadline);
}

}  // namespace connector::controller::probe
