#include "broker/connectors/epoch_keys.h"

#include "broker/connectors/catalog.h"
#include "common/base/keyed_version.h"
#include "tests/support/cpp/root_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

namespace connector::broker::connectors {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// A broker process: its own key for versions, and the root keys that it has.
struct BrokerProcess {
  std::string version_key;
  const char* root_keys;

  [[nodiscard]] std::shared_ptr<const CatalogEntry> Entry(const std::string& password) const {
    resource::Connector harbor;
    harbor.ref = {"default", "harbor"};
    harbor.address = {true, "harbor.example.com", 443};
    std::map<std::string, Secret> data;
    data.emplace("password", Secret(password));
    return MakeCatalogEntry(
        std::make_shared<const resource::Connector>(harbor),
        {},
        password.empty() ? "" : secrets::VersionDigest(version_key).Of("Opaque", data),
        "",
        {},
        std::make_shared<const EpochKeys>(testing_support::MakeRootKeys(root_keys),
                                          Secret(version_key)));
  }
};

TEST(Epochs, AreTheSameOnEveryBrokerWithTheSameRootKey) {
  const BrokerProcess one{"one", "r"};
  const BrokerProcess other{"other", "r"};

  EXPECT_EQ(one.Entry("p")->epoch, other.Entry("p")->epoch);
  EXPECT_FALSE(SameVersion(one.Entry("p")->epoch, other.Entry("q")->epoch));
}

TEST(Epochs, AgreeAtEachStepOfAReplacementWhileOneBrokerIsBehind) {
  const char* const steps[] = {"r", "rs", "sr", "s"};
  for (std::size_t step = 1; step < std::size(steps); ++step) {
    const BrokerProcess behind{"one", steps[step - 1]};
    const BrokerProcess ahead{"other", steps[step]};

    EXPECT_TRUE(SameVersion(behind.Entry("p")->epoch, ahead.Entry("p")->epoch)) << step;
    EXPECT_FALSE(SameVersion(behind.Entry("p")->epoch, ahead.Entry("q")->epoch)) << step;
  }
}

TEST(Epochs, ChangeWithTheRootKeyAndMintedTokensStay) {
  const BrokerProcess before{"one", "r"};
  const BrokerProcess after{"one", "s"};

  EXPECT_FALSE(SameVersion(before.Entry("p")->epoch, after.Entry("p")->epoch));
  EXPECT_EQ(before.Entry("p")->mint_key, after.Entry("p")->mint_key);
}

TEST(Epochs, OfAConnectorWithoutASecretDoNotChangeWithTheRootKey) {
  EXPECT_EQ((BrokerProcess{"one", "r"}.Entry("")->epoch),
            (BrokerProcess{"other", "sr"}.Entry("")->epoch));
}

TEST(EpochKeys, TellNothingOfTheSecret) {
  std::map<std::string, Secret> data;
  data.emplace("password", Secret("p"));
  const secrets::VersionDigest versions("one");
  const std::string version = versions.Of("Opaque", data);
  const EpochKeys keys(testing_support::MakeRootKeys("rs"), Secret("one"));

  EXPECT_THAT(keys.VersionsOf(version), SizeIs(2));
  EXPECT_NE(keys.VersionsOf(version)[0],
            EpochKeys(testing_support::MakeRootKeys("t"), Secret("one")).VersionsOf(version)[0])
      << "else a guessed password could be checked against an epoch";
  EXPECT_THAT(JoinVersions(keys.VersionsOf(version)), Not(HasSubstr(version)));
}

}  // namespace
}  // namespace connector::broker::connectors
