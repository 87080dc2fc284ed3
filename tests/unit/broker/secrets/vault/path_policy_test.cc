#include "broker/secrets/vault/path_policy.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::broker::secrets {
namespace {

using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;

VaultPathPolicy Policy(std::vector<VaultPathRule> rules, std::string own = "") {
  VaultOptions options;
  options.paths = std::move(rules);
  options.vault_namespace = std::move(own);
  return VaultPathPolicy(options);
}

resource::VaultLocation At(std::string path, std::string vault_namespace = "") {
  resource::VaultLocation location;
  location.path = std::move(path);
  location.vault_namespace = std::move(vault_namespace);
  return location;
}

bool Allows(const std::string& pattern, const std::string& path, const std::string& ns = "ci") {
  return Policy({{{"*"}, {pattern}}}).Check(ns, At(path)).has_value();
}

TEST(VaultPathPolicy, DeniesByDefaultAndSaysWhatToChange) {
  EXPECT_THAT(Policy({}).Check("ci", At("secret/data/ci/harbor")),
              HasErrorMessage(ErrorCode::kPermissionDenied,
                              "Connectors of the namespace ci may not refer to "
                              "secret/data/ci/harbor; vault.paths of the broker's configuration "
                              "does not allow it"));
}

TEST(VaultPathPolicy, MatchesWholeSegments) {
  EXPECT_TRUE(Allows("secret/data/x", "secret/data/x"));
  EXPECT_FALSE(Allows("secret/data/x", "secret/data/xy"));
  EXPECT_FALSE(Allows("secret/data/x", "secret/data/x/y"));
  EXPECT_FALSE(Allows("secret/data/x/y", "secret/data/x"));
}

TEST(VaultPathPolicy, LetsAStarStandForOneSegment) {
  EXPECT_TRUE(Allows("secret/data/*/db", "secret/data/a/db"));
  EXPECT_FALSE(Allows("secret/data/*/db", "secret/data/a/b/db"));
  EXPECT_FALSE(Allows("secret/data/*", "secret/data"));
}

TEST(VaultPathPolicy, LetsTwoStarsStandForOneSegmentOrMore) {
  EXPECT_TRUE(Allows("secret/**", "secret/data/a/b"));
  EXPECT_TRUE(Allows("secret/**/db", "secret/data/a/db"));
  EXPECT_FALSE(Allows("secret/**", "secret2/data"));
  EXPECT_FALSE(Allows("secret/data/**", "secret/data"));
  EXPECT_FALSE(Allows("secret/**/db", "secret/db/x"));
}

TEST(VaultPathPolicy, PutsTheConnectorsNamespaceIntoThePattern) {
  EXPECT_TRUE(Allows("secret/data/{namespace}/*", "secret/data/team-a/x", "team-a"));
  EXPECT_FALSE(Allows("secret/data/{namespace}/*", "secret/data/team-a/x", "team-b"));
  EXPECT_FALSE(Allows("secret/data/{namespace}/*", "secret/data/{namespace}/x", "team-b"));
}

TEST(VaultPathPolicy, IsForTheNamespacesOfItsRule) {
  const VaultPathPolicy policy = Policy({{{"ci", "cd"}, {"secret/**"}}});

  EXPECT_TRUE(policy.Check("cd", At("secret/data/x")).has_value());
  EXPECT_THAT(policy.Check("team", At("secret/data/x")), HasError(ErrorCode::kPermissionDenied));
}

TEST(VaultPathPolicy, StaysInTheBrokersVaultNamespaceUnlessItsRuleNamesAnother) {
  const VaultPathPolicy own = Policy({{{"*"}, {"secret/**"}}}, "admin");
  EXPECT_TRUE(own.Check("ci", At("secret/data/x")).has_value());
  EXPECT_TRUE(own.Check("ci", At("secret/data/x", "admin")).has_value());
  EXPECT_THAT(own.Check("ci", At("secret/data/x", "other")),
              HasErrorMessage(ErrorCode::kPermissionDenied,
                              HasSubstr("secret/data/x of the Vault namespace other;")));

  const VaultPathPolicy other = Policy({{{"*"}, {"secret/**"}, {"other"}}}, "admin");
  EXPECT_TRUE(other.Check("ci", At("secret/data/x", "other")).has_value());
  EXPECT_THAT(other.Check("ci", At("secret/data/x")), HasError(ErrorCode::kPermissionDenied));
}

TEST(VaultPathPolicy, RefusesPathsOutsideTheGrammarWhateverTheRules) {
  const VaultPathPolicy policy = Policy({{{"*"}, {"**"}, {"*"}}});
  for (const char* path : {"secret/../sys/x",
                           "secret//x",
                           "/secret/x",
                           "secret/x/",
                           "secret/%2e/x",
                           "secret/x?list=true",
                           "v1/secret/x",
                           "secret",
                           "",
                           "secret/a b"}) {
    EXPECT_THAT(policy.Check("ci", At(path)), HasError(ErrorCode::kInvalidArgument)) << path;
  }
  EXPECT_THAT(policy.Check("ci", At("secret/x", "../root")), HasError(ErrorCode::kInvalidArgument));
}

TEST(PathPatternProblem, AcceptsWildSegmentsOnly) {
  for (const char* good : {"secret/data/{namespace}/**", "secret/*", "*/**", "a/b"}) {
    EXPECT_EQ(PathPatternProblem(good), "") << good;
  }
  for (const char* bad : {"secret/data/team-*",
                          "secret/{namespace}x",
                          "secret",
                          "a//b",
                          "v1/a/b",
                          "secret/../**",
                          ""}) {
    EXPECT_NE(PathPatternProblem(bad), "") << bad;
  }
}

}  // namespace
}  // namespace connector::broker::secrets
