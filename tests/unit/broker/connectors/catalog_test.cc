#include "broker/connectors/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace connector::broker::connectors {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

resource::Connector Harbor(const std::string& name = "harbor") {
  resource::Connector out;
  out.ref = {"default", name};
  out.address = {true, "harbor.example.com", 443};
  return out;
}

std::shared_ptr<const CatalogEntry> Make(const resource::Connector& connector,
                                         const std::string& ca = "ca",
                                         const std::string& version = "v1") {
  return MakeCatalogEntry(
      std::make_shared<const resource::Connector>(connector), resource::CaBundle(ca), version, "");
}

TEST(MakeCatalogEntry, GivesEqualDigestsForEqualInputs) {
  EXPECT_EQ(Make(Harbor())->mint_key, Make(Harbor())->mint_key);
  EXPECT_EQ(Make(Harbor())->epoch, Make(Harbor())->epoch);
  EXPECT_THAT(Make(Harbor())->epoch, MatchesRegex("[0-9a-f]{64}"));
  EXPECT_NE(Make(Harbor())->epoch, Make(Harbor())->mint_key);
}

TEST(MakeCatalogEntry, ChangesBothDigestsWithWhatAMintedTokenDependsOn) {
  const auto before = Make(Harbor());
  resource::Connector moved = Harbor();
  moved.address.port = 8443;
  for (const auto& after :
       {Make(moved), Make(Harbor(), "ca2"), Make(Harbor(), "ca", "v2"), Make(Harbor("other"))}) {
    EXPECT_NE(after->mint_key, before->mint_key);
    EXPECT_NE(after->epoch, before->epoch);
  }
}

TEST(MakeCatalogEntry, KeepsMintedTokensWhenOnlyPolicyChanges) {
  const auto before = Make(Harbor());
  resource::Connector open = Harbor();
  open.access = {{{resource::NamespaceMatch{"a"}}, {"**"}, {oci::Action::kPull}}};

  const auto after = Make(open);

  EXPECT_EQ(after->mint_key, before->mint_key);
  EXPECT_NE(after->epoch, before->epoch);
}

TEST(MakeCatalogEntry, ChangesTheEpochWithTheUpstreamPolicy) {
  const auto under = [](const routing::UpstreamPolicy& policy) {
    return MakeCatalogEntry(
        std::make_shared<const resource::Connector>(Harbor()), {}, "v1", "", policy);
  };
  const auto before = under({.unlisted = routing::Unlisted::kPublic});
  const auto after = under({.unlisted = routing::Unlisted::kPublic,
                            .rules = {{.namespaces = {"*"}, .hosts = {"harbor.internal"}}}});

  EXPECT_NE(after->epoch, before->epoch);
  EXPECT_NE(under({})->epoch, before->epoch);
  EXPECT_EQ(after->policy->rules.size(), 1U);
}

TEST(MakeCatalogEntry, DoesNotMixUpVersionAndCa) {
  EXPECT_NE(Make(Harbor(), "a", "bc")->mint_key, Make(Harbor(), "ab", "c")->mint_key);
  EXPECT_NE(Make(Harbor(), "a", "")->mint_key, Make(Harbor(), "", "a")->mint_key);
}

std::shared_ptr<const CatalogSnapshot> SnapshotOf(
    const std::vector<resource::Connector>& connectors) {
  auto out = std::make_shared<CatalogSnapshot>();
  for (const resource::Connector& connector : connectors) {
    out->entries.emplace(connector.ref, Make(connector));
  }
  return out;
}

TEST(CatalogSnapshot, FindsByName) {
  const auto snapshot = SnapshotOf({Harbor()});
  ASSERT_NE(snapshot->Find({"default", "harbor"}), nullptr);
  EXPECT_EQ(snapshot->Find({"default", "harbor"})->connector->ref.name, "harbor");
  EXPECT_EQ(snapshot->Find({"other", "harbor"}), nullptr);
}

std::vector<std::string> NamesByMirrorHost(const CatalogSnapshot& snapshot, std::string_view host) {
  std::vector<std::string> out;
  for (const auto& entry : snapshot.FindByMirrorHost(host)) {
    out.push_back(entry->connector->ref.name);
  }
  return out;
}

TEST(CatalogSnapshot, FindsEveryConnectorOfAMirrorHostInOrder) {
  resource::Connector other = Harbor("other");
  other.address.port = 8443;
  const auto snapshot = SnapshotOf({Harbor("b"), Harbor("a"), other});

  EXPECT_THAT(NamesByMirrorHost(*snapshot, "harbor.example.com"), ElementsAre("a", "b"));
  EXPECT_THAT(NamesByMirrorHost(*snapshot, "Harbor.Example.com:443"), ElementsAre("a", "b"));
  EXPECT_THAT(NamesByMirrorHost(*snapshot, "harbor.example.com:8443"), ElementsAre("other"));
  EXPECT_THAT(NamesByMirrorHost(*snapshot, "example.com"), IsEmpty());
  EXPECT_THAT(NamesByMirrorHost(*snapshot, ""), IsEmpty());
}

TEST(Catalog, StartsEmpty) {
  Catalog catalog;
  EXPECT_THAT(catalog.Current()->entries, IsEmpty());
}

TEST(Catalog, TellsAListenerTheCurrentSnapshotThenEveryChange) {
  Catalog catalog;
  const auto first = SnapshotOf({Harbor()});
  const auto second = SnapshotOf({});
  catalog.Replace(first);
  std::vector<std::shared_ptr<const CatalogSnapshot>> seen;

  const std::uint64_t id = catalog.Subscribe(
      [&](const std::shared_ptr<const CatalogSnapshot>& snapshot) { seen.push_back(snapshot); });
  catalog.Replace(second);

  EXPECT_THAT(seen, ElementsAre(first, second));
  EXPECT_EQ(catalog.Current(), second);
  catalog.Unsubscribe(id);
}

TEST(Catalog, TellsNothingAfterUnsubscribe) {
  Catalog catalog;
  int gone = 0;
  int stays = 0;
  const std::uint64_t id = catalog.Subscribe([&](const auto&) { ++gone; });
  static_cast<void>(catalog.Subscribe([&](const auto&) { ++stays; }));
  catalog.Unsubscribe(id);

  catalog.Replace(SnapshotOf({}));

  EXPECT_EQ(gone, 1);
  EXPECT_EQ(stays, 2);
}

TEST(Catalog, ShowsAListenerTheSnapshotThatItIsTold) {
  Catalog catalog;
  const auto next = SnapshotOf({Harbor()});
  bool same = true;
  static_cast<void>(catalog.Subscribe([&](const std::shared_ptr<const CatalogSnapshot>& told) {
    same = same && catalog.Current() == told;
  }));

  catalog.Replace(next);

  EXPECT_TRUE(same);
}

}  // namespace
}  // namespace connector::broker::connectors
