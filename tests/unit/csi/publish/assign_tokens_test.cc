#include "csi/publish/assign_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace connector::csi::publish {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Optional;

const WallTime kLater{std::chrono::seconds(2000)};
const WallTime kSooner{std::chrono::seconds(1000)};
const ConnectorRef kHarbor{"ci", "harbor"};
const ConnectorRef kHub{"shared", "hub"};

auto LacksToken(const std::string& says) {
  return Optional(AllOf(Field(&PublishFailure::reason, Reason::kToken),
                        Field(&PublishFailure::message, HasSubstr(says))));
}

class AssignTokensTest : public ::testing::Test {
 protected:
  void HandOver(const std::string& audience, const std::string& token, WallTime until = kLater) {
    tokens_.Add(audience, {Secret(token), until});
  }
  std::optional<PublishFailure> Assign(const std::vector<ConnectorRef>& connectors) {
    request_ = {};
    for (const ConnectorRef& ref : connectors) {
      render::VolumeConnector connector;
      connector.ref = ref;
      request_.connectors.push_back(std::move(connector));
    }
    return AssignTokens(tokens_, rules_, strict_, request_, expires_at_);
  }
  // Empty: none of its own.
  std::string TokenOf(std::size_t i) {
    const auto& token = request_.connectors.at(i).token;
    return token ? std::string(token->Reveal()) : std::string();
  }

  volume::KubeletTokens tokens_;
  AudienceRules rules_;
  StrictConnectors strict_;
  render::VolumeRequest request_;
  WallTime expires_at_{};
};

TEST_F(AssignTokensTest, GivesTheTokenForEveryConnectorWhereThereIsNoOther) {
  HandOver("oci-connector", "broad");
  HandOver("oci-connector/ci/other", "other");

  ASSERT_EQ(Assign({kHarbor, kHub}), std::nullopt);

  EXPECT_EQ(request_.token.Reveal(), "broad");
  EXPECT_EQ(TokenOf(0), "");
  EXPECT_EQ(expires_at_, kLater);
}

TEST_F(AssignTokensTest, GivesAConnectorItsOwnAndTheOthersTheOneForAll) {
  HandOver("oci-connector", "broad");
  HandOver("oci-connector/ci/harbor", "own", kSooner);

  ASSERT_EQ(Assign({kHarbor, kHub}), std::nullopt);

  EXPECT_EQ(TokenOf(0), "own");
  EXPECT_EQ(TokenOf(1), "");
  EXPECT_EQ(request_.token.Reveal(), "broad");
  EXPECT_EQ(expires_at_, kSooner);
}

TEST_F(AssignTokensTest, LeavesTheOneForAllOutWhereNobodyNeedsIt) {
  HandOver("oci-connector", "broad", kSooner);
  HandOver("oci-connector/ci/harbor", "own");
  HandOver("oci-connector/shared/hub", "hub");

  ASSERT_EQ(Assign({kHarbor, kHub}), std::nullopt);
  EXPECT_TRUE(request_.token.empty());
  EXPECT_EQ(TokenOf(1), "hub");
  EXPECT_EQ(expires_at_, kLater);

  ASSERT_EQ(Assign({kHarbor}), std::nullopt);
  EXPECT_EQ(request_.token.Reveal(), "own");
}

TEST_F(AssignTokensTest, RefusesAStrictConnectorThatHasNoneOfItsOwn) {
  HandOver("oci-connector", "broad");
  HandOver("oci-connector/ci/harbor", "own");
  strict_ = {kHub};

  EXPECT_THAT(Assign({kHarbor, kHub}),
              LacksToken("connector \"shared/hub\" accepts only tokens of the audience "
                         "oci-connector/shared/hub (requireConnectorAudience), and the kubelet "
                         "handed over none: the CSIDriver object needs tokenRequests with it (in "
                         "the chart csi.connectorAudiences: [shared/hub])"));
  EXPECT_EQ(Assign({kHarbor}), std::nullopt);
}

TEST_F(AssignTokensTest, RefusesEveryConnectorWithoutItsOwnWhereTheBrokerAcceptsNoOther) {
  HandOver("oci-connector", "broad");
  rules_.require_connector_audience = true;

  EXPECT_THAT(Assign({kHarbor}), LacksToken("[ci/harbor]"));
}

TEST_F(AssignTokensTest, SaysThatTheTokenForEveryConnectorIsMissing) {
  HandOver("oci-connector/ci/harbor", "own");

  EXPECT_THAT(Assign({kHarbor, kHub}),
              LacksToken("connector \"shared/hub\" needs a token of the audience oci-connector,"));
}

}  // namespace
}  // namespace connector::csi::publish
