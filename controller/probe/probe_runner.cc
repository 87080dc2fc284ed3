#include "controller/probe/probe_runner.h"

#include "common/resilience/backoff.h"
#include "common/resilience/circuit_breaker.h"
#include "controller/queue/work_queue.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace connector::controller::probe {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         Executor>;

// While the brokers do not answer, one probe at a time finds out, instead of thousands.
constexpr resilience::CircuitBreakerOptions kBrokerBreaker{
    .backoff = {std::chrono::milliseconds(1000), std::chrono::milliseconds(15'000)}};

// A broker that does not know a Connector yet hears of it within this.
constexpr std::chrono::milliseconds kUnknownRetry{2000};

SteadyTime Now() {
  return std::chrono::steady_clock::now();
}

bool BrokerIsAway(const ProbeRunner::Answer& answer) {
  return !answer && answer.error().code != ErrorCode::kNotFound;
}

std::string_view Label(const ProbeRunner::Answer& answer) {
  if (!answer) {
    return answer.error().code == ErrorCode::kNotFound ? "unknown" : "unavailable";
  }
  const bool ok = std::all_of(
      answer->begin(), answer->end(), [](const status::ProbeStepResult& step) { return step.ok; });
  return ok ? "ok" : "failed";
}

}  // namespace

class ProbeRunner::Impl : public std::enable_shared_from_this<ProbeRunner::Impl> {
 public:
  Impl(ProbeOptions options, Parts parts) : options_(options), parts_(std::move(parts)) {}

  void Start(Executor executor) {
    timer_.emplace(executor);
    tasks_.emplace(executor);
    tasks_->Spawn(Run(shared_from_this()));
  }

  Task<bool> Stop(Deadline deadline) {
    stopping_ = true;
    if (!timer_) {
      co_return true;
    }
    timer_->cancel();
    parts_.broker->Shutdown();
    co_return co_await tasks_->Close(deadline);
  }

  void Schedule(const ConnectorRef& ref, ProbeSchedule schedule) {
    switch (schedule) {
      case ProbeSchedule::kImmediately:
        // Again a little later: a broker that had not heard of the change answered for what was.
        again_.insert(ref);
        queue_.Add(ref, Now() + kPropagationDelay);
        break;
      case ProbeSchedule::kPeriodically:
        queue_.Add(ref, Now() + Part(options_.period, parts_.random()));
        break;
      case ProbeSchedule::kNever:
        queue_.Forget(ref);
        again_.erase(ref);
        waiting_for_broker_.erase(ref);
        break;
    }
    Wake();
  }

  void Wake() {
    if (timer_) {
      timer_->cancel();
    }
  }

  [[nodiscard]] bool broker_available() const { return !breaker_.failing(); }

 private:
  static std::chrono::milliseconds Part(std::chrono::milliseconds whole, double part) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(whole * part);
  }

  static Task<void> Run(std::shared_ptr<Impl> self) {
    while (!self->stopping_) {
      self->StartWhatIsDue();
      self->timer_->expires_at(self->NextLook());
      boost::system::error_code cancelled;
      co_await self->timer_->async_wait(asio::redirect_error(kUseTask, cancelled));
    }
  }

  void StartWhatIsDue() {
    while (!stopping_ && parts_.leading() &&
           queue_.in_work() < static_cast<std::size_t>(options_.concurrency)) {
      std::optional<ConnectorRef> ref = queue_.Take(Now());
      if (!ref) {
        return;
      }
      if (breaker_.Admit(Now())) {
        Ended(*ref, breaker_.error());  // As the one that found out, without asking again.
      } else {
        tasks_->Spawn(Probe(shared_from_this(), *std::move(ref)));
      }
    }
  }

  [[nodiscard]] SteadyTime NextLook() const {
    const std::optional<SteadyTime> due = queue_.NextDue();
    const bool full = queue_.in_work() >= static_cast<std::size_t>(options_.concurrency);
    // Else until Wake.
    return due && !full && parts_.leading() ? *due : SteadyTime::max();
  }

  static Task<void> Probe(std::shared_ptr<Impl> self, ConnectorRef ref) {
    const SteadyTime start = Now();
    const Answer answer = co_await self->parts_.broker->Check(ref);
    if (self->stopping_) {
      co_return;
    }
    self->parts_.observe(Label(answer), Now() - start);
    if (BrokerIsAway(answer)) {
      self->breaker_.Failed(answer.error(), start, Now(), self->parts_.random());
    } else if (self->breaker_.Succeeded()) {
      for (const ConnectorRef& each : std::exchange(self->waiting_for_broker_, {})) {
        self->queue_.Add(each, Now());
      }
    }
    self->Ended(ref, answer);
    self->Wake();
  }

  void Ended(const ConnectorRef& ref, const Answer& answer) {
    const int failures = parts_.on_answer(ref, answer);
    queue_.Finish(ref);
    if (failures < 0) {  // It is gone.
      queue_.Forget(ref);
      waiting_for_broker_.erase(ref);
      again_.erase(ref);
      return;
    }
    if (BrokerIsAway(answer)) {
      waiting_for_broker_.insert(ref);
    }
    queue_.Add(ref, Now() + NextWait(ref, answer, failures));
  }

  std::chrono::milliseconds NextWait(const ConnectorRef& ref, const Answer& answer, int failures) {
    if (!answer && answer.error().code == ErrorCode::kNotFound) {
      return BackoffFor(kUnknownRetry, failures);
    }
    if (failures > 0) {
      again_.erase(ref);
      return BackoffFor(options_.first_retry, failures);
    }
    if (again_.erase(ref) > 0) {
      return options_.first_retry;
    }
    return resilience::SpreadPeriod(options_.period, parts_.random());
  }

  std::chrono::milliseconds BackoffFor(std::chrono::milliseconds first, int failures) {
    return resilience::BackoffAfter(
        {first, options_.period}, static_cast<unsigned>(failures), parts_.random());
  }

  const ProbeOptions options_;
  const Parts parts_;
  WorkQueue queue_;
  resilience::CircuitBreaker breaker_{kBrokerBreaker};
  std::set<ConnectorRef> again_;               // Changed not long ago.
  std::set<ConnectorRef> waiting_for_broker_;  // Not probed, because no broker answered.
  std::optional<Timer> timer_;
  std::optional<TaskGroup> tasks_;
  bool stopping_ = false;
};

ProbeRunner::ProbeRunner(ProbeOptions options, Parts parts)
    : impl_(std::make_shared<Impl>(options, std::move(parts))) {}

ProbeRunner::~ProbeRunner() = default;

void ProbeRunner::Start(Executor executor) {
  impl_->Start(executor);
}

Task<bool> ProbeRunner::Stop(Deadline deadline) {
  return impl_->Stop(deadline);
}

void ProbeRunner::Schedule(const ConnectorRef& ref, ProbeSchedule schedule) {
  impl_->Schedule(ref, schedule);
}

void ProbeRunner::Wake() {
  impl_->Wake();
}

bool ProbeRunner::broker_available() const {
  return impl_->broker_available();
}

}  // namespace connector::controller::probe
