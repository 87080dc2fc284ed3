#include "broker/deny_list/read_deny_list.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::broker::deny_list {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string Problem(const std::string& text) {
  const auto entries = ReadDenyList(text, "list");
  return entries ? "none" : entries.error().message;
}

TEST(ReadDenyList, TakesEveryKindOfEntry) {
  const auto entries = ReadDenyList(
      "denied:\n"
      "- {subject: \"system:serviceaccount:ci:builder\", reason: leaked}\n"
      "- {namespace: team-a, issuer: \"https://blue.example.com\"}\n"
      "- {tokenId: 5f0c, until: 2026-12-01T08:00:00Z}\n"
      "- {tokenId: \"" +
          kDigest +
          "\"}\n"
          "- {dataplane: \"spiffe://a/dataplane/1\"}\n",
      "list");

  ASSERT_TRUE(entries.has_value()) << entries.error().message;
  EXPECT_THAT(
      *entries,
      ElementsAre(
          DeniedEntry{DeniedKind::kSubject, "system:serviceaccount:ci:builder", {}, {}, "leaked"},
          DeniedEntry{DeniedKind::kNamespace, "team-a", "https://blue.example.com"},
          DeniedEntry{
              DeniedKind::kTokenId, "5f0c", {}, WallTime(std::chrono::seconds(1'796'112'000))},
          DeniedEntry{DeniedKind::kTokenId, kDigest},
          DeniedEntry{DeniedKind::kDataplane, "spiffe://a/dataplane/1"}));
}

TEST(ReadDenyList, TakesAListThatDeniesNobody) {
  const auto entries = ReadDenyList("denied: []\n", "list");

  ASSERT_TRUE(entries.has_value()) << entries.error().message;
  EXPECT_THAT(*entries, IsEmpty());
}

TEST(ReadDenyList, RefusesWhatIsNoList) {
  EXPECT_NE(Problem(""), "none") << "an empty file is no list that denies nobody";
  EXPECT_NE(Problem("# denied:\n"), "none");
  EXPECT_NE(Problem("{}\n"), "none");
  EXPECT_NE(Problem("denied: {}\n"), "none");
  EXPECT_NE(Problem("deneid: []\n"), "none");
  EXPECT_NE(Problem("denied: [\n"), "none");
}

TEST(ReadDenyList, RefusesTheWholeListForOneWrongEntry) {
  EXPECT_EQ(Problem("denied:\n- namespace: a\n- {namespace: b, subject: c}\n"),
            "list:3: denied[1]: must have exactly one of subject, namespace, tokenId and "
            "dataplane");
  EXPECT_THAT(Problem("denied:\n- {reason: nobody}\n"), HasSubstr("exactly one"));
  EXPECT_THAT(Problem("denied:\n- {subject: a, issuer: \"https://b\"}\n"),
              HasSubstr("denied[0].issuer: goes with namespace or tokenId"));
  EXPECT_THAT(Problem("denied:\n- {dataplane: \"spiffe://a/dataplane/*\"}\n"),
              HasSubstr("has a *"));
  EXPECT_THAT(Problem("denied:\n- {tokenId: \"sha256:AB\"}\n"), HasSubstr("64 lower-case"));
  EXPECT_THAT(Problem("denied:\n- {subject: \"a\\tb\"}\n"), HasSubstr("printable ASCII"));
  EXPECT_THAT(Problem("denied:\n- {subjekt: a}\n- {subjekt: b}\n"), HasSubstr("more)"));
}

TEST(ReadDenyList, RefusesATimeThatIsNone) {
  for (const char* time : {"tomorrow",
                           "2026-12-01",
                           "2026-12-01T08:00:00",
                           "2026-02-31T08:00:00Z",
                           "2026-12-01T25:00:00Z",
                           "2026-12-01T08:00:00Zx",
                           "+026-12-01T08:00:00Z",
                           "2026-12-01T08:00:00+01:00"}) {
    EXPECT_THAT(Problem(std::string("denied:\n- {namespace: a, until: \"") + time + "\"}\n"),
                HasSubstr("denied[0].until: must be a time in UTC"))
        << time;
  }
}

TEST(ReadDenyList, HasABound) {
  std::string text = "denied:\n";
  for (int i = 0; i < 1001; ++i) {
    text += "- {namespace: n" + std::to_string(i) + "}\n";
  }
  EXPECT_NE(Problem(text), "none");
}

}  // namespace
}  // namespace connector::broker::deny_list
