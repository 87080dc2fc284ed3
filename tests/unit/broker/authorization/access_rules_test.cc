#include "broker/authorization/access_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace connector::broker::authorization {

inline void PrintTo(const AccessDecision& decision, std::ostream* os) {
  *os << (decision.allowed ? "allowed" : "denied") << (decision.caller_known ? "" : ", unknown")
      << ", rule \"" << decision.rule << "\": " << decision.reason;
}

namespace {

using oci::Action;
using oci::ActionSet;
using oci::Scope;
using resource::AccessRule;
using resource::NamespaceMatch;
using resource::OidcMatch;
using resource::ServiceAccountMatch;
using ::testing::HasSubstr;

struct PatternRow {
  std::string name;
  std::string pattern;
  std::vector<std::string> covers;
  std::vector<std::string> leaves_out;

  friend void PrintTo(const PatternRow& row, std::ostream* os) { *os << row.name; }
};

class RepositoryMatchesReads : public ::testing::TestWithParam<PatternRow> {};

TEST_P(RepositoryMatchesReads, ThePattern) {
  for (const std::string& repository : GetParam().covers) {
    EXPECT_TRUE(RepositoryMatches(GetParam().pattern, repository)) << repository;
  }
  for (const std::string& repository : GetParam().leaves_out) {
    EXPECT_FALSE(RepositoryMatches(GetParam().pattern, repository)) << repository;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Patterns,
    RepositoryMatchesReads,
    ::testing::Values(
        PatternRow{
            "ANameIsItself", "team-a/app", {"team-a/app"}, {"team-a", "team-a/app/x", "app"}},
        PatternRow{"OneStarIsOneComponent", "*", {"a", "a-b"}, {"a/b"}},
        PatternRow{"OneStarDoesNotCrossASlash", "team-a/*", {"team-a/x"}, {"team-a", "team-a/x/y"}},
        PatternRow{"OneStarInFront", "*/app", {"a/app", "b/app"}, {"app", "a/b/app", "a/app2"}},
        PatternRow{"AStarIsPartOfAComponent",
                   "team-*/app*",
                   {"team-a/app", "team-b/app-x"},
                   {"team/app", "team-a/ap", "team-a/x/app", "xteam-a/app"}},
        PatternRow{"SeveralStarsInOneComponent",
                   "a*b*c",
                   {"abc", "axbxc", "abbcc", "abcbc"},
                   {"ab", "ac", "abcd", "ab/c"}},
        PatternRow{"TwoStarsAreOneOrMoreComponents",
                   "team-a/**",
                   {"team-a/x", "team-a/x/y", "team-a/x/y/z"},
                   {"team-a", "team-ab/x", "x/team-a/y"}},
        PatternRow{"TwoStarsAloneAreEverything", "**", {"a", "a/b", "a/b/c"}, {}},
        PatternRow{"TwoStarsInFront", "**/app", {"a/app", "a/b/app"}, {"app", "a/app/b"}},
        PatternRow{"TwoStarsBetween", "a/**/b", {"a/x/b", "a/x/y/b", "a/b/b"}, {"a/b", "a/x"}},
        PatternRow{"TwoStarsTwice", "**/x/**", {"a/x/b", "x/x/x"}, {"x", "x/b", "a/x"}},
        PatternRow{"TwoStarsInAComponentAreOneStar", "a**", {"a", "ab"}, {"a/b"}},
        PatternRow{"NothingButStars", "***", {"a"}, {"a/b"}},
        PatternRow{"AnEmptyPattern", "", {}, {"a"}},
        PatternRow{"AnEmptyComponent", "a//b", {}, {"a/b", "a/x/b"}},
        PatternRow{"ASlashAtTheEnd", "a/", {}, {"a", "a/b"}},
        PatternRow{"AQuestionMarkIsNothingSpecial", "a?", {}, {"ab", "a"}},
        PatternRow{"CaseCounts", "Team/**", {}, {"team/x"}},
        PatternRow{"WhatIsNoRepositoryName",
                   "**",
                   {},
                   {"", "/", "a/", "/a", "a//b", "a/../b", "A", "a%2fb", "a b", "a\n"}}),
    [](const auto& row) { return row.param.name; });

TEST(RepositoryMatches, TakesFewStepsForPatternsThatInviteGuessing) {
  std::string stars;
  std::string components;
  for (int i = 0; i < 60; ++i) {
    stars += "*a";
    components += "**/";
  }
  EXPECT_FALSE(RepositoryMatches(stars + "*b", std::string(255, 'a')));
  std::string repository = "a";
  while (repository.size() < 254) {
    repository += "/a";
  }
  EXPECT_FALSE(RepositoryMatches(components + "b", repository));
  EXPECT_TRUE(RepositoryMatches(components + "a", repository));
}

callers::Caller ServiceAccount(const std::string& ns, const std::string& name) {
  return {"https://k8s",
          "system:serviceaccount:" + ns + ":" + name,
          callers::ServiceAccount{ns, name},
          {{"iss", "https://k8s"}},
          {}};
}

callers::Caller OidcCaller(std::multimap<std::string, std::string> claims,
                           const std::string& issuer = "https://ci") {
  return {issuer, "job", std::nullopt, std::move(claims), {}};
}

resource::Connector ConnectorWith(std::vector<AccessRule> rules) {
  resource::Connector connector;
  connector.ref = {"default", "harbor"};
  connector.access = std::move(rules);
  return connector;
}

constexpr ActionSet kPull{Action::kPull};
constexpr ActionSet kPush{Action::kPush};
constexpr ActionSet kPullPush{Action::kPull, Action::kPush};

TEST(Evaluate, NamesTheRuleThatMatched) {
  const auto connector = ConnectorWith({{{ServiceAccountMatch{"ci", "other"}}, {"**"}, kPullPush},
                                        {{NamespaceMatch{"ci"}}, {"team-a/**"}, kPull}});

  EXPECT_EQ(
      Evaluate(connector, ServiceAccount("ci", "builder"), {{"team-a/app", kPull}}),
      (AccessDecision{true, true, "access[1]", "access[1] allows repository:team-a/app:pull"}));
}

TEST(Evaluate, DeniesWithoutARule) {
  EXPECT_EQ(
      Evaluate(ConnectorWith({}), ServiceAccount("ci", "builder"), {{"a", kPull}}),
      (AccessDecision{false, false, "", "no rule speaks of system:serviceaccount:ci:builder"}));
}

TEST(Evaluate, SaysWhichActionIsMissing) {
  const auto connector = ConnectorWith({{{NamespaceMatch{"ci"}}, {"a"}, kPush}});

  EXPECT_EQ(Evaluate(connector, ServiceAccount("ci", "x"), {{"a", kPullPush}}),
            (AccessDecision{false, true, "", "access[0] covers a but lacks pull"}));
  EXPECT_TRUE(Evaluate(connector, ServiceAccount("ci", "x"), {{"a", kPush}}).allowed);
}

TEST(Evaluate, DoesNotAddUpTheActionsOfTwoRules) {
  const auto connector = ConnectorWith(
      {{{NamespaceMatch{"ci"}}, {"a"}, kPush}, {{NamespaceMatch{"ci"}}, {"*"}, kPull}});

  EXPECT_EQ(
      Evaluate(connector, ServiceAccount("ci", "x"), {{"a", kPullPush}}),
      (AccessDecision{false,
                      true,
                      "",
                      "access[0] covers a but lacks pull; access[1] covers a but lacks push"}));
}

TEST(Evaluate, DeniesARepositoryThatNoRuleCovers) {
  const auto connector = ConnectorWith({{{NamespaceMatch{"ci"}}, {"a/**", "b"}, kPull}});

  EXPECT_TRUE(Evaluate(connector, ServiceAccount("ci", "x"), {{"b", kPull}}).allowed);
  EXPECT_EQ(Evaluate(connector, ServiceAccount("ci", "x"), {{"c", kPull}}),
            (AccessDecision{false, true, "", "no rule for this caller covers c"}));
}

TEST(Evaluate, AllowsEachScopeByARuleOfItsOwn) {
  const auto connector = ConnectorWith({{{NamespaceMatch{"ci"}}, {"base/**"}, kPull},
                                        {{NamespaceMatch{"ci"}}, {"team/**"}, kPullPush}});

  EXPECT_EQ(
      Evaluate(connector, ServiceAccount("ci", "x"), {{"team/app", kPullPush}, {"base/os", kPull}}),
      (AccessDecision{true,
                      true,
                      "access[1],access[0]",
                      "access[1] allows repository:team/app:pull,push; "
                      "access[0] allows repository:base/os:pull"}));
}

TEST(Evaluate, DeniesAllWhenOneScopeIsDenied) {
  const auto connector = ConnectorWith({{{NamespaceMatch{"ci"}}, {"team/**"}, kPullPush}});

  EXPECT_EQ(
      Evaluate(connector, ServiceAccount("ci", "x"), {{"team/app", kPullPush}, {"base/os", kPull}}),
      (AccessDecision{false, true, "", "no rule for this caller covers base/os"}));
}

TEST(Evaluate, DeniesAScopeThatAsksForNothing) {
  const auto connector = ConnectorWith({{{NamespaceMatch{"ci"}}, {"**"}, kPullPush}});

  EXPECT_EQ(Evaluate(connector, ServiceAccount("ci", "x"), {{"a", {}}}),
            (AccessDecision{false, true, "", "no action asked for in a"}));
}

TEST(Evaluate, WithoutScopesSaysWhetherAnyRuleSpeaksOfTheCaller) {
  const auto connector = ConnectorWith(
      {{{NamespaceMatch{"other"}}, {"a"}, kPull}, {{NamespaceMatch{"ci"}}, {"a"}, kPull}});

  EXPECT_EQ(
      Evaluate(connector, ServiceAccount("ci", "x"), {}),
      (AccessDecision{true, true, "access[1]", "access[1] speaks of system:serviceaccount:ci:x"}));
  EXPECT_FALSE(Evaluate(connector, ServiceAccount("none", "x"), {}).allowed);
}

struct SubjectRow {
  std::string name;
  resource::SubjectMatch from;
  callers::Caller caller;
  bool known;

  friend void PrintTo(const SubjectRow& row, std::ostream* os) { *os << row.name; }
};

class EvaluateReads : public ::testing::TestWithParam<SubjectRow> {};

TEST_P(EvaluateReads, WhomARuleSpeaksOf) {
  const auto connector = ConnectorWith({{{GetParam().from}, {"**"}, kPull}});

  const AccessDecision decision = Evaluate(connector, GetParam().caller, {{"a", kPull}});

  EXPECT_EQ(decision.caller_known, GetParam().known);
  EXPECT_EQ(decision.allowed, GetParam().known);
}

callers::Caller OtherCluster(const std::string& issuer,
                             const std::string& ns,
                             const std::string& name) {
  callers::Caller caller;
  caller.issuer = issuer;
  caller.subject = "system:serviceaccount:" + ns + ":" + name;
  caller.other_cluster_account = callers::ServiceAccount{ns, name};
  return caller;
}

const ServiceAccountMatch kBuilder{"ci", "builder"};
const OidcMatch kJobs{"https://ci", {{"repository", "org/app"}, {"ref", "main"}}};

INSTANTIATE_TEST_SUITE_P(
    Subjects,
    EvaluateReads,
    ::testing::Values(
        SubjectRow{"AServiceAccount", kBuilder, ServiceAccount("ci", "builder"), true},
        SubjectRow{"AnotherName", kBuilder, ServiceAccount("ci", "builder2"), false},
        SubjectRow{"AnotherNamespace", kBuilder, ServiceAccount("ci2", "builder"), false},
        SubjectRow{"ASubjectThatOnlyReadsLikeOne",
                   kBuilder,
                   {"https://evil", "system:serviceaccount:ci:builder", std::nullopt, {}, {}},
                   false},
        SubjectRow{"ANamespace", NamespaceMatch{"ci"}, ServiceAccount("ci", "any"), true},
        SubjectRow{"ANamespacePrefix", NamespaceMatch{"ci"}, ServiceAccount("ci2", "any"), false},
        SubjectRow{"ANamespaceThatIsAClaim",
                   NamespaceMatch{"ci"},
                   OidcCaller({{"namespace", "ci"}}),
                   false},
        SubjectRow{"AllClaims",
                   kJobs,
                   OidcCaller({{"repository", "org/app"}, {"ref", "main"}, {"more", "x"}}),
                   true},
        SubjectRow{"AClaimThatDiffers",
                   kJobs,
                   OidcCaller({{"repository", "org/app"}, {"ref", "dev"}}),
                   false},
        SubjectRow{"AClaimThatIsAListWithIt",
                   kJobs,
                   OidcCaller({{"repository", "org/app"}, {"ref", "dev"}, {"ref", "main"}}),
                   true},
        SubjectRow{"AClaimThatIsAListWithoutIt",
                   kJobs,
                   OidcCaller({{"repository", "org/app"}, {"ref", "dev"}, {"ref", "x"}}),
                   false},
        SubjectRow{"AClaimThatIsMissing", kJobs, OidcCaller({{"repository", "org/app"}}), false},
        SubjectRow{"AnotherIssuer",
                   kJobs,
                   OidcCaller({{"repository", "org/app"}, {"ref", "main"}}, "https://ci/"),
                   false},
        SubjectRow{"AnAccountOfTheSameNameInAnotherCluster",
                   kBuilder,
                   OtherCluster("https://dev", "ci", "builder"),
                   false},
        SubjectRow{"ANamespaceOfTheSameNameInAnotherCluster",
                   NamespaceMatch{"ci"},
                   OtherCluster("https://dev", "ci", "builder"),
                   false},
        SubjectRow{"AnAccountOfTheClusterThatTheRuleNames",
                   ServiceAccountMatch{"ci", "builder", "https://dev"},
                   OtherCluster("https://dev", "ci", "builder"),
                   true},
        SubjectRow{"ANamespaceOfTheClusterThatTheRuleNames",
                   NamespaceMatch{"ci", "https://dev"},
                   OtherCluster("https://dev", "ci", "any"),
                   true},
        SubjectRow{"AnAccountOfAThirdCluster",
                   ServiceAccountMatch{"ci", "builder", "https://dev"},
                   OtherCluster("https://test", "ci", "builder"),
                   false},
        SubjectRow{"AnAccountOfTheOwnClusterWhereTheRuleNamesAnother",
                   ServiceAccountMatch{"ci", "builder", "https://dev"},
                   ServiceAccount("ci", "builder"),
                   false},
        SubjectRow{"NoClaimAtAll", OidcMatch{"https://ci", {}}, OidcCaller({}), false}),
    [](const auto& row) { return row.param.name; });

TEST(Evaluate, TakesAnySubjectOfARule) {
  const auto connector = ConnectorWith({{{kBuilder, NamespaceMatch{"team-a"}}, {"**"}, kPull}});

  EXPECT_TRUE(Evaluate(connector, ServiceAccount("ci", "builder"), {{"a", kPull}}).allowed);
  EXPECT_TRUE(Evaluate(connector, ServiceAccount("team-a", "x"), {{"a", kPull}}).allowed);
  EXPECT_FALSE(Evaluate(connector, ServiceAccount("ci", "x"), {{"a", kPull}}).allowed);
}

TEST(DenialSentence, NamesConnectorRepositoryAndActionAndWhatToAskFor) {
  EXPECT_EQ(
      DenialSentence(ConnectorWith({}), {{"team-a/app", kPullPush}}),
      "Connector default/harbor does not give you pull,push on repository team-a/app. Ask its "
      "owner for a rule under spec.access that gives you: repository team-a/app with actions "
      "pull,push.");
  EXPECT_THAT(DenialSentence(ConnectorWith({}), {{"a", kPullPush}, {"b", kPull}}),
              HasSubstr("pull,push on repository a and pull on repository b."));
  EXPECT_EQ(
      VerbSentence({"default", "harbor"}, {{"team-a/app", kPullPush}}, "create"),
      "Connector default/harbor does not give you pull,push on repository team-a/app. Ask its "
      "owner for the verb create on connectors/proxy.");
  EXPECT_THAT(DenialSentence(ConnectorWith({}), {}), HasSubstr("may not use connector default/"));
}

TEST(EvaluateWithoutRules, AllowsNobodyUnlessRbacDecides) {
  const resource::Connector connector;
  const callers::Caller caller;
  const std::vector<Scope> pull = {{"team-a/app", ActionSet{Action::kPull}}};

  EXPECT_FALSE(Evaluate(connector, caller, pull).allowed);
  EXPECT_FALSE(Evaluate(connector, caller, pull).caller_known);
  const AccessDecision decision = Evaluate(connector, caller, pull, NoRules::kRbacAlone);
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.rule, "");
  EXPECT_FALSE(
      Evaluate(connector, caller, {{"team-a/app", ActionSet{}}}, NoRules::kRbacAlone).allowed);
}

TEST(EvaluateWithRules, IsTheSameWhetherRbacDecidesTooOrNot) {
  resource::Connector connector;
  connector.access.push_back({{NamespaceMatch{"ci"}}, {"**"}, ActionSet{Action::kPull}});

  EXPECT_FALSE(Evaluate(connector, callers::Caller{}, {}, NoRules::kRbacAlone).allowed);
}

}  // namespace
}  // namespace connector::broker::authorization
