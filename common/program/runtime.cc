#include "common/program/runtime.h"

#include "common/admin/admin_server.h"
#include "common/admin/status_report.h"
#include "common/base/version.h"
#include "common/metrics/process_metrics.h"

#include <boost/asio/executor_work_guard.hpp>
#include <prometheus/collectable.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <thread>
#include <utility>

namespace connector::program {
namespace {

// What the components count when they are asked.
class ComponentMetrics final : public prometheus::Collectable {
 public:
  explicit ComponentMetrics(const std::vector<Component*>& components) : components_(components) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> out;
    for (const Component* component : components_) {
      std::vector<prometheus::MetricFamily> families = component->Metrics();
      std::move(families.begin(), families.end(), std::back_inserter(out));
    }
    return out;
  }

 private:
  const std::vector<Component*>& components_;
};

}  // namespace

class Runtime::Impl {
 public:
  Impl(RuntimeOptions options, log::Logger& logger)
      : options_(std::move(options)),
        logger_(logger),
        started_at_(clock_.Now()),
        process_metrics_(std::make_shared<metrics::ProcessMetrics>(options_.program, kVersion)) {}

  Result<Done> Start(std::vector<Component*> components) {
    std::erase(components, nullptr);
    components_ = std::move(components);
    for (unsigned i = 0; i < options_.threads; ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
    admin_ = std::make_unique<admin::AdminServer>(AdminParts());
    const Result<Done> opened = admin_->Start();
    if (!opened) {
      return opened;
    }
    for (Component* component : components_) {
      const Result<Done> done = component->Start();
      if (!done) {
        return done;
      }
      ++started_;
    }
    return Done{};
  }

  void Stop() {
    if (stopping_.exchange(true)) {
      return;
    }
    for (; started_ > 0; --started_) {
      components_[started_ - 1]->Stop(std::chrono::steady_clock::now() + options_.stop_timeout);
    }
    if (admin_) {
      admin_->Stop();
    }
    io_.stop();
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }

  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] asio::io_context& io() { return io_; }
  [[nodiscard]] prometheus::Registry& registry() { return *registry_; }
  [[nodiscard]] log::Logger& logger() { return logger_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] std::uint16_t admin_port() const {
    return admin_ ? admin_->port() : std::uint16_t{0};
  }

 private:
  [[nodiscard]] std::string Title() const { return "connector-" + options_.program; }

  admin::AdminOptions AdminParts() {
    component_metrics_ = std::make_shared<ComponentMetrics>(components_);
    admin::AdminOptions options;
    options.address = options_.admin_address;
    options.readiness = [this] { return Readiness(); };
    options.collectables = {registry_, process_metrics_, component_metrics_};
    options.status_json = [this] { return admin::ToJson(Status()); };
    options.title = Title();
    return options;
  }

  [[nodiscard]] admin::Readiness Readiness() const {
    admin::Readiness readiness;
    for (const Component* component : components_) {
      component->AddReadiness(readiness);
    }
    return readiness;
  }

  [[nodiscard]] admin::StatusReport Status() const {
    admin::Readiness readiness = Readiness();
    admin::StatusReport status;
    status.program = Title();
    status.version = kVersion;
    status.started_at = started_at_;
    status.reasons = std::move(readiness.reasons);
    status.degraded = std::move(readiness.degraded);
    for (const Component* component : components_) {
      component->AddStatus(status);
    }
    return status;
  }

  const RuntimeOptions options_;
  log::Logger& logger_;
  const SystemClock clock_;
  const WallTime started_at_;
  const std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  const std::shared_ptr<metrics::ProcessMetrics> process_metrics_;
  std::shared_ptr<ComponentMetrics> component_metrics_;
  asio::io_context io_;
  const asio::executor_work_guard<Executor> work_{io_.get_executor()};
  std::vector<Component*> components_;  // Does not change once the admin port is open.
  std::size_t started_ = 0;             // Of components_: how many Stop has to stop.
  std::unique_ptr<admin::AdminServer> admin_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_ = false;
};

Runtime::Runtime(RuntimeOptions options, log::Logger& logger)
    : impl_(std::make_unique<Impl>(std::move(options), logger)) {}

Runtime::~Runtime() {
  Stop();
}

Result<Done> Runtime::Start(std::vector<Component*> components) {
  return impl_->Start(std::move(components));
}

void Runtime::Stop() {
  impl_->Stop();
}

bool Runtime::stopping() const {
  return impl_->stopping();
}

asio::io_context& Runtime::io() {
  return impl_->io();
}

Executor Runtime::executor() {
  return impl_->io().get_executor();
}

prometheus::Registry& Runtime::registry() {
  return impl_->registry();
}

log::Logger& Runtime::logger() {
  return impl_->logger();
}

const Clock& Runtime::clock() const {
  return impl_->clock();
}

std::uint16_t Runtime::admin_port() const {
  return impl_->admin_port();
}

}  // namespace connector::program
