#include "broker/secrets/routing_secret_store.h"

#include "tests/support/cpp/fake_secret_store.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using testing_support::FakeSecretStore;
using testing_support::HasErrorMessage;
using testing_support::RunTask;

const SecretRef kFile{"ns", "s"};

SecretRef InVault() {
  SecretRef ref{"ns", ""};
  ref.vault.emplace();
  ref.vault->path = "kv/data/x";
  return ref;
}

TEST(RoutingSecretStore, SendsEachReferenceToItsStore) {
  FakeSecretStore files;
  FakeSecretStore vault;
  RoutingSecretStore either(files, &vault);
  files.Put(kFile, {{"password", "f"}}, "1");
  vault.Put(InVault(), {{"password", "v"}}, "1");

  EXPECT_EQ(RunTask(either.Fetch(kFile, Deadline::max()))->data.at("password").Reveal(), "f");
  EXPECT_EQ(RunTask(either.Fetch(InVault(), Deadline::max()))->data.at("password").Reveal(), "v");
  EXPECT_EQ(files.fetches(), 1);
  EXPECT_EQ(vault.fetches(), 1);
}

TEST(RoutingSecretStore, FollowsInBoth) {
  FakeSecretStore files;
  FakeSecretStore vault;
  RoutingSecretStore either(files, &vault);
  std::vector<SecretRef> seen;
  either.Follow({InVault(), kFile}, [&](const SecretRef& ref) { seen.push_back(ref); });

  files.Put(kFile, {{"password", "f"}}, "1");
  vault.Put(InVault(), {{"password", "v"}}, "1");

  EXPECT_EQ(seen, (std::vector<SecretRef>{kFile, InVault()}));
}

TEST(RoutingSecretStore, SaysThatThereIsNoVault) {
  FakeSecretStore files;
  RoutingSecretStore either(files, nullptr);

  EXPECT_THAT(RunTask(either.Fetch(InVault(), Deadline::max())),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              "kv/data/x in Vault cannot be read: the broker has no vault "
                              "configured"));
  EXPECT_FALSE(either.Discard(InVault()));
}

}  // namespace
}  // namespace connector::broker::secrets
