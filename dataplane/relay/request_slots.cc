#include "dataplane/relay/request_slots.h"

#include "common/resilience/shared_budget.h"

#include <algorithm>
#include <utility>

namespace connector::dataplane::relay {

RequestSlots::Subject::~Subject() {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->subjects.find(name_);
  if (found != state_->subjects.end() && found->second.expired()) {
    state_->subjects.erase(found);
  }
}

std::shared_ptr<RequestSlots::Subject> RequestSlots::SubjectOf(std::string_view name) {
  std::string key(name);
  const std::lock_guard lock(state_->mutex);
  std::weak_ptr<Subject>& known = state_->subjects[key];
  std::shared_ptr<Subject> subject = known.lock();
  if (subject == nullptr) {
    subject = std::make_shared<Subject>(state_, std::move(key));
    known = subject;
  }
  return subject;
}

std::size_t RequestSlots::subjects() const {
  const std::lock_guard lock(state_->mutex);
  return state_->subjects.size();
}

// Counts first and looks then, so that no two threads take the last slot. Whoever is refused by a
// count that another thread takes back comes again by Wait, under the mutex.
bool RequestSlots::State::TryTake(Subject& subject, std::uint32_t limit) {
  const std::uint32_t before = taken.fetch_add(1);
  const std::uint32_t held = subject.held_.fetch_add(1);
  if (resilience::IsFairShare(held, 1, before, limit, kSubjectWeight)) {
    return true;
  }
  subject.held_.fetch_sub(1);
  taken.fetch_sub(1);
  return false;
}

// The order matters: who begins to wait counts itself, and then looks for a free slot.
void RequestSlots::State::GiveBack(Subject& subject) {
  subject.held_.fetch_sub(1);
  taken.fetch_sub(1);
  if (waiting.load() > 0) {
    const std::lock_guard lock(mutex);
    Dispatch();
  }
}

void RequestSlots::State::Dispatch() {
  while (!waiters.empty()) {
    // Whose subject holds the fewest; of those the first.
    const auto next =
        std::min_element(waiters.begin(), waiters.end(), [](const Waiter& a, const Waiter& b) {
          return a.subject->held_.load() < b.subject->held_.load();
        });
    if (!TryTake(*next->subject, next->limit)) {
      return;
    }
    --next->subject->waiting_;
    const std::shared_ptr<OneShot<Done>> ready = next->ready;
    waiters.erase(next);  // Whoever waits still holds the subject, whose end takes the mutex.
    waiting.fetch_sub(1);
    ready->Set(Done{});
  }
}

// A place in the queue, which ends with the coroutine that waits.
class InFlightSlot::Turn {
 public:
  explicit Turn(std::shared_ptr<RequestSlots::Subject> subject) : subject_(std::move(subject)) {}
  ~Turn() {
    if (queued_ && Leave()) {
      subject_->state_->GiveBack(*subject_);  // It was ready, and nobody came for it.
    }
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // False when there is no place.
  bool Join(std::uint32_t limit) {
    RequestSlots::State& state = *subject_->state_;
    const std::lock_guard lock(state.mutex);
    if (!resilience::IsFairShare(subject_->waiting_, 1, state.waiters.size(), limit)) {
      return false;
    }
    ++subject_->waiting_;
    state.waiters.push_back({subject_, limit, ready_});
    state.waiting.fetch_add(1);
    queued_ = true;
    state.Dispatch();
    return true;
  }

  // Whether the slot is there.
  bool Leave() {
    RequestSlots::State& state = *subject_->state_;
    queued_ = false;
    const std::lock_guard lock(state.mutex);
    const auto place = std::find_if(state.waiters.begin(),
                                    state.waiters.end(),
                                    [this](const auto& waiter) { return waiter.ready == ready_; });
    if (place == state.waiters.end()) {
      return true;
    }
    --subject_->waiting_;
    state.waiters.erase(place);
    state.waiting.fetch_sub(1);
    return false;
  }

  [[nodiscard]] const std::shared_ptr<OneShot<Done>>& ready() const { return ready_; }

 private:
  const std::shared_ptr<RequestSlots::Subject> subject_;
  const std::shared_ptr<OneShot<Done>> ready_ = std::make_shared<OneShot<Done>>();
  bool queued_ = false;
};

Task<bool> InFlightSlot::Wait(std::shared_ptr<RequestSlots::Subject> subject,
                              std::uint32_t limit,
                              Deadline deadline) {
  Turn turn(subject);
  if (!turn.Join(limit)) {
    // No place to wait, but what is free is free.
    co_return Take(subject, limit);
  }
  co_await OneShot<Done>::Wait(turn.ready(), deadline);
  if (!turn.Leave()) {
    co_return false;
  }
  subject_ = std::move(subject);
  co_return true;
}

}  // namespace connector::dataplane::relay
