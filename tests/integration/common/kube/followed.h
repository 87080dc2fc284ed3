#pragma once

// An informer that runs on a thread of its own, and what it told.

#include "common/kube/informer.h"
#include "tests/integration/common/kube/kube_world.h"
#include "tests/support/cpp/eventually.h"

#include <boost/asio/executor_work_guard.hpp>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace connector::kube {

class Followed {
 public:
  using Values = std::map<std::string, std::string>;  // Names and values of ConfigMaps.

  Followed(ApiClient& client, InformerOptions options)
      : informer_(std::move(options),
                  Parts(client),
                  [this](const auto& store, const auto& changes) { Told(store, changes); }) {
    informer_.Start(io_.get_executor());
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Followed() {
    Stop();
    work_.reset();
    thread_.join();
  }

  bool Stop() {
    bool stopped = false;
    std::mutex mutex;
    std::condition_variable done;
    bool ended = false;
    asio::co_spawn(io_, informer_.Stop(SoonEnough()), [&](std::exception_ptr, bool result) {
      const std::lock_guard lock(mutex);
      stopped = result;
      ended = true;
      done.notify_all();
    });
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return ended; });
    return stopped;
  }

  // What is there now, once `condition` holds for it; what there is after half a minute else.
  Values Until(const std::function<bool(const Values&)>& condition) {
    std::unique_lock lock(mutex_);
    told_.wait_for(
        lock, std::chrono::seconds(30), [&] { return calls_ > 0 && condition(values_); });
    return values_;
  }
  Values UntilEqual(const Values& wanted) {
    return Until([&](const Values& values) { return values == wanted; });
  }
  // The same for anything that the test sees.
  bool Eventually(const std::function<bool()>& condition) {
    return testing_support::Eventually(condition, std::chrono::seconds(30));
  }

  [[nodiscard]] Informer& informer() { return informer_; }
  [[nodiscard]] int calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  [[nodiscard]] std::vector<Changes> changes() {
    const std::lock_guard lock(mutex_);
    return changes_;
  }

 private:
  static Informer::Parts Parts(ApiClient& client) {
    static const SystemClock kClock;
    return {&client, &kClock, nullptr, [] { return 0.5; }};
  }

  void Told(const std::shared_ptr<const Store>& store, const Changes& changes) {
    const std::lock_guard lock(mutex_);
    values_.clear();
    for (const auto& [name, object] : store->objects) {
      values_[name.name] = ValueOf(*object);
    }
    changes_.push_back(changes);
    ++calls_;
    told_.notify_all();
  }

  asio::io_context io_;
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  std::mutex mutex_;
  std::condition_variable told_;
  Values values_;
  std::vector<Changes> changes_;
  int calls_ = 0;
  Informer informer_;
  std::thread thread_;
};

}  // namespace connector::kube
