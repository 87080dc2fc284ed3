#include "broker/secrets/file/file_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::secrets {
namespace {

constexpr std::string_view kVersionKey = "0123456789abcdef0123456789abcdef";

std::shared_ptr<const resource::SecretResource> Password(std::string_view password) {
  auto secret = std::make_shared<resource::SecretResource>();
  secret->type = "Opaque";
  secret->data.emplace("password", Secret(password));
  return secret;
}

std::string VersionUnder(std::string_view version_key) {
  FileSecretStore store(version_key);
  store.Update({{{"ns", "s"}, Password("p")}});
  return store.Read({"ns", "s"})->version;
}

TEST(FileSecretStore, KeysItsVersions) {
  EXPECT_EQ(VersionUnder(kVersionKey), VersionUnder(kVersionKey));
  EXPECT_NE(VersionUnder(kVersionKey), VersionUnder("another key of thirty-two bytes.."))
      << "else a guessed password could be checked against a version";
}

TEST(FileSecretStore, TellsNothingWhenAnUpdateChangesNothing) {
  FileSecretStore store(kVersionKey);
  const SecretRef ref{"ns", "s"};
  std::vector<SecretRef> seen;
  store.Update({{ref, Password("p")}});
  store.Follow({ref}, [&](const SecretRef& changed) { seen.push_back(changed); });

  store.Update({{ref, Password("p")}});
  EXPECT_TRUE(seen.empty());

  store.Update({{ref, Password("q")}});
  EXPECT_EQ(seen, std::vector<SecretRef>{ref});
}

TEST(FileSecretStore, LetsItsFollowerReadTheNewSecret) {
  FileSecretStore store(kVersionKey);
  const SecretRef ref{"ns", "s"};
  std::string read;
  store.Follow({ref}, [&](const SecretRef& changed) {
    read = std::string(store.Read(changed)->data.at("password").Reveal());
  });

  store.Update({{ref, Password("p")}});

  EXPECT_EQ(read, "p");
}

}  // namespace
}  // namespace connector::broker::secrets
