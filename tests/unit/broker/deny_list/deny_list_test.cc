#include "broker/deny_list/deny_list.h"

#include "broker/callers/token_key.h"
#include "common/base/encoding.h"
#include "common/base/keyed_version.h"
#include "tests/support/cpp/root_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace connector::broker::deny_list {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

const root_key::RootKeys kRootKeys = testing_support::MakeRootKeys("r");
constexpr const char* kBlue = "https://blue.example.com";
constexpr WallTime kNow{std::chrono::hours(1000)};

callers::Caller Builder() {
  callers::Caller caller;
  caller.issuer = "https://own.example.com";
  caller.subject = "system:serviceaccount:ci:builder";
  caller.service_account = callers::ServiceAccount{"ci", "builder"};
  caller.claims = {{"jti", "id-1"}};
  return caller;
}

callers::Caller BlueBuilder() {
  callers::Caller caller = Builder();
  caller.issuer = kBlue;
  caller.other_cluster_account = std::exchange(caller.service_account, std::nullopt);
  return caller;
}

callers::UnverifiedToken Token(const std::string& bytes = "the-token") {
  return callers::UnverifiedToken(Secret(bytes));
}

std::string Sha256Of(const std::string& token) {
  return "sha256:" + HexEncode(callers::TokenKey(token));
}

bool Denies(const DeniedEntry& entry, const callers::Caller& caller) {
  return DenyList({entry}, kNow, kRootKeys).FindCaller(caller, Token()) != nullptr;
}

TEST(DenyListOfCallers, DeniesASubjectByTheNameThatTheAuditHas) {
  EXPECT_TRUE(Denies({DeniedKind::kSubject, "system:serviceaccount:ci:builder"}, Builder()));
  EXPECT_FALSE(Denies({DeniedKind::kSubject, "system:serviceaccount:ci:builde"}, Builder()));
  EXPECT_FALSE(Denies({DeniedKind::kSubject, "system:serviceaccount:ci:builder"}, BlueBuilder()))
      << "an account of another cluster is another subject";
  EXPECT_TRUE(
      Denies({DeniedKind::kSubject, std::string(kBlue) + "#system:serviceaccount:ci:builder"},
             BlueBuilder()));
}

TEST(DenyListOfCallers, DeniesANamespaceOfOneCluster) {
  EXPECT_TRUE(Denies({DeniedKind::kNamespace, "ci"}, Builder()));
  EXPECT_FALSE(Denies({DeniedKind::kNamespace, "c"}, Builder()));
  EXPECT_FALSE(Denies({DeniedKind::kNamespace, "ci"}, BlueBuilder()));
  EXPECT_TRUE(Denies({DeniedKind::kNamespace, "ci", kBlue}, BlueBuilder()));
  EXPECT_FALSE(Denies({DeniedKind::kNamespace, "ci", kBlue}, Builder()));
}

TEST(DenyListOfCallers, DeniesATokenByItsId) {
  EXPECT_TRUE(Denies({DeniedKind::kTokenId, "id-1"}, Builder()));
  EXPECT_TRUE(Denies({DeniedKind::kTokenId, "id-1"}, BlueBuilder()));
  EXPECT_FALSE(Denies({DeniedKind::kTokenId, "id-2"}, Builder()));
  EXPECT_TRUE(Denies({DeniedKind::kTokenId, "id-1", kBlue}, BlueBuilder()));
  EXPECT_FALSE(Denies({DeniedKind::kTokenId, "id-1", kBlue}, Builder()));
}

TEST(DenyListOfCallers, DeniesATokenByTheIdThatATokenReviewTells) {
  callers::Caller caller = Builder();
  caller.claims.clear();
  caller.kubernetes_user = callers::KubernetesUser{
      .username = caller.subject,
      .extra = {{"authentication.kubernetes.io/credential-id", {"JTI=id-9"}}}};

  EXPECT_TRUE(Denies({DeniedKind::kTokenId, "id-9"}, caller));
  EXPECT_FALSE(Denies({DeniedKind::kTokenId, "JTI=id-9"}, caller));
}

