#include "controller/election/elector.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

namespace connector::controller::election {
namespace {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         Executor>;

SteadyTime Now() {
  return std::chrono::steady_clock::now();
}

ObservedLease Observe(const kube::Object& lease) {
  return {ReadLease(lease.json()), lease.resource_version()};
}

}  // namespace

class Elector::Impl : public std::enable_shared_from_this<Elector::Impl> {
 public:
  Impl(ElectionOptions options, Parts parts)
      : options_(std::move(options)),
        parts_(std::move(parts)),
        state_(options_.identity, options_.times, parts_.random) {}

  void Start(Executor executor) {
    timer_.emplace(executor);
    tasks_.emplace(executor);
    kube::InformerOptions watched;
    watched.type = kube::kLeases;
    watched.selector = {options_.lease.ns, {}, "metadata.name=" + options_.lease.name};
    auto on_change = [this](const std::shared_ptr<const kube::Store>& store, const kube::Changes&) {
      const kube::ObjectPtr lease = store->Find(options_.lease);
      state_.ObserveWatch(lease ? std::optional(Observe(*lease)) : std::nullopt, Now());
      timer_->cancel();
    };
    informer_.emplace(
        std::move(watched),
        kube::Informer::Parts{parts_.client, parts_.clock, parts_.logger, parts_.random},
        std::move(on_change));
    informer_->Start(executor);
    tasks_->Spawn(Run(shared_from_this()));
  }

  Task<void> Stop(Deadline deadline) {
    stopping_ = true;
    if (!timer_) {
      co_return;
    }
    timer_->cancel();
    const bool ended = co_await tasks_->Close(deadline);
    const bool quiet = co_await informer_->Stop(deadline);
    if (ended && quiet && state_.Holds(Now())) {
      co_await Release(deadline);
    }
  }

  [[nodiscard]] std::optional<Deadline> HeldUntil() const {
    return state_.Holds(Now()) ? state_.HeldUntil() : std::nullopt;
  }

  [[nodiscard]] LeaderView View() const {
    const std::lock_guard lock(mutex_);
    return view_;
  }

 private:
  static Task<void> Run(std::shared_ptr<Impl> self) {
    co_await self->ReadLeaseAgain();
    while (!self->stopping_) {
      self->Report();
      const LeasePlan plan = self->state_.Next(Now());
      if (plan.move == LeaseMove::kWait || Now() < plan.at) {
        co_await self->WaitUntil(plan.at);
        continue;
      }
      co_await self->Attempt(plan.move);
    }
  }

  // Or until there is news, or until the Lease runs out.
  Task<void> WaitUntil(SteadyTime at) {
    const std::optional<SteadyTime> held = state_.HeldUntil();
    timer_->expires_at(held && Now() < *held ? std::min(at, *held) : at);
    boost::system::error_code cancelled;
    co_await timer_->async_wait(asio::redirect_error(kUseTask, cancelled));
  }

  // One attempt may not take all the time that we have.
  [[nodiscard]] Deadline AttemptDeadline() const { return Now() + options_.times.renew_period; }

  Task<void> Attempt(LeaseMove move) {
    const SteadyTime sent = Now();
    const LeaseRecord record = state_.RecordFor(move, parts_.clock->Now());
    const Result<kube::ObjectPtr> written = co_await Write(move, record, AttemptDeadline());
    if (written) {
      state_.Written(Observe(**written), sent);
      co_return;
    }
    state_.Failed(Now());
    const ErrorCode code = written.error().code;
    if (code == ErrorCode::kConflict || code == ErrorCode::kNotFound) {
      co_await ReadLeaseAgain();
      co_return;
    }
    parts_.logger->Warning("could not write the lease",
                           {{"lease", options_.lease.ToString()},
                            {"leading", state_.Holds(Now())},
                            {"error", written.error().message}});
  }

  Task<Result<kube::ObjectPtr>> Write(LeaseMove move, LeaseRecord record, Deadline deadline) {
    if (move == LeaseMove::kCreate) {
      boost::json::object body = WriteLease(options_.lease.name, record, {});
      co_return co_await parts_.client->Create(
          kube::kLeases, options_.lease.ns, std::move(body), deadline);
    }
    boost::json::object body =
        WriteLease(options_.lease.name, record, state_.lease()->resource_version);
    co_return co_await parts_.client->MergePatch(
        kube::kLeases, options_.lease, std::string(), std::move(body), deadline);
  }

  Task<void> ReadLeaseAgain() {
    const Result<kube::ObjectPtr> read =
        co_await parts_.client->Get(kube::kLeases, options_.lease, AttemptDeadline());
    if (read) {
      state_.ObserveRead(Observe(**read), Now());
    } else if (read.error().code == ErrorCode::kNotFound) {
      state_.ObserveRead(std::nullopt, Now());
    } else {
      state_.Failed(Now());
      parts_.logger->Warning(
          "could not read the lease",
          {{"lease", options_.lease.ToString()}, {"error", read.error().message}});
    }
  }

  Task<void> Release(Deadline deadline) {
    LeaseRecord record = state_.ReleaseRecord(parts_.clock->Now());
    const Result<kube::ObjectPtr> released = co_await Write(
        LeaseMove::kRenew, std::move(record), std::min(deadline, *state_.HeldUntil()));
    if (released) {
      state_.ObserveRead(Observe(**released), Now());
      parts_.logger->Info("released the lease", {{"lease", options_.lease.ToString()}});
    }
    Report();
  }

  void Report() {
    const bool leading = state_.Holds(Now());
    bool changed = false;
    {
      const std::lock_guard lock(mutex_);
      changed = view_.leading != leading;
      view_.leading = leading;
      if (state_.lease()) {
        view_.holder = state_.lease()->record.holder;
        view_.transitions = state_.lease()->record.transitions;
      }
    }
    if (changed) {
      parts_.logger->Info(leading ? "leading" : "no longer leading",
                          {{"lease", options_.lease.ToString()}});
      parts_.on_change(leading);
    }
  }

  const ElectionOptions options_;
  const Parts parts_;
  LeaseState state_;
  std::optional<Timer> timer_;
  std::optional<TaskGroup> tasks_;
  std::optional<kube::Informer> informer_;
  bool stopping_ = false;
  mutable std::mutex mutex_;
  LeaderView view_;
};

Elector::Elector(ElectionOptions options, Parts parts)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(parts))) {}

Elector::~Elector() = default;

void Elector::Start(Executor executor) {
  impl_->Start(executor);
}

Task<void> Elector::Stop(Deadline deadline) {
  return impl_->Stop(deadline);
}

std::optional<Deadline> Elector::HeldUntil() const {
  return impl_->HeldUntil();
}

LeaderView Elector::View() const {
  return impl_->View();
}

}  // namespace connector::controller::election
