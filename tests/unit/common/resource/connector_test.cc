#include "common/resource/connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace connector::resource {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

Connector Harbor() {
  Connector out;
  out.ref = {"default", "harbor"};
  out.class_name = "oci";
  out.address = {true, "harbor.example.com", 443};
  out.auth = {.kind = AuthKind::kTokenAuth,
              .secret_name = "robot",
              .vault = {},
              .params = {{"repository", "a"}}};
  out.ca_secret_name = "ca";
  out.upstream.token_realm = http::Url{out.address, "/token", ""};
  out.upstream.redirects.hosts = {"a.example", "b.example"};
  out.access = {{{ServiceAccountMatch{"ci", "builder"},
                  NamespaceMatch{"team"},
                  OidcMatch{"https://i.example", {{"k", "v"}}}},
                 {"a/**"},
                 {oci::Action::kPull}}};
  return out;
}

using Change = std::function<void(Connector&)>;

const std::vector<Change>& MintChanges() {
  static const std::vector<Change> kChanges = {
      [](Connector& c) { c.ref.ns = "other"; },
      [](Connector& c) { c.ref.name = "other"; },
      [](Connector& c) { c.address.host = "other.example.com"; },
      [](Connector& c) { c.address.port = 8443; },
      [](Connector& c) { c.address.tls = false; },
      [](Connector& c) { c.auth.kind = AuthKind::kBasicAuth; },
      [](Connector& c) { c.auth.secret_name = "other"; },
      [](Connector& c) { c.auth.username_key = "other"; },
      [](Connector& c) { c.auth.password_key = "other"; },
      [](Connector& c) { c.auth.secret_name.reset(); },
      [](Connector& c) {
        c.auth.vault = {"", "secret/data/a"};
      },
      [](Connector& c) {
        c.auth.vault = {"other", "secret/data/a"};
      },
      [](Connector& c) {
        c.auth.vault = {"", "secret/data/b"};
      },
      [](Connector& c) {
        c.auth.vault = {"", "secret/data/a", "user"};
      },
      [](Connector& c) {
        c.auth.vault = {"", "secret/data/a", "username", "pass"};
      },
      [](Connector& c) {
        c.auth.vault = {"", "secret/data/a", "username", "password", "config"};
      },
      [](Connector& c) {
        c.auth.vault = {"", "secret/data/a", "username", "password", "", 1};
      },
      [](Connector& c) { c.auth.allow_static = true; },
      [](Connector& c) { c.auth.params["repository"] = "b"; },
      [](Connector& c) { c.ca_secret_name = "other"; },
      [](Connector& c) { c.ca_secret_name.reset(); },
      [](Connector& c) { c.upstream.token_realm->path = "/other"; },
      [](Connector& c) { c.upstream.token_realm.reset(); },
      [](Connector& c) { c.upstream.allow_insecure = true; },
      [](Connector& c) { c.class_policy.value = std::make_shared<routing::ClassPolicy>(); },
      [](Connector& c) {
        c.class_policy.value = std::make_shared<routing::ClassPolicy>(
            routing::ClassPolicy{.unlisted = routing::Unlisted::kPublic});
      }};
  return kChanges;
}

const std::vector<Change>& OtherChanges() {
  static const std::vector<Change> kChanges = {
      [](Connector& c) { c.class_name = "other"; },
      [](Connector& c) { c.upstream.redirects.mode = routing::RedirectMode::kPass; },
      [](Connector& c) { c.upstream.redirects.hosts = {"a.exampleb.example"}; },
      [](Connector& c) { c.upstream.limits.max_concurrent_requests = 1; },
      [](Connector& c) { c.upstream.limits.connect_timeout += std::chrono::milliseconds(1); },
      [](Connector& c) { c.upstream.limits.idle_timeout += std::chrono::milliseconds(1); },
      [](Connector& c) { c.access.clear(); },
      [](Connector& c) { c.access.push_back(c.access[0]); },
      [](Connector& c) {
        c.access[0].from[0] = ServiceAccountMatch{"ci", "other"};
      },
      [](Connector& c) {
        c.access[0].from[0] = ServiceAccountMatch{"other", "builder"};
      },
      [](Connector& c) { c.access[0].from[1] = NamespaceMatch{"other"}; },
      [](Connector& c) {
        c.access[0].from[0] = ServiceAccountMatch{"ci", "builder", "https://k.example"};
      },
      [](Connector& c) {
        c.access[0].from[1] = NamespaceMatch{"team", "https://k.example"};
      },
      [](Connector& c) { c.require_connector_audience = true; },
      [](Connector& c) {
        c.access[0].from[2] = OidcMatch{"https://j.example", {{"k", "v"}}};
      },
      [](Connector& c) {
        c.access[0].from[2] = OidcMatch{"https://i.example", {{"k", "w"}}};
      },
      [](Connector& c) { c.access[0].repositories = {"b/**"}; },
      [](Connector& c) { c.access[0].actions.Add(oci::Action::kPush); }};
  return kChanges;
}

