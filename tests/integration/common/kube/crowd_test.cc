#include "common/async/cancel.h"
#include "common/async/task_group.h"
#include "tests/integration/common/kube/kube_world.h"
#include "tests/support/cpp/eventually.h"
#include "tests/support/cpp/tcp_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

namespace connector::kube {
namespace {

using testing_support::Eventually;

// KUBE_WATCHES=5000 measures what as many cost.
int Watches() {
  const char* wanted = std::getenv("KUBE_WATCHES");
  return wanted == nullptr ? 300 : std::atoi(wanted);
}

std::size_t ResidentKib() {
  std::ifstream status("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  status >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

struct Count {
  std::atomic<int> opened{0};
  std::atomic<int> seen{0};
};

Task<void> WatchOne(ApiClient* client,
                    Selector selector,
                    std::string version,
                    std::shared_ptr<Count> count,
                    std::shared_ptr<Cancel> cancel) {
  std::function<void(WatchEvent)> on_event = [count](WatchEvent event) {
    count->opened += event.kind == WatchEventKind::kOpened ? 1 : 0;
    count->seen += event.kind == WatchEventKind::kModified ? 1 : 0;
  };
  co_await client->Watch(kConfigMaps,
                         std::move(selector),
                         std::move(version),
                         std::move(on_event),
                         std::chrono::minutes(5),
                         SoonEnough() + std::chrono::minutes(5),
                         cancel);
}

TEST(KubeCrowd, ManyWatchesOfSingleObjectsShareFewConnections) {
  KubeWorld world;
  testing_support::TcpGate gate(KubeWorld::server().port());
  kube::ClusterConnection settings = KubeWorld::server().Settings();
  settings.server.port = gate.port();
  ApiClient client(std::move(settings), KubeWorld::Parts());
  const ObjectPtr made = world.Make("one");
  const int watches = Watches();
  const auto count = std::make_shared<Count>();
  const auto cancel = std::make_shared<Cancel>();
  asio::io_context io;
  auto work = asio::make_work_guard(io);
  std::thread thread([&io] { io.run(); });
  TaskGroup tasks(io.get_executor());
  const std::size_t before = ResidentKib();
  const auto started = std::chrono::steady_clock::now();

  const Selector selector{world.ns(), "", "metadata.name=one"};
  for (int i = 0; i < watches; ++i) {
    tasks.Spawn(WatchOne(&client, selector, made->resource_version(), count, cancel));
  }
  EXPECT_TRUE(Eventually([&] { return count->opened == watches; }, std::chrono::seconds(60)));
  const auto took = std::chrono::steady_clock::now() - started;
  world.Change("one", "2");
  EXPECT_TRUE(Eventually([&] { return count->seen == watches; }, std::chrono::seconds(60)));
  const std::size_t each = (ResidentKib() - before) * 1024 / static_cast<std::size_t>(watches);
  std::cout << watches << " watches: " << gate.connections() << " connections, open after "
            << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms, "
            << each << " bytes each\n";

  cancel->Request();
  EXPECT_TRUE(testing_support::RunTask(tasks.Close(SoonEnough())));
  work.reset();
  thread.join();
  EXPECT_LE(gate.connections(), static_cast<std::size_t>(watches) / 50 + 2);
}

}  // namespace
}  // namespace connector::kube
