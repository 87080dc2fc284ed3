#pragma once

// Stands in for the API server behind a PostReview: answers with what a test says, counts, and
// holds answers back until told. Thread-safe.

#include "broker/callers/kubernetes/review_scheduler.h"
#include "common/async/one_shot.h"

#include <boost/json.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace connector::testing_support {

class ReviewStandIn {
 public:
  using Answer = Result<boost::json::object>;
  using Decide =
      std::function<Answer(const kube::ResourceType& type, const boost::json::object& body)>;

  explicit ReviewStandIn(Decide decide) : decide_(std::move(decide)) {}

  [[nodiscard]] broker::callers::PostReview Post() {
    return [this](kube::ResourceType type, boost::json::object body, Deadline deadline) {
      return Run(type, std::move(body), deadline);
    };
  }

  void SetDecide(Decide decide) {
    const std::lock_guard lock(mutex_);
    decide_ = std::move(decide);
  }
  // Answers wait from now on until Release.
  void Hold() {
    const std::lock_guard lock(mutex_);
    gate_ = std::make_shared<OneShot<Done>>();
  }
  void Release() {
    std::shared_ptr<OneShot<Done>> gate;
    {
      const std::lock_guard lock(mutex_);
      gate = std::exchange(gate_, nullptr);
    }
    if (gate) {
      gate->Set(Done{});
    }
  }
  // The body of each review, in order.
  [[nodiscard]] std::vector<boost::json::object> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  [[nodiscard]] std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }

 private:
  Task<Answer> Run(kube::ResourceType type, boost::json::object body, Deadline deadline) {
    std::shared_ptr<OneShot<Done>> gate;
    Decide decide;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(body);
      gate = gate_;
      decide = decide_;
    }
    if (gate) {
      (void)co_await OneShot<Done>::Wait(gate, deadline);
    }
    co_return decide(type, body);
  }

  mutable std::mutex mutex_;
  Decide decide_;
  std::shared_ptr<OneShot<Done>> gate_;
  std::vector<boost::json::object> asked_;
};

inline boost::json::object JsonObject(std::string_view text) {
  return boost::json::parse(text).get_object();
}

}  // namespace connector::testing_support