TEST(CanonicalText, DiffersForEveryChangeOfAConnector) {
  std::set<std::string> seen = {CanonicalText(Harbor())};
  for (const std::vector<Change>* changes : {&MintChanges(), &OtherChanges()}) {
    for (std::size_t i = 0; i < changes->size(); ++i) {
      Connector changed = Harbor();
      (*changes)[i](changed);
      EXPECT_TRUE(seen.insert(CanonicalText(changed)).second) << "change " << i;
    }
  }
  EXPECT_EQ(CanonicalText(Harbor()), CanonicalText(Harbor()));
}

TEST(CanonicalMintText, DiffersForWhatAMintedTokenDependsOn) {
  std::set<std::string> seen = {CanonicalMintText(Harbor())};
  for (std::size_t i = 0; i < MintChanges().size(); ++i) {
    Connector changed = Harbor();
    MintChanges()[i](changed);
    EXPECT_TRUE(seen.insert(CanonicalMintText(changed)).second) << "change " << i;
  }
}

TEST(CanonicalMintText, IgnoresPolicyAndLimits) {
  for (std::size_t i = 0; i < OtherChanges().size(); ++i) {
    Connector changed = Harbor();
    OtherChanges()[i](changed);
    EXPECT_EQ(CanonicalMintText(changed), CanonicalMintText(Harbor())) << "change " << i;
  }
}

TEST(CanonicalMintText, HoldsWhatTheClassLetsTheNamespaceReach) {
  const auto text = [](const char* first, const char* second) {
    Connector connector = Harbor();
    connector.class_policy.value = std::make_shared<routing::ClassPolicy>(
        routing::ClassPolicy{.rules = {{.namespaces = {first}, .hosts = {"a.internal"}},
                                       {.namespaces = {second}, .hosts = {"b.internal"}}}});
    return CanonicalMintText(connector);
  };
  EXPECT_NE(text("default", "other"), text("other", "other"));
  EXPECT_NE(text("default", "other"), text("other", "default"));
  EXPECT_EQ(text("default", "other"), text("default", "another")) << "it is of no matter here";
}

TEST(CanonicalText, CannotBeForgedByAValueThatLooksLikeAnother) {
  Connector a = Harbor();
  a.access[0].repositories = {"a", "b"};
  Connector b = Harbor();
  b.access[0].repositories = {"a\nrepositories=1:b"};
  EXPECT_NE(CanonicalText(a), CanonicalText(b));
}

TEST(MirrorHosts, AreTheAuthorityWithAndWithoutTheDefaultPort) {
  Connector connector = Harbor();
  EXPECT_THAT(connector.MirrorHosts(), ElementsAre("harbor.example.com", "harbor.example.com:443"));
  connector.address = {false, "harbor.example.com", 80};
  EXPECT_THAT(connector.MirrorHosts(), ElementsAre("harbor.example.com", "harbor.example.com:80"));
  connector.address = {true, "harbor.example.com", 5000};
  EXPECT_THAT(connector.MirrorHosts(), ElementsAre("harbor.example.com:5000"));
  connector.address = {true, "::443", 443};
  EXPECT_THAT(connector.MirrorHosts(), ElementsAre("[::443]", "[::443]:443"));
  connector.address = {true, "::1", 5000};
  EXPECT_THAT(connector.MirrorHosts(), ElementsAre("[::1]:5000"));
}

TEST(MirrorHosts, OfDockerHubAreAllItsNames) {
  Connector connector = Harbor();
  connector.address = {true, "registry-1.docker.io", 443};
  EXPECT_THAT(connector.MirrorHosts(),
              UnorderedElementsAre("registry-1.docker.io",
                                   "registry-1.docker.io:443",
                                   "docker.io",
                                   "docker.io:443",
                                   "index.docker.io",
                                   "index.docker.io:443"));
}

TEST(IsDockerHub, KnowsThreeNames) {
  Connector connector = Harbor();
  EXPECT_FALSE(connector.IsDockerHub());
  for (const char* host : {"docker.io", "index.docker.io", "registry-1.docker.io"}) {
    connector.address.host = host;
    EXPECT_TRUE(connector.IsDockerHub()) << host;
  }
  connector.address.host = "evil-docker.io";
  EXPECT_FALSE(connector.IsDockerHub());
}

TEST(ClassOf, SaysWhatReachesADataPlane) {
  EXPECT_EQ(ClassOf(AuthKind::kTokenAuth), SecretClass::kDerived);
  EXPECT_EQ(ClassOf(AuthKind::kBasicAuth), SecretClass::kStatic);
  EXPECT_EQ(ClassOf(AuthKind::kAnonymous), SecretClass::kNone);
}

TEST(ToString, GivesTheWordsOfTheResource) {
  EXPECT_EQ(ToString(AuthKind::kTokenAuth), "tokenAuth");
  EXPECT_EQ(ToString(AuthKind::kBasicAuth), "basicAuth");
  EXPECT_EQ(ToString(AuthKind::kAnonymous), "anonymous");
  EXPECT_EQ(ToString(SecretClass::kNone), "none");
  EXPECT_EQ(ToString(SecretClass::kDerived), "derived");
  EXPECT_EQ(ToString(SecretClass::kBounded), "bounded");
  EXPECT_EQ(ToString(SecretClass::kStatic), "static");
}

}  // namespace
}  // namespace connector::resource