TEST(DenyListOfCallers, DeniesATokenByItsDigest) {
  EXPECT_TRUE(Denies({DeniedKind::kTokenId, Sha256Of("the-token")}, Builder()));
  EXPECT_FALSE(Denies({DeniedKind::kTokenId, Sha256Of("another")}, Builder()));
}

TEST(DenyListOfPeers, DeniesACertificateByAnyOfItsNames) {
  const DenyList list({{DeniedKind::kDataplane, "spiffe://a/dataplane/1"}}, kNow, kRootKeys);

  EXPECT_NE(list.FindPeer({"spiffe://a/dataplane/1"}), nullptr);
  EXPECT_NE(list.FindPeer({"other", "spiffe://a/dataplane/1"}), nullptr);
  EXPECT_EQ(list.FindPeer({"spiffe://a/dataplane/11"}), nullptr);
  EXPECT_EQ(list.FindPeer({}), nullptr);
}

TEST(DenyListOfPeers, IsNoListOfCallers) {
  EXPECT_FALSE(Denies({DeniedKind::kDataplane, "system:serviceaccount:ci:builder"}, Builder()));
}

TEST(DenyList, EndsAnEntryAtItsTime) {
  const DeniedEntry entry{DeniedKind::kNamespace, "ci", {}, kNow + std::chrono::seconds(1)};
  const DenyList before({entry}, kNow, kRootKeys);
  const DenyList after({entry}, kNow + std::chrono::seconds(1), kRootKeys);

  EXPECT_NE(before.FindCaller(Builder(), Token()), nullptr);
  EXPECT_EQ(before.changes_at(), kNow + std::chrono::seconds(1));
  EXPECT_EQ(after.FindCaller(Builder(), Token()), nullptr);
  EXPECT_THAT(after.version(), IsEmpty());
}

std::string Version(const std::vector<DeniedEntry>& entries, const char* root_keys = "r") {
  return DenyList(entries, kNow, testing_support::MakeRootKeys(root_keys)).version();
}

TEST(DenyListVersion, IsEmptyWhereNobodyIsDenied) {
  EXPECT_THAT(DenyList().version(), IsEmpty());
  EXPECT_THAT(Version({}), IsEmpty());
}

TEST(DenyListVersion, ChangesWithWhomItDeniesAlone) {
  const DeniedEntry a{DeniedKind::kSubject, "a"};
  const DeniedEntry b{DeniedKind::kNamespace, "b"};
  DeniedEntry explained = a;
  explained.reason = "left the company";

  EXPECT_THAT(Version({a}), Not(IsEmpty()));
  EXPECT_EQ(Version({a, b}), Version({b, a}));
  EXPECT_EQ(Version({a}), Version({explained, a}));
  EXPECT_NE(Version({a}), Version({a, b}));
  EXPECT_NE(Version({a}), Version({{DeniedKind::kNamespace, "a"}}));
  EXPECT_NE(Version({b}), Version({{DeniedKind::kNamespace, "b", kBlue}}));
  EXPECT_NE(Version({a}), Version({a}, "s")) << "else it could be guessed";
}

TEST(DenyListVersion, IsTheSameWhileOneBrokerHasANewRootKeyAndAnotherNotYet) {
  const DeniedEntry a{DeniedKind::kSubject, "a"};
  const DeniedEntry b{DeniedKind::kSubject, "b"};

  EXPECT_TRUE(SameVersion(Version({a}, "sr"), Version({a}, "r")));
  EXPECT_TRUE(SameVersion(Version({a}, "s"), Version({a}, "sr")));
  EXPECT_FALSE(SameVersion(Version({a}, "sr"), Version({b}, "sr")));
  EXPECT_FALSE(SameVersion(Version({}, "sr"), Version({a}, "sr")));
}

TEST(Describe, NamesWhatWhoseUntilWhenAndWhy) {
  EXPECT_EQ(Describe({DeniedKind::kNamespace,
                      "ci",
                      kBlue,
                      WallTime(std::chrono::seconds(1'796'112'000)),
                      "stolen laptop"}),
            "namespace \"ci\" of https://blue.example.com until 2026-12-01T08:00:00Z (stolen "
            "laptop)");
}

}  // namespace
}  // namespace connector::broker::deny_list
