#include "broker/connectors/catalog_publisher.h"

#include "common/base/keyed_version.h"
#include "tests/support/cpp/root_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace connector::broker::connectors {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ConnectorRef kA{"default", "a"};
const ConnectorRef kB{"default", "b"};
const secrets::SecretRef kSecretOfA{"default", {}, resource::VaultLocation{"", "secret/data/a"}};
const secrets::SecretRef kSecretOfB{"default", {}, resource::VaultLocation{"", "secret/data/b"}};

void Add(EffectiveResources& effective, const ConnectorRef& ref, const secrets::SecretRef& secret) {
  auto connector = std::make_shared<resource::Connector>();
  connector->ref = ref;
  connector->address = {true, "harbor.example.com", 443};
  connector->auth.kind = resource::AuthKind::kTokenAuth;
  connector->auth.vault = secret.vault;
  effective.connectors.emplace(ref, resource::LoadedConnector{connector, "a.yaml"});
}

std::shared_ptr<const EffectiveResources> BothInVault() {
  auto out = std::make_shared<EffectiveResources>();
  Add(*out, kA, kSecretOfA);
  Add(*out, kB, kSecretOfB);
  return out;
}

class PublisherTest : public ::testing::Test {
 protected:
  secrets::CredentialView View() {
    return {[this](const std::vector<secrets::SecretNeed>& needs) {
              ++follows_;
              followed_.clear();
              for (const secrets::SecretNeed& need : needs) {
                followed_.push_back(need.ref);
              }
            },
            [this](const secrets::SecretRef& ref, const resource::CredentialWanted&) {
              return vault_[ref];
            }};
  }
  std::string VersionOf(const ConnectorRef& ref) const {
    return catalog_.Current()->Find(ref)->secret_version;
  }

  prometheus::Registry registry_;
  secrets::FileSecretStore secrets_{"0123456789abcdef0123456789abcdef"};
  Catalog catalog_;
  std::map<secrets::SecretRef, secrets::CredentialState> vault_;
  std::vector<secrets::SecretRef> followed_;
  int follows_ = 0;
  CatalogPublisher publisher_{{secrets_, catalog_, registry_}, {View(), {}}};
};

TEST_F(PublisherTest, FollowsEachCredentialInVaultOnce) {
  auto effective = std::make_shared<EffectiveResources>(*BothInVault());
  Add(*effective, {"default", "c"}, kSecretOfA);

  EXPECT_TRUE(publisher_.Publish(effective));

  EXPECT_THAT(followed_, ElementsAre(kSecretOfA, kSecretOfB));
}

TEST_F(PublisherTest, FollowsNoLongerWhatNobodyRefersTo) {
  static_cast<void>(publisher_.Publish(BothInVault()));
  static_cast<void>(publisher_.Publish(std::make_shared<EffectiveResources>()));

  EXPECT_THAT(followed_, IsEmpty());
}

TEST_F(PublisherTest, LeavesTheWatchAloneWhenTheSameIsReferredTo) {
  static_cast<void>(publisher_.Publish(BothInVault()));
  static_cast<void>(publisher_.Publish(BothInVault()));

  EXPECT_EQ(follows_, 1);
}

TEST_F(PublisherTest, ChangesTheEpochOfTheConnectorWhoseCredentialChanged) {
  vault_[kSecretOfA] = {"v1"};
  vault_[kSecretOfB] = {"v1"};
  static_cast<void>(publisher_.Publish(BothInVault()));
  const std::string epoch_of_a = catalog_.Current()->Find(kA)->epoch;
  const std::string epoch_of_b = catalog_.Current()->Find(kB)->epoch;

  vault_[kSecretOfA] = {"v2"};
  publisher_.Refresh();

  EXPECT_EQ(VersionOf(kA), "v2");
  EXPECT_NE(catalog_.Current()->Find(kA)->epoch, epoch_of_a);
  EXPECT_EQ(catalog_.Current()->Find(kB)->epoch, epoch_of_b);
}

TEST_F(PublisherTest, PublishesTheEpochsOfOtherRootKeysAtOnce) {
  const auto use = [this](const char* root_keys) {
    publisher_.UseEpochKeys(
        std::make_shared<const EpochKeys>(testing_support::MakeRootKeys(root_keys), Secret("key")));
  };
  use("r");
  vault_[kSecretOfA] = {"v1"};
  static_cast<void>(publisher_.Publish(BothInVault()));
  const auto before = catalog_.Current()->Find(kA);

  use("sr");
  const auto after = catalog_.Current()->Find(kA);

  EXPECT_NE(after->epoch, before->epoch) << "or no data plane is told";
  EXPECT_TRUE(SameVersion(after->epoch, before->epoch)) << "or grants of before are thrown away";
  EXPECT_EQ(after->mint_key, before->mint_key) << "or every token is minted again";
}

TEST_F(PublisherTest, ShowsWhyACredentialCannotBeUsed) {
  vault_[kSecretOfA] = {"v1", "it was destroyed"};
  static_cast<void>(publisher_.Publish(BothInVault()));

  EXPECT_EQ(VersionOf(kA), "");
  EXPECT_EQ(catalog_.Current()->Find(kA)->problem, "it was destroyed");
  EXPECT_THAT(prometheus::TextSerializer().Serialize(registry_.Collect()),
              HasSubstr("connector_broker_resource_unusable_connectors 1"));
}

TEST_F(PublisherTest, PublishesNothingWhenNothingDiffers) {
  static_cast<void>(publisher_.Publish(BothInVault()));
  const auto before = catalog_.Current();

  publisher_.Refresh();
  EXPECT_FALSE(publisher_.Publish(BothInVault()));

  EXPECT_EQ(catalog_.Current(), before);
}

TEST_F(PublisherTest, SaysThatTheBrokerHasNoVault) {
  prometheus::Registry registry;
  CatalogPublisher publisher{{secrets_, catalog_, registry}};

  static_cast<void>(publisher.Publish(BothInVault()));

  EXPECT_THAT(catalog_.Current()->Find(kA)->problem, HasSubstr("configuration has no vault"));
}

TEST_F(PublisherTest, WaitsUntilEveryCredentialIsKnown) {
  vault_[kSecretOfA] = {"v1"};
  vault_[kSecretOfB] = {{}, "it was not read yet", false};
  static_cast<void>(publisher_.Publish(BothInVault()));
  EXPECT_FALSE(publisher_.WaitForCredentials(milliseconds(1)));

  std::thread reader([this] {
    vault_[kSecretOfB] = {"v1"};
    publisher_.Refresh();
  });
  EXPECT_TRUE(publisher_.WaitForCredentials(std::chrono::seconds(30)));
  reader.join();
}

TEST_F(PublisherTest, WaitsForNothingThatVaultHasRefused) {
  vault_[kSecretOfA] = {"v1"};
  vault_[kSecretOfB] = {{}, "permission denied", true};
  static_cast<void>(publisher_.Publish(BothInVault()));

  EXPECT_TRUE(publisher_.WaitForCredentials(milliseconds(0)));
}

}  // namespace
}  // namespace connector::broker::connectors
