#include "controller/reconcile/reconciler.h"

#include "common/resilience/backoff.h"
#include "controller/queue/work_queue.h"
#include "controller/reconcile/reconcile_decisions.h"
#include "controller/status/spec_check.h"
#include "controller/status/status_patch.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace connector::controller {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         Executor>;

constexpr milliseconds kSpacing{100};  // Between two runs of a Connector that changes all the time.
constexpr resilience::BackoffOptions kRetry{milliseconds(200), milliseconds(30'000)};
// For a name that another Service has, or a refused write: no watch tells when that ends.
constexpr resilience::BackoffOptions kRefusedRetry{milliseconds(5'000), milliseconds(300'000)};

SteadyTime Now() {
  return std::chrono::steady_clock::now();
}

// What this process knows of a Connector beyond what stands in it.
struct ReconcileState {
  std::string uid;
  std::int64_t generation = 0;
  bool sound = false;
  bool needs_secret = false;
  status::ProbeMemory probe;
  unsigned failures = 0;       // Runs in a row that ended in an error.
  unsigned refused_count = 0;  // Runs in a row in which the Service was not to be had.
  SteadyTime last_run{};
};
using ReconcileStatePtr = std::shared_ptr<ReconcileState>;

}  // namespace

class Reconciler::Impl : public std::enable_shared_from_this<Reconciler::Impl> {
 public:
  Impl(ReconcileOptions options, Parts parts)
      : options_(std::move(options)),
        parts_(std::move(parts)),
        service_reconciler_(options_.service, {parts_.client, parts_.writer, parts_.view}),
        event_recorder_({parts_.writer, parts_.clock, parts_.logger}, options_.instance) {
    if (!options_.service.https_url) {
      listener_ca_ = "";
    }
  }

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
    co_return co_await tasks_->Close(deadline);
  }

  void Changed(const std::vector<ConnectorRef>& refs) {
    for (const ConnectorRef& ref : refs) {
      service_reconciler_.ServiceObserved(ref);
      if (parts_.leading()) {
        const auto found = states_.find(ref);
        const SteadyTime earliest =
            found == states_.end() ? SteadyTime{} : found->second->last_run + kSpacing;
        queue_.Add(ref, std::max(Now(), earliest));
      }
    }
    Wake();
  }

  void AllChanged() {
    std::vector<ConnectorRef> refs;
    const std::shared_ptr<const kube::Store> connectors = parts_.view->connectors();
    for (const auto& [name, object] : connectors->objects) {
      refs.push_back({name.ns, name.name});
    }
    Changed(refs);
  }

  // What another leader did meanwhile stands in the Connectors themselves.
  void LeadershipChanged() {
    states_.clear();
    queue_.Clear();
    if (parts_.leading() && parts_.view->Synced()) {
      AllChanged();
    }
    Wake();
  }

  void ListenerCaChanged(const std::string& pem) {
    listener_ca_ = pem;
    AllChanged();
  }

  int OnAnswer(const ConnectorRef& ref, const probe::ProbeRunner::Answer& answer) {
    const auto found = states_.find(ref);
    if (found == states_.end()) {
      return -1;
    }
    ReconcileState& state = *found->second;
    if (answer) {
      state.probe.Report(*answer, state.needs_secret, options_.probes);
    } else {
      state.probe.BrokerFailed(
          BrokerFailureReason(answer.error()), answer.error().message, Now(), options_.probes);
    }
    queue_.Add(ref, Now());
    Wake();
    return state.probe.failures();
  }

 private:
  enum class ReconcileResult : std::uint8_t { kGone, kUnchanged, kChanged };

  void Wake() {
    parts_.on_queue_depth(queue_.waiting());
    if (timer_) {
      timer_->cancel();
    }
  }

  static Task<void> Run(std::shared_ptr<Impl> self) {
    while (!self->stopping_) {
      const bool full = !self->StartWhatIsDue();
      const std::optional<SteadyTime> due = self->queue_.NextDue();
      self->timer_->expires_at(due && !full ? *due : SteadyTime::max());
      boost::system::error_code cancelled;
      co_await self->timer_->async_wait(asio::redirect_error(kUseTask, cancelled));
    }
  }

  // False when all workers are busy.
  bool StartWhatIsDue() {
    while (queue_.in_work() < static_cast<std::size_t>(options_.workers)) {
      std::optional<ConnectorRef> ref = queue_.Take(Now());
      if (!ref) {
        return true;
      }
      tasks_->Spawn(Work(shared_from_this(), *std::move(ref)));
    }
    return false;
  }

  static Task<void> Work(std::shared_ptr<Impl> self, ConnectorRef ref) {
    const SteadyTime start = Now();
    const Result<ReconcileResult> result = co_await self->Reconcile(ref);
    self->Finish(ref, result, start);
    self->queue_.Finish(ref);
    self->Wake();
  }

  void Finish(const ConnectorRef& ref, const Result<ReconcileResult>& result, SteadyTime start) {
    const auto found = states_.find(ref);
    if (result) {
      constexpr std::string_view kNames[] = {"gone", "unchanged", "changed"};
      parts_.observe(kNames[static_cast<std::size_t>(*result)], Now() - start);
      if (found != states_.end()) {
        found->second->failures = 0;
      }
      return;
    }
    if (IsNotLeading(result.error())) {
      return;  // The next leader does it.
    }
    parts_.observe("error", Now() - start);
    if (found == states_.end()) {
      return;
    }
    const unsigned failures = ++found->second->failures;
    queue_.Add(ref, Now() + resilience::BackoffAfter(kRetry, failures, parts_.random()));
    // Somebody else was first: seen again in a moment, and nothing is wrong.
    if (IsWorthAWarning(result.error(), failures)) {
      parts_.logger->Warning("could not reconcile a connector; trying again",
                             {{"connector", ref.ToString()}, {"error", result.error().message}});
    }
  }

  Task<Result<ReconcileResult>> Reconcile(ConnectorRef ref) {
    if (!parts_.leading()) {
      co_return ReconcileResult::kUnchanged;
    }
    const kube::ObjectPtr connector = parts_.view->connectors()->Find({ref.ns, ref.name});
    if (!connector || IsDeleting(connector->json())) {
      states_.erase(ref);
      service_reconciler_.ServiceObserved(ref);
      parts_.schedule_probe(ref, probe::ProbeSchedule::kNever);
      co_return ReconcileResult::kGone;
    }
    const ReconcileStatePtr state = Remember(ref, *connector);
    state->last_run = Now();
    const status::SpecCheck spec_check =
        status::CheckSpec(connector->json(), parts_.view->classes());
    ScheduleProbe(ref, *state, *connector, spec_check);

    service::Owner owner{ref, connector->uid()};
    const Result<status::ConditionState> proxy =
        co_await service_reconciler_.Ensure(std::move(owner));
    if (!proxy) {
      co_return proxy.error();
    }
    RetryWhileRefused(ref, *state, *proxy);
    status::WantedStatus wanted{service::HostOf(ref, options_.service),
                                service::UrlOf(ref, options_.service),
                                listener_ca_,
                                spec_check.secret_class,
                                JoinConditions(spec_check, state->probe.states(), *proxy)};
    co_return co_await WriteStatus(connector, std::move(wanted));
  }

  ReconcileStatePtr Remember(const ConnectorRef& ref, const kube::Object& connector) {
    ReconcileStatePtr& state = states_[ref];
    if (!state || state->uid != connector.uid()) {
      state = std::make_shared<ReconcileState>();
      state->uid = connector.uid();
    }
    return state;
  }

  void ScheduleProbe(const ConnectorRef& ref,
                     ReconcileState& state,
                     const kube::Object& connector,
                     const status::SpecCheck& spec_check) {
    const ProbeInputs inputs{.first_run = state.generation == 0,
                             .spec_changed = state.generation != connector.generation(),
                             .was_sound = state.sound,
                             .is_sound = spec_check.sound};
    state.generation = connector.generation();
    state.sound = spec_check.sound;
    state.needs_secret = spec_check.needs_secret;
    const std::vector<status::Condition> conditions = status::ReadConditions(connector.json());
    if (inputs.first_run) {
      state.probe = status::ProbeMemory(conditions);
    } else if (inputs.spec_changed) {
      state.probe.Renew();
    }
    const std::optional<probe::ProbeSchedule> schedule =
        DecideProbe(inputs, conditions, connector.generation());
    if (schedule) {
      parts_.schedule_probe(ref, *schedule);
    }
  }

  void RetryWhileRefused(const ConnectorRef& ref,
                         ReconcileState& state,
                         const status::ConditionState& proxy) {
    if (!NeedsRetry(proxy)) {
      state.refused_count = 0;
      return;
    }
    ++state.refused_count;
    queue_.Add(
        ref, Now() + resilience::BackoffAfter(kRefusedRetry, state.refused_count, parts_.random()));
  }

  Task<Result<ReconcileResult>> WriteStatus(kube::ObjectPtr connector,
                                            status::WantedStatus wanted) {
    std::optional<boost::json::object> patch =
        status::StatusPatch(*connector, wanted, parts_.clock->Now());
    if (!patch) {
      co_return ReconcileResult::kUnchanged;
    }
    const Result<kube::ObjectPtr> written = co_await parts_.writer->MergePatch(
        kube::kConnectors, connector->name(), std::string("status"), *std::move(patch));
    if (!written) {
      if (written.error().code == ErrorCode::kNotFound) {
        co_return ReconcileResult::kGone;  // Its deletion is about to be seen.
      }
      co_return written.error();
    }
    co_await event_recorder_.Record(std::move(connector), std::move(wanted.states));
    co_return ReconcileResult::kChanged;
  }

  const ReconcileOptions options_;
  const Parts parts_;
  ProxyServiceReconciler service_reconciler_;
  EventRecorder event_recorder_;
  std::optional<std::string> listener_ca_;  // Absent until it is known.
  WorkQueue queue_;
  std::map<ConnectorRef, ReconcileStatePtr> states_;
  std::optional<Timer> timer_;
  std::optional<TaskGroup> tasks_;
  bool stopping_ = false;
};

Reconciler::Reconciler(ReconcileOptions options, Parts parts)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(parts))) {}

Reconciler::~Reconciler() = default;

void Reconciler::Start(Executor executor) {
  impl_->Start(executor);
}

Task<bool> Reconciler::Stop(Deadline deadline) {
  return impl_->Stop(deadline);
}

void Reconciler::Changed(const std::vector<ConnectorRef>& refs) {
  impl_->Changed(refs);
}

void Reconciler::AllChanged() {
  impl_->AllChanged();
}

void Reconciler::LeadershipChanged() {
  impl_->LeadershipChanged();
}

void Reconciler::ListenerCaChanged(const std::string& pem) {
  impl_->ListenerCaChanged(pem);
}

int Reconciler::OnAnswer(const ConnectorRef& ref, const probe::ProbeRunner::Answer& answer) {
  return impl_->OnAnswer(ref, answer);
}

}  // namespace connector::controller
