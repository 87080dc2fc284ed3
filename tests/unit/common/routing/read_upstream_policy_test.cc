#include "common/routing/read_upstream_policy.h"

#include "tests/unit/common/routing/upstream_policy_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace connector::routing {
namespace {

namespace v1 = config::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> ProblemsOf(const v1::UpstreamPolicy& file) {
  std::vector<std::string> out;
  static_cast<void>(
      ReadUpstreamPolicy(file, true, [&](const std::string& path, const char* message) {
        out.push_back(path + ": " + message);
      }));
  return out;
}

TEST(ReadUpstreamPolicy, SaysWhatIsWrongAndWhatToWrite) {
  v1::UpstreamPolicy file;
  file.set_unlisted("any");
  v1::UpstreamPolicyRule& rule = AddRule(file, "Team_A");
  rule.add_hosts("10.0.0.1");
  rule.add_hosts("https://a.example");
  rule.add_addresses("10.0.0.1/8");
  rule.add_redirect_hosts("a.example:443");
  rule.add_mirror_hosts("a.example/x");
  AddRule(file);
  v1::UpstreamPolicyRule& plain = AddRule(file);
  plain.set_plain_http(true);
  plain.add_mirror_hosts("a.example");

  EXPECT_THAT(ProblemsOf(file),
              ElementsAre("unlisted: must be none, public or local",
                          HasSubstr("rules[0].namespaces[0]: is not a namespace"),
                          HasSubstr("rules[0].hosts[0]: is not a name"),
                          HasSubstr("rules[0].hosts[1]: is not a name"),
                          HasSubstr("rules[0].addresses[0]: is not an address range"),
                          HasSubstr("rules[0].redirectHosts[0]: is not a host"),
                          HasSubstr("rules[0].mirrorHosts[0]: is not a registry"),
                          HasSubstr("rules[1]: allows nothing"),
                          HasSubstr("rules[2].plainHttp: says not to what")));
}

TEST(ReadUpstreamPolicy, HasABound) {
  v1::UpstreamPolicy many;
  for (int i = 0; i < 65; ++i) {
    AddRule(many).add_hosts("a.example");
  }
  EXPECT_THAT(ProblemsOf(many), ElementsAre(HasSubstr("rules: has more than 64 entries")));

  v1::UpstreamPolicy long_list;
  for (int i = 0; i < 65; ++i) {
    (i == 0 ? AddRule(long_list) : *long_list.mutable_rules(0)).add_hosts("a.example");
  }
  EXPECT_THAT(ProblemsOf(long_list), ElementsAre(HasSubstr("rules[0].hosts: has more than 64")));

  v1::UpstreamPolicy large;
  for (int i = 0; i < 60; ++i) {
    AddRule(large).add_hosts(std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                             std::string(60, 'c') + "." + std::string(60, 'd') + "." +
                             std::string(60, 'e'));
  }
  EXPECT_THAT(ProblemsOf(large), ElementsAre(HasSubstr("rules: are more than 16 KiB")));
}

TEST(ReadUpstreamPolicy, CountsAddressesAsDataPlanesGetThem) {
  v1::UpstreamPolicy file;
  for (int i = 0; i < 20; ++i) {
    v1::UpstreamPolicyRule& rule = AddRule(file);
    for (int j = 0; j < 60; ++j) {
      rule.add_addresses("10.20.30.4");  // 10.20.30.4/32
    }
  }
  ASSERT_LE(file.ByteSizeLong(), kMaxUpstreamPolicyBytes);
  EXPECT_THAT(ProblemsOf(file), ElementsAre(HasSubstr("rules: are more than 16 KiB")));
}

TEST(ReadUpstreamPolicy, TakesAnEmptyOneForTheDefault) {
  EXPECT_THAT(ProblemsOf({}), IsEmpty());
  EXPECT_EQ(ReadPolicy({}, false), UpstreamPolicy{});
  EXPECT_EQ(ReadPolicy({}, true).unlisted, Unlisted::kPublic);
}

TEST(ReadClassPolicy, LeadsNowhereWithoutARule) {
  EXPECT_EQ(ReadClass({}), ClassPolicy{});
  EXPECT_EQ(ClassPolicy{}.unlisted, Unlisted::kNone);
}

}  // namespace
}  // namespace connector::routing
