// The publisher in a cluster: Secrets and CA bundles are looked for in the Kubernetes API alone.

#include "broker/connectors/catalog_publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace connector::broker::connectors {
namespace {

using secrets::SecretNeed;
using secrets::SecretRef;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const ConnectorRef kTeamA{"team-a", "a"};

struct Spec {
  ConnectorRef ref;
  std::string secret;
  std::string ca;
  std::string vault_path;
  std::string host = "harbor.example.com";
};

std::shared_ptr<const EffectiveResources> InForceOf(const std::vector<Spec>& specs) {
  auto out = std::make_shared<EffectiveResources>();
  for (const Spec& spec : specs) {
    auto connector = std::make_shared<resource::Connector>();
    connector->ref = spec.ref;
    connector->address = {true, spec.host, 443};
    connector->auth.kind = resource::AuthKind::kTokenAuth;
    if (!spec.secret.empty()) {
      connector->auth.secret_name = spec.secret;
    }
    if (!spec.vault_path.empty()) {
      connector->auth.vault = resource::VaultLocation{"", spec.vault_path};
    }
    if (!spec.ca.empty()) {
      connector->ca_secret_name = spec.ca;
    }
    out->connectors.emplace(spec.ref, resource::LoadedConnector{connector, "a.yaml"});
  }
  return out;
}

class ClusterPublisherTest : public ::testing::Test {
 protected:
  CredentialViews Views() {
    CredentialViews views;
    views.cluster = {[this](std::vector<SecretNeed> needs) { followed_ = std::move(needs); },
                     [this](const SecretRef& ref, const resource::CredentialWanted& wanted) {
                       return credentials_[ref.ns + "/" + ref.name + " for " + wanted.registry];
                     },
                     [this](const SecretRef& ref) { return cas_[ref.ns + "/" + ref.name]; }};
    views.vault.observe = [](const SecretRef&, const resource::CredentialWanted&) {
      return secrets::CredentialState{"of vault", {}};
    };
    return views;
  }
  [[nodiscard]] const CatalogEntry& Published(const ConnectorRef& ref) const {
    return *catalog_.Current()->Find(ref);
  }

  prometheus::Registry registry_;
  secrets::FileSecretStore secrets_{"0123456789abcdef0123456789abcdef"};
  Catalog catalog_;
  std::map<std::string, secrets::CredentialState> credentials_;
  std::map<std::string, secrets::CaState> cas_;
  std::vector<SecretNeed> followed_;
  CatalogPublisher publisher_{{secrets_, catalog_, registry_}, Views()};
};

TEST_F(ClusterPublisherTest, FollowsEachSecretOnceForAllThatNeedIt) {
  static_cast<void>(publisher_.Publish(InForceOf({{{"team-a", "a"}, "robot", "bundle", ""},
                                                  {{"team-a", "b"}, "robot", "robot", "", "other"},
                                                  {{"team-b", "c"}, "robot", "", ""}})));

  EXPECT_THAT(
      followed_,
      ElementsAre(SecretNeed{{"team-a", "bundle"}, {}, true},
                  SecretNeed{{"team-a", "robot"}, {{"harbor.example.com"}, {"other"}}, true},
                  SecretNeed{{"team-b", "robot"}, {{"harbor.example.com"}}, false}));
}

TEST_F(ClusterPublisherTest, FollowsAnewWhatIsNeededForAnotherRegistry) {
  static_cast<void>(publisher_.Publish(InForceOf({{kTeamA, "robot", "", "", "one"}})));
  static_cast<void>(publisher_.Publish(InForceOf({{kTeamA, "robot", "", "", "two"}})));

  EXPECT_THAT(followed_, ElementsAre(SecretNeed{{"team-a", "robot"}, {{"two"}}, false}));
}

TEST_F(ClusterPublisherTest, FollowsNothingForACredentialInVault) {
  static_cast<void>(publisher_.Publish(InForceOf({{kTeamA, "", "", "secret/data/a"}})));

  EXPECT_THAT(followed_, IsEmpty());
  EXPECT_EQ(Published(kTeamA).secret_version, "of vault");
}

TEST_F(ClusterPublisherTest, JoinsVersionAndCa) {
  credentials_["team-a/robot for harbor.example.com"] = {"v1"};
  cas_["team-a/bundle"] = {resource::CaBundle("PEM")};

  static_cast<void>(publisher_.Publish(InForceOf({{kTeamA, "robot", "bundle", ""}})));

  EXPECT_EQ(Published(kTeamA).secret_version + "|" + Published(kTeamA).ca.pem() + "|" +
                Published(kTeamA).problem,
            "v1|PEM|");
}

TEST_F(ClusterPublisherTest, TakesACaOfTheClusterForACredentialInVault) {
  cas_["team-a/bundle"] = {resource::CaBundle("PEM")};

  static_cast<void>(publisher_.Publish(InForceOf({{kTeamA, "", "bundle", "secret/data/a"}})));

  EXPECT_EQ(Published(kTeamA).ca.pem(), "PEM");
}

TEST_F(ClusterPublisherTest, ChangesTheEpochWithTheCa) {
  cas_["team-a/bundle"] = {resource::CaBundle("PEM")};
  static_cast<void>(publisher_.Publish(InForceOf({{kTeamA, "robot", "bundle", ""}})));
  const std::string before = Published(kTeamA).epoch;

  cas_["team-a/bundle"] = {resource::CaBundle("another PEM")};
  publisher_.Refresh();

  EXPECT_NE(Published(kTeamA).epoch, before);
}

TEST_F(ClusterPublisherTest, SaysAllThatIsMissing) {
  credentials_["team-a/robot for harbor.example.com"] = {"v1", "there is no Secret"};
  cas_["team-a/bundle"] = {{}, "there is no bundle"};

  static_cast<void>(publisher_.Publish(InForceOf({{kTeamA, "robot", "bundle", ""}})));

  EXPECT_EQ(Published(kTeamA).problem, "there is no Secret; there is no bundle");
  EXPECT_EQ(Published(kTeamA).secret_version, "");
}

TEST_F(ClusterPublisherTest, WaitsForCasAsForCredentials) {
  cas_["team-a/bundle"] = {{}, "not read yet", false};
  static_cast<void>(publisher_.Publish(InForceOf({{kTeamA, "robot", "bundle", ""}})));
  EXPECT_FALSE(publisher_.WaitForCredentials(std::chrono::milliseconds(1)));

  cas_["team-a/bundle"] = {resource::CaBundle("PEM")};
  publisher_.Refresh();

  EXPECT_TRUE(publisher_.WaitForCredentials(std::chrono::milliseconds(0)));
}

TEST_F(ClusterPublisherTest, LooksForNoSecretInTheDirectory) {
  auto effective = std::make_shared<EffectiveResources>(*InForceOf({{kTeamA, "robot", "", ""}}));
  auto secret = std::make_shared<resource::SecretResource>();
  secret->name = {"team-a", "robot"};
  secret->data.emplace("username", Secret("u"));
  secret->data.emplace("password", Secret("p"));
  effective->secrets.emplace(secret->name, resource::LoadedSecret{secret, "s.yaml"});

  static_cast<void>(publisher_.Publish(effective));

  EXPECT_EQ(Published(kTeamA).secret_version, "");
}

}  // namespace
}  // namespace connector::broker::connectors
