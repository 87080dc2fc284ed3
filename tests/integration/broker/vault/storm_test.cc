#include "tests/support/cpp/vault_proxy.h"
#include "tests/support/cpp/vault_store_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace connector::broker::secrets {
namespace {

using testing_support::HttpAnswer;
using testing_support::RefTo;
using testing_support::ScratchDir;
using testing_support::VaultProxy;
using testing_support::VaultServer;
using testing_support::VaultStoreWorld;

TEST(VaultStorm, AsksAnAilingVaultRarelyAndNoMoreThanTwiceAsOftenAfterwards) {
  constexpr int kRefs = 40;
  VaultServer& vault = VaultServer::Shared();
  VaultProxy proxy(vault.address().port);
  const ScratchDir dir;
  vault.Mount("storm", R"({"type":"kv","options":{"version":"2"}})");
  VaultOptions options = VaultStoreWorld::OptionsFor(dir, vault.root_token());
  options.addresses = {*http::ParseOrigin(proxy.address())};
  options.poll_interval = std::chrono::milliseconds(500);
  std::vector<SecretRef> refs;
  for (int i = 0; i < kRefs; ++i) {
    const std::string path = "storm/data/many/" + std::to_string(i);
    vault.Must("POST", path, R"({"data":{"username":"u","password":"p"}})");
    refs.push_back(RefTo(path));
  }
  VaultStoreWorld world(options);
  world.Follow(refs);
  const auto all_read = [&] {
    return std::all_of(refs.begin(), refs.end(), [&](const SecretRef& ref) {
      return world.store().Observed(ref).last_error.empty() &&
             !world.store().Observed(ref).version.empty();
    });
  };
  ASSERT_TRUE(VaultStoreWorld::Eventually(all_read));
  const auto asked_within = [&](std::chrono::milliseconds time) {
    const std::size_t before = proxy.server().requests().size();
    std::this_thread::sleep_for(time);
    return proxy.server().requests().size() - before;
  };
  const std::size_t usual = asked_within(std::chrono::seconds(2));

  HttpAnswer down;
  down.status = 503;
  proxy.BreakAll(down);
  const std::size_t while_down = asked_within(std::chrono::seconds(2));
  proxy.Heal();
  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return world.store().Status().reachable; },
                                          std::chrono::seconds(10)));
  const std::size_t afterwards = asked_within(std::chrono::seconds(2));

  RecordProperty("usual", static_cast<int>(usual));
  RecordProperty("while_down", static_cast<int>(while_down));
  RecordProperty("afterwards", static_cast<int>(afterwards));
  EXPECT_LE(while_down * 2, usual);
  EXPECT_LE(afterwards, 2 * usual);
  EXPECT_TRUE(VaultStoreWorld::Eventually(all_read, std::chrono::seconds(10)));
}

}  // namespace
}  // namespace connector::broker::secrets
