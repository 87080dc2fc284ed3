#include "broker/authorization/decision.h"

#include "tests/unit/broker/api/fakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::authorization {
namespace {

using api::HarborConnector;

using ::testing::AnyOf;
using ::testing::HasSubstr;

struct MintError {
  std::string_view name;
  ErrorCode code;
  ErrorOrigin origin;
  Retry retry;
  v1::DenialReason reason;
  bool retry_after;
  friend void PrintTo(const MintError& row, std::ostream* os) { *os << row.name; }
};

class MintFailedSays : public ::testing::TestWithParam<MintError> {};

TEST_P(MintFailedSays, WhichReasonAndNamesTheRegistry) {
  const MintError& row = GetParam();
  const Error error = MakeError(row.code, row.origin, "inner detail", row.retry);

  const Refusal refusal = MintFailed(HarborConnector("default", "harbor", {}), error);

  EXPECT_EQ(refusal.reason, row.reason);
  EXPECT_EQ(refusal.retry_after.count() > 0, row.retry_after);
  EXPECT_THAT(refusal.message, HasSubstr("harbor.example.com"));
  EXPECT_THAT(refusal.message, AnyOf(HasSubstr("ask"), HasSubstr("try again")));  // The next step.
  EXPECT_EQ(refusal.message.find("inner detail"), std::string::npos);
  EXPECT_EQ(refusal.detail, "inner detail");
}

using Code = ErrorCode;
using From = ErrorOrigin;
INSTANTIATE_TEST_SUITE_P(EveryError,
                         MintFailedSays,
                         ::testing::Values(MintError{"SecretAbsent",
                                                     Code::kNotFound,
                                                     From::kSelf,
                                                     Retry::kNever,
                                                     v1::DENIAL_REASON_SECRET_UNAVAILABLE,
                                                     false},
                                           MintError{"SecretLacksAKey",
                                                     Code::kInvalidArgument,
                                                     From::kSelf,
                                                     Retry::kNever,
                                                     v1::DENIAL_REASON_SECRET_UNAVAILABLE,
                                                     false},
                                           MintError{"StoreDown",
                                                     Code::kUnavailable,
                                                     From::kSelf,
                                                     Retry::kSafe,
                                                     v1::DENIAL_REASON_SECRET_UNAVAILABLE,
                                                     true},
                                           MintError{"StoreTooSlow",
                                                     Code::kDeadlineExceeded,
                                                     From::kBroker,
                                                     Retry::kSafe,
                                                     v1::DENIAL_REASON_SECRET_UNAVAILABLE,
                                                     true},
                                           MintError{"StoreRefusesTheBroker",
                                                     Code::kPermissionDenied,
                                                     From::kSelf,
                                                     Retry::kNever,
                                                     v1::DENIAL_REASON_SECRET_UNAVAILABLE,
                                                     false},
                                           MintError{"CredentialRefused",
                                                     Code::kPermissionDenied,
                                                     From::kUpstream,
                                                     Retry::kNever,
                                                     v1::DENIAL_REASON_UPSTREAM_REFUSED,
                                                     false},
                                           MintError{"ToldToWait",
                                                     Code::kResourceExhausted,
                                                     From::kUpstream,
                                                     Retry::kSafe,
                                                     v1::DENIAL_REASON_RATE_LIMITED,
                                                     true},
                                           MintError{"TheCallersShareUsedUp",
                                                     Code::kResourceExhausted,
                                                     From::kSelf,
                                                     Retry::kSafe,
                                                     v1::DENIAL_REASON_RATE_LIMITED,
                                                     true},
                                           MintError{"NoAnswerInTime",
                                                     Code::kDeadlineExceeded,
                                                     From::kUpstream,
                                                     Retry::kSafe,
                                                     v1::DENIAL_REASON_UPSTREAM_TIMEOUT,
                                                     true},
                                           MintError{"NoAnswer",
                                                     Code::kUnavailable,
                                                     From::kUpstream,
                                                     Retry::kSafe,
                                                     v1::DENIAL_REASON_UPSTREAM_UNAVAILABLE,
                                                     true},
                                           MintError{"Nonsense",
                                                     Code::kInvalidArgument,
                                                     From::kUpstream,
                                                     Retry::kNever,
                                                     v1::DENIAL_REASON_UPSTREAM_UNAVAILABLE,
                                                     true},
                                           MintError{"ABug",
                                                     Code::kInternal,
                                                     From::kSelf,
                                                     Retry::kNever,
                                                     v1::DENIAL_REASON_UPSTREAM_UNAVAILABLE,
                                                     true}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(MintFailed, NamesVaultAndThePathOfACredentialThere) {
  resource::Connector connector = HarborConnector("default", "harbor", {});
  connector.auth.secret_name.reset();
  connector.auth.vault = {"", "secret/data/ci/harbor"};
  const Error sealed =
      MakeError(ErrorCode::kUnavailable, ErrorOrigin::kBroker, "sealed", Retry::kSafe);
  const Error denied = MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kBroker, "no");

  EXPECT_EQ(MintFailed(connector, sealed).message,
            "The credential that connector default/harbor keeps for harbor.example.com, in Vault "
            "at secret/data/ci/harbor, cannot be read right now; try again.");
  EXPECT_EQ(MintFailed(connector, denied).message,
            "The credential that connector default/harbor keeps for harbor.example.com, in Vault "
            "at secret/data/ci/harbor, cannot be used; ask the connector's owner to check it.");
}

TEST(MintFailed, PassesOnHowLongTheUpstreamAsksToWaitWithinReason) {
  Error error = MakeError(ErrorCode::kResourceExhausted, ErrorOrigin::kUpstream, "wait");
  error.retry_after = std::chrono::seconds(42);
  EXPECT_EQ(MintFailed(HarborConnector("a", "b", {}), error).retry_after.count(), 42);
  error.retry_after = std::chrono::hours(1000);
  EXPECT_EQ(MintFailed(HarborConnector("a", "b", {}), error).retry_after.count(), 3600);
}

TEST(ReasonName, LeavesTheEnumsPrefixOut) {
  EXPECT_EQ(ReasonName(v1::DENIAL_REASON_ACCESS_DENIED), "ACCESS_DENIED");
}

}  // namespace
}  // namespace connector::broker::authorization
