#include "common/routing/upstream_policy_proto.h"

#include "tests/unit/common/routing/upstream_policy_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace connector::routing {
namespace {

namespace v1 = config::v1;
using ::testing::ElementsAre;

TEST(UpstreamPolicy, TravelsToDataPlanesWithoutLoss) {
  v1::UpstreamPolicy file;
  file.set_unlisted("none");
  v1::UpstreamPolicyRule& rule = AddRule(file);
  rule.add_hosts("harbor.internal");
  rule.add_addresses("10.20.0.0/16");
  rule.add_addresses("::1");
  rule.set_plain_http(true);
  rule.add_redirect_hosts("*.store.internal");
  UpstreamPolicy policy = ReadPolicy(file, true);
  v1::UpstreamPolicy sent;
  ToProto(policy, sent);

  policy.rules[0].namespaces.clear();  // It is of one namespace.
  EXPECT_EQ(FromProto(sent), policy);
}

TEST(UpstreamPolicy, IsNotTakenWhereItCannotBeUnderstood) {
  v1::UpstreamPolicy sent;
  sent.set_unlisted("everything");
  EXPECT_EQ(FromProto(sent), std::nullopt);
  sent.set_unlisted("public");
  sent.add_rules()->add_addresses("ten");
  EXPECT_EQ(FromProto(sent), std::nullopt);
}

TEST(CanonicalText, TellsPoliciesApart) {
  v1::UpstreamPolicy file;
  AddRule(file).add_hosts("a.internal");
  const UpstreamPolicy one = ReadPolicy(file, true);
  file.mutable_rules(0)->set_plain_http(true);
  const UpstreamPolicy other = ReadPolicy(file, true);
  v1::UpstreamPolicy mirrors;
  AddRule(mirrors).add_mirror_hosts("a.internal");

  EXPECT_EQ(CanonicalText(UpstreamPolicy{}), "");
  EXPECT_NE(CanonicalText(one), CanonicalText(other));
  EXPECT_NE(CanonicalText(ReadPolicy(mirrors, true)), CanonicalText(Policy("in")));
  EXPECT_EQ(CanonicalText(one), CanonicalText(UpstreamPolicy(one)));
}

TEST(AClass, TravelsWithWhatItNarrows) {
  const UpstreamPolicy policy = Narrowed("rules");
  v1::UpstreamPolicy platform;
  v1::UpstreamPolicy of_class;
  ToProto(policy, platform);
  ToProto(*policy.narrowed_by, of_class);

  const std::optional<UpstreamPolicy> got = FromProto(platform, &of_class);

  ASSERT_TRUE(got.has_value() && got->narrowed_by.has_value());
  EXPECT_EQ(got->narrowed_by->unlisted, Unlisted::kNone);
  EXPECT_THAT(got->narrowed_by->rules.at(0).hosts,
              ElementsAre("harbor.internal", "elsewhere.internal"));
  of_class.set_unlisted("newer");
  EXPECT_EQ(FromProto(platform, &of_class), std::nullopt);
  EXPECT_NE(CanonicalText(policy), CanonicalText(Policy("rules")));
}

}  // namespace
}  // namespace connector::routing
