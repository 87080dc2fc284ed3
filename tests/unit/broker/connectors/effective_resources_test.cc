#include "broker/connectors/effective_resources.h"

#include "tests/support/cpp/ca_pem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::connectors {
namespace {

using resource::DirectoryContent;
using resource::Kind;
using ::testing::HasSubstr;
using testing_support::MakeCaPem;

const ConnectorRef kHarbor{"default", "harbor"};
const resource::SecretName kSecret{"default", "robot"};

DirectoryContent OneOfEach(std::uint32_t generation) {
  auto connector = std::make_shared<resource::Connector>();
  connector->ref = kHarbor;
  connector->address = {true, "harbor.example.com", 443};
  connector->auth.kind = resource::AuthKind::kTokenAuth;
  connector->auth.secret_name = "robot";
  connector->upstream.limits.max_concurrent_requests = generation;
  auto secret = std::make_shared<resource::SecretResource>();
  secret->name = kSecret;
  secret->type = "Opaque";
  secret->data.emplace("username", Secret("u"));
  secret->data.emplace("password", Secret(std::to_string(generation)));
  DirectoryContent out;
  out.connectors.emplace(kHarbor, resource::LoadedConnector{connector, "a.yaml"});
  out.secrets.emplace(kSecret, resource::LoadedSecret{secret, "s.yaml"});
  return out;
}

// "connector generation/secret generation", "-" for what is not in force.
std::string Generations(const EffectiveResources& effective) {
  const auto connector = effective.connectors.find(kHarbor);
  const auto secret = effective.secrets.find(kSecret);
  return (connector == effective.connectors.end()
              ? "-"
              : std::to_string(
                    connector->second.connector->upstream.limits.max_concurrent_requests)) +
         "/" +
         (secret == effective.secrets.end()
              ? "-"
              : std::string(secret->second.secret->data.at("password").Reveal()));
}

TEST(MergeResources, TakesWhatIsGood) {
  EXPECT_EQ(Generations(MergeResources({}, OneOfEach(1))), "1/1");
  EXPECT_EQ(Generations(MergeResources(MergeResources({}, OneOfEach(1)), OneOfEach(2))), "2/2");
}

TEST(MergeResources, DropsWhatIsGone) {
  EXPECT_EQ(Generations(MergeResources(MergeResources({}, OneOfEach(1)), {})), "-/-");
}

TEST(MergeResources, KeepsTheLastGoodVersionOfABrokenResourceOnly) {
  DirectoryContent broken;
  broken.broken.insert({Kind::kConnector, "default", "harbor"});
  EXPECT_EQ(Generations(MergeResources(MergeResources({}, OneOfEach(1)), broken)), "1/-");

  broken.broken = {{Kind::kSecret, "default", "robot"}};
  EXPECT_EQ(Generations(MergeResources(MergeResources({}, OneOfEach(1)), broken)), "-/1");

  broken.broken = {{Kind::kSecret, "other", "robot"}, {Kind::kConnectorClass, "", "harbor"}};
  EXPECT_EQ(Generations(MergeResources(MergeResources({}, OneOfEach(1)), broken)), "-/-");
}

TEST(MergeResources, KeepsWhatCameFromAFileOfWhichAPartCannotBeIdentified) {
  DirectoryContent broken;
  broken.unreadable_files = {"a.yaml"};
  EXPECT_EQ(Generations(MergeResources(MergeResources({}, OneOfEach(1)), broken)), "1/-");

  broken = OneOfEach(2);
  broken.unreadable_files = {"a.yaml", "s.yaml"};
  EXPECT_EQ(Generations(MergeResources(MergeResources({}, OneOfEach(1)), broken)), "2/2")
      << "what the file still says in good order is taken";
}

TEST(MergeResources, KeepsThroughSeveralBrokenLoads) {
  DirectoryContent broken;
  broken.unreadable_files = {"a.yaml", "s.yaml"};
  EXPECT_EQ(
      Generations(MergeResources(MergeResources(MergeResources({}, OneOfEach(1)), broken), broken)),
      "1/1");
}

DirectoryContent OneOfAClass(const std::string& file, const resource::SharedClassPolicy& policy) {
  DirectoryContent out = OneOfEach(1);
  resource::Connector connector = *out.connectors.at(kHarbor).connector;
  connector.class_name = "oci";
  connector.class_policy = policy;
  out.connectors.at(kHarbor).connector = std::make_shared<resource::Connector>(connector);
  resource::ConnectorClass of_it;
  of_it.name = "oci";
  of_it.policy = policy;
  out.classes.emplace("oci", resource::LoadedClass{of_it, file});
  return out;
}

const resource::SharedClassPolicy kNarrow{std::make_shared<routing::ClassPolicy>()};

resource::SharedClassPolicy PolicyOf(const EffectiveResources& effective) {
  return effective.connectors.at(kHarbor).connector->class_policy;
}

TEST(MergeResources, NarrowsAVersionThatIsKeptByTheClassOfToday) {
  const EffectiveResources before = MergeResources({}, OneOfAClass("class.yaml", {}));
  EXPECT_EQ(PolicyOf(before).value, nullptr);

  DirectoryContent broken = OneOfAClass("class.yaml", kNarrow);
  broken.connectors.clear();
  broken.broken.insert({Kind::kConnector, "default", "harbor"});

  EXPECT_EQ(PolicyOf(MergeResources(before, broken)), kNarrow);
}

TEST(MergeResources, TakesWhatIsBuiltInForNoClassOfAFileThatCannotBeRead) {
  const EffectiveResources before = MergeResources({}, OneOfAClass("class.yaml", kNarrow));

  DirectoryContent built_in = OneOfAClass("", {});
  built_in.unreadable_files = {"class.yaml"};
  const EffectiveResources still = MergeResources(before, built_in);
  EXPECT_EQ(PolicyOf(still), kNarrow);
  EXPECT_EQ(PolicyOf(MergeResources(still, built_in)), kNarrow);

  built_in.unreadable_files = {"other.yaml"};
  EXPECT_EQ(PolicyOf(MergeResources(still, built_in)).value, nullptr) << "it is gone";
}

std::shared_ptr<const CatalogEntry> EntryOf(const EffectiveResources& effective) {
  return MakeSnapshot(
             effective,
             DirectoryLookup(
                 effective,
                 [](const secrets::SecretRef& ref, const auto&) {
                   return secrets::CredentialState{"version of " + ref.ns + "/" + ref.name, {}};
                 }))
      ->Find(kHarbor);
}

TEST(MakeSnapshot, GivesAnEntryTheVersionOfItsSecret) {
  const auto entry = EntryOf(MergeResources({}, OneOfEach(1)));
  EXPECT_EQ(entry->secret_version, "version of default/robot");
  EXPECT_EQ(entry->problem, "");
  EXPECT_EQ(entry->ca.pem(), "");
}

TEST(MakeSnapshot, SaysWhatAConnectorLacksAndChangesItsEpoch) {
  DirectoryContent without = OneOfEach(1);
  without.secrets.clear();

  const auto entry = EntryOf(MergeResources({}, without));

  EXPECT_THAT(entry->problem, HasSubstr("there is no Secret default/robot"));
  EXPECT_EQ(entry->secret_version, "");
  EXPECT_NE(entry->epoch, EntryOf(MergeResources({}, OneOfEach(1)))->epoch);
}

EffectiveResources WithCa(const std::string& pem) {
  EffectiveResources out = MergeResources({}, OneOfEach(1));
  auto connector = std::make_shared<resource::Connector>(*out.connectors.at(kHarbor).connector);
  connector->ca_secret_name = "ca";
  out.connectors.at(kHarbor).connector = connector;
  auto secret = std::make_shared<resource::SecretResource>();
  secret->data.emplace("ca.crt", Secret(pem));
  secret->ca = resource::ReadConnectorCaBundle(pem);
  out.secrets.emplace(resource::SecretName{"default", "ca"},
                      resource::LoadedSecret{secret, "c.yaml"});
  return out;
}

TEST(MakeSnapshot, GivesAnEntryThePolicyOfItsNamespace) {
  const EffectiveResources effective = MergeResources({}, OneOfEach(1));
  const routing::UpstreamPolicy policy{
      .unlisted = routing::Unlisted::kPublic,
      .rules = {{.namespaces = {kHarbor.ns}, .hosts = {"a.internal"}},
                {.namespaces = {"elsewhere"}, .hosts = {"b.internal"}}}};
  const auto entry = MakeSnapshot(effective,
                                  DirectoryLookup(effective,
                                                  [](const auto&, const auto&) {
                                                    return secrets::CredentialState{"v1", {}};
                                                  }),
                                  {},
                                  policy)
                         ->Find(kHarbor);

  EXPECT_EQ(*entry->policy, routing::PolicyFor(policy, kHarbor.ns));
}

TEST(MakeSnapshot, NarrowsThePolicyByThatOfTheClass) {
  EffectiveResources effective = MergeResources({}, OneOfEach(1));
  const auto epoch = EntryOf(effective)->epoch;
  auto connector =
      std::make_shared<resource::Connector>(*effective.connectors.at(kHarbor).connector);
  connector->class_policy.value = std::make_shared<routing::ClassPolicy>(
      routing::ClassPolicy{.rules = {{.namespaces = {kHarbor.ns}, .hosts = {"a.internal"}},
                                     {.namespaces = {"elsewhere"}, .hosts = {"b.internal"}}}});
  effective.connectors.at(kHarbor).connector = connector;

  const auto entry = EntryOf(effective);

  ASSERT_TRUE(entry->policy->narrowed_by.has_value());
  ASSERT_EQ(entry->policy->narrowed_by->rules.size(), 1U);
  EXPECT_EQ(entry->policy->narrowed_by->rules[0].hosts, std::vector<std::string>{"a.internal"});
  EXPECT_NE(entry->epoch, epoch);
}

TEST(MakeSnapshot, TakesTheCaBundle) {
  const std::string pem = MakeCaPem();
  EXPECT_EQ(EntryOf(WithCa(pem))->ca.pem(), pem);
}

TEST(MakeSnapshot, TakesNoCaThatDoesNotParse) {
  const auto entry = EntryOf(WithCa("nonsense"));
  EXPECT_EQ(entry->ca.pem(), "");
  EXPECT_THAT(entry->problem, HasSubstr("ca.crt"));
  EXPECT_EQ(entry->secret_version, "version of default/robot") << "which is not to blame";
}

EffectiveResources InVault() {
  EffectiveResources out = MergeResources({}, OneOfEach(1));
  auto connector = std::make_shared<resource::Connector>(*out.connectors.at(kHarbor).connector);
  connector->auth.secret_name.reset();
  connector->auth.vault = {"", "secret/data/ci/harbor"};
  out.connectors.at(kHarbor).connector = connector;
  return out;
}

std::shared_ptr<const CatalogEntry> EntryInVault(const secrets::CredentialState& state) {
  const EffectiveResources in_vault = InVault();
  const auto state_of = [&](const secrets::SecretRef& ref, const auto&) {
    return ref.vault && ref.vault->path == "secret/data/ci/harbor" ? state
                                                                   : secrets::CredentialState{};
  };
  return MakeSnapshot(in_vault, DirectoryLookup(in_vault, state_of))->Find(kHarbor);
}

TEST(MakeSnapshot, GivesAnEntryTheVersionThatVaultTold) {
  const auto entry = EntryInVault({"v1", {}});
  EXPECT_EQ(entry->secret_version, "v1");
  EXPECT_EQ(entry->problem, "");
}

TEST(MakeSnapshot, TakesNoVersionOfACredentialThatCannotBeUsed) {
  const auto entry = EntryInVault({"v1", "it was deleted"});
  EXPECT_EQ(entry->secret_version, "");
  EXPECT_EQ(entry->problem, "it was deleted");
  EXPECT_NE(entry->epoch, EntryInVault({"v1", {}})->epoch);
}

TEST(MakeSnapshot, TakesFromThePreviousOneWhatIsStillSo) {
  const EffectiveResources effective = WithCa(MakeCaPem());
  ConnectorCredentials found{{"v1"}, {resource::CaBundle("pem")}};
  const CredentialLookup lookup = [&](const auto&) { return found; };
  const auto first = MakeSnapshot(effective, lookup);

  EXPECT_EQ(MakeSnapshot(effective, lookup, *first)->Find(kHarbor), first->Find(kHarbor));
  for (const ConnectorCredentials& other :
       {ConnectorCredentials{{"v2"}, {resource::CaBundle("pem")}},
        ConnectorCredentials{{"v1"}, {resource::CaBundle("another")}},
        ConnectorCredentials{{"v1"}, {resource::CaBundle("pem"), "it has expired"}}}) {
    found = other;
    EXPECT_NE(MakeSnapshot(effective, lookup, *first)->Find(kHarbor), first->Find(kHarbor));
  }
}

TEST(MakeSnapshot, TakesNoEntryOfAConnectorThatHasChanged) {
  const CredentialLookup lookup = [](const auto&) { return ConnectorCredentials{}; };
  const auto first = MakeSnapshot(MergeResources({}, OneOfEach(1)), lookup);

  EXPECT_NE(MakeSnapshot(MergeResources({}, OneOfEach(2)), lookup, *first)->Find(kHarbor)->epoch,
            first->Find(kHarbor)->epoch);
}

TEST(SameEntries, ComparesEpochsProblemsAndNames) {
  const auto snapshot = [](std::uint32_t generation, bool secret) {
    DirectoryContent content = OneOfEach(generation);
    if (!secret) {
      content.secrets.clear();
    }
    const EffectiveResources effective = MergeResources({}, content);
    return MakeSnapshot(effective, DirectoryLookup(effective, [](const auto&, const auto&) {
                          return secrets::CredentialState{};
                        }));
  };
  EXPECT_TRUE(SameEntries(*snapshot(1, true), *snapshot(1, true)));
  EXPECT_FALSE(SameEntries(*snapshot(1, true), *snapshot(2, true)));
  EXPECT_FALSE(SameEntries(*snapshot(1, true), *snapshot(1, false))) << "the problem differs";
  EXPECT_FALSE(SameEntries(*snapshot(1, true), CatalogSnapshot{}));
  EXPECT_FALSE(SameEntries(CatalogSnapshot{}, *snapshot(1, true)));
}

}  // namespace
}  // namespace connector::broker::connectors
