#pragma once

// RequestSlots: how many requests a connector may have under way at once (maxConcurrentRequests),
// divided by verified subject before it is divided by time. A subject may hold at most seven times
// as many slots as are free: alone it gets seven eighths, and a subject that holds none finds one
// free. Who finds none waits for a moment; the next one goes to the waiting subject that holds the
// fewest.
//
// Thread-safe: shared by all workers. Slots are taken and given back without a lock while nobody
// waits.

#include "common/async/one_shot.h"
#include "common/async/task.h"
#include "common/base/result.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace connector::dataplane::relay {

// How much more than what is free one subject may hold.
inline constexpr std::uint32_t kSubjectWeight = 7;

class RequestSlots {
 private:
  struct State;

 public:
  // One subject's part of the slots; it is known as long as somebody holds this.
  class Subject {
   public:
    Subject(std::shared_ptr<State> state, std::string name)
        : state_(std::move(state)), name_(std::move(name)) {}
    ~Subject();
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;

    [[nodiscard]] bool Is(const RequestSlots& slots, std::string_view name) const {
      return state_ == slots.state_ && name_ == name;
    }

   private:
    friend class RequestSlots;
    friend class InFlightSlot;

    const std::shared_ptr<State> state_;
    const std::string name_;
    std::atomic<std::uint32_t> held_{0};
    std::uint32_t waiting_ = 0;  // Guarded by the state's mutex.
  };

  [[nodiscard]] std::shared_ptr<Subject> SubjectOf(std::string_view name);

  [[nodiscard]] std::uint32_t taken() const { return state_->taken.load(); }
  [[nodiscard]] std::size_t subjects() const;

 private:
  friend class InFlightSlot;

  struct Waiter {
    std::shared_ptr<Subject> subject;
    std::uint32_t limit = 0;
    std::shared_ptr<OneShot<Done>> ready = {};  // Set once the slot is taken for it.
  };
  using Waiters = std::list<Waiter>;

  struct State {
    // Taken for `subject` when that is its share of `limit`.
    [[nodiscard]] bool TryTake(Subject& subject, std::uint32_t limit);
    void GiveBack(Subject& subject);
    // Under the mutex: gives what is free to those who wait.
    void Dispatch();

    std::atomic<std::uint32_t> taken{0};
    std::atomic<std::uint32_t> waiting{0};  // The size of `waiters`, read without the mutex.
    std::mutex mutex;
    std::unordered_map<std::string, std::weak_ptr<Subject>> subjects;
    Waiters waiters;
  };

  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

// One slot. Held until the registry's answer has been read to its end, and given back before the
// client can see that answer's last byte: a client that sends one request after another must never
// be refused because of its own last one.
class InFlightSlot {
 public:
  InFlightSlot() = default;
  ~InFlightSlot() { GiveBack(); }
  InFlightSlot(const InFlightSlot&) = delete;
  InFlightSlot& operator=(const InFlightSlot&) = delete;

  // False, and nothing is held, when `subject` has its share of `limit`, when nothing is free, or
  // when others wait.
  [[nodiscard]] bool Take(const std::shared_ptr<RequestSlots::Subject>& subject,
                          std::uint32_t limit) {
    RequestSlots::State& state = *subject->state_;
    if (state.waiting.load() == 0 && state.TryTake(*subject, limit)) {
      subject_ = subject;
      return true;
    }
    return false;
  }

  // The same, but waits until `deadline` for a slot. At most `limit` requests wait, divided by
  // subject too; a further one is refused at once. The slot outlives the wait.
  [[nodiscard]] Task<bool> Wait(std::shared_ptr<RequestSlots::Subject> subject,
                                std::uint32_t limit,
                                Deadline deadline);

  // Once is enough; a second call does nothing.
  void GiveBack() {
    if (subject_ != nullptr) {
      subject_->state_->GiveBack(*subject_);
      subject_.reset();
    }
  }

 private:
  class Turn;

  std::shared_ptr<RequestSlots::Subject> subject_;
};

}  // namespace connector::dataplane::relay
