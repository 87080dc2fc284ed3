#include "broker/api/issue_request.h"

#include "tests/support/cpp/result_matchers.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <gtest/gtest.h>

#include <functional>

namespace connector::broker::api {
namespace {

using testing_support::HasError;

v1::IssueTokenRequest Valid() {
  v1::IssueTokenRequest request;
  request.mutable_connector()->set_namespace_("default");
  request.mutable_connector()->set_name("harbor");
  request.set_caller_token("token");
  request.set_request_id("r-1");
  request.set_client_address("[2001:db8::1]:443");
  v1::Scope& scope = *request.add_scopes();
  scope.set_repository("team-a/app");
  scope.add_actions(v1::ACTION_PULL);
  return request;
}

void AddScope(v1::IssueTokenRequest& request, const std::string& repository, v1::Action action) {
  v1::Scope& scope = *request.add_scopes();
  scope.set_repository(repository);
  scope.add_actions(action);
}

TEST(ParseIssueRequest, SortsScopesAndMergesThoseOfOneRepository) {
  v1::IssueTokenRequest request = Valid();
  AddScope(request, "team-a/app", v1::ACTION_PUSH);
  AddScope(request, "base/image", v1::ACTION_PULL);

  const Result<IssueQuery> query = ParseIssueRequest(request);

  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->scopes,
            (std::vector<oci::Scope>{{"base/image", {oci::Action::kPull}},
                                     {"team-a/app", {oci::Action::kPull, oci::Action::kPush}}}));
  EXPECT_EQ(query->target, authorization::Target(ConnectorRef{"default", "harbor"}));
  EXPECT_EQ(query->caller_token.Reveal(), "token");
  EXPECT_EQ(query->request_id, "r-1");
  EXPECT_EQ(query->client_address, "[2001:db8::1]:443");
}

TEST(ParseIssueRequest, TakesWhatIsJustWithinTheLimits) {
  v1::IssueTokenRequest request = Valid();
  request.set_caller_token(std::string(kMaxCallerTokenBytes, 't'));
  request.set_request_id(std::string(kMaxRequestIdBytes, 'r'));
  request.clear_scopes();
  for (std::size_t i = 0; i < kMaxScopes; ++i) {
    AddScope(request, "a" + std::to_string(i), v1::ACTION_DELETE);
  }

  EXPECT_TRUE(ParseIssueRequest(request).has_value());
}

struct Refused {
  std::string_view name;
  std::function<void(v1::IssueTokenRequest&)> change;
  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class ParseIssueRequestRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(ParseIssueRequestRefuses, WithInvalidArgument) {
  v1::IssueTokenRequest request = Valid();
  GetParam().change(request);

  EXPECT_FALSE(ParseIssueRequest(request).has_value());
}

using R = v1::IssueTokenRequest;
INSTANTIATE_TEST_SUITE_P(
    Malformed,
    ParseIssueRequestRefuses,
    ::testing::Values(
        Refused{"ALongToken", [](R& r) { r.set_caller_token(std::string(16385, 't')); }},
        Refused{"ALongRequestId", [](R& r) { r.set_request_id(std::string(129, 'r')); }},
        Refused{"ALineBreakInTheRequestId", [](R& r) { r.set_request_id("a\nb"); }},
        Refused{"ALongClientAddress", [](R& r) { r.set_client_address(std::string(129, '1')); }},
        Refused{"ASpaceInTheClientAddress", [](R& r) { r.set_client_address("10.0.0.1 x"); }},
        Refused{"NineScopes",
                [](R& r) {
                  for (int i = 0; i < 8; ++i) {
                    AddScope(r, "same", v1::ACTION_PULL);
                  }
                }},
        Refused{"ARepositoryOutsideTheGrammar",
                [](R& r) { AddScope(r, "a/../b", v1::ACTION_PULL); }},
        Refused{"AnEmptyRepository", [](R& r) { AddScope(r, "", v1::ACTION_PULL); }},
        Refused{"AScopeWithoutActions", [](R& r) { r.add_scopes()->set_repository("a"); }},
        Refused{"AnUnspecifiedAction", [](R& r) { AddScope(r, "a", v1::ACTION_UNSPECIFIED); }},
        Refused{"AnUnknownAction", [](R& r) { AddScope(r, "a", static_cast<v1::Action>(9)); }},
        Refused{"AConnectorWithoutNamespace",
                [](R& r) { r.mutable_connector()->clear_namespace_(); }},
        Refused{"AConnectorWithoutName", [](R& r) { r.mutable_connector()->clear_name(); }},
        Refused{"AnEmptyHost", [](R& r) { r.set_upstream_host(""); }},
        Refused{"ALongHost", [](R& r) { r.set_upstream_host(std::string(254, 'h')); }},
        Refused{"ScopesWithoutATarget", [](R& r) { r.clear_connector(); }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(LabelsOf, KeepsOnlyWhatMayBeWrittenDown) {
  v1::IssueTokenRequest request = Valid();
  request.set_client_address("a\nb");

  EXPECT_EQ(LabelsOf(request).request_id, "r-1");
  EXPECT_EQ(LabelsOf(request).client_address, "");
}

}  // namespace
}  // namespace connector::broker::api
