#include "broker/upstream_auth/mint_admission.h"

#include <gtest/gtest.h>

namespace connector::broker::upstream_auth {
namespace {

EndpointLimiter::Attempt AttemptOf(const std::string& subject, const std::string& repository) {
  return {"key",
          subject,
          {{repository, {oci::Action::kPull}}},
          EndpointLimiter::Time(std::chrono::seconds(1'000'000))};
}

TEST(MintAdmission, HoldsNoPlaceOfTheNamespaceForOneThatItsConnectorRefused) {
  MintAdmission admission;
  const ConnectorRef harbor{"team-a", "harbor"};
  const EndpointLimiter::Attempt failing = AttemptOf("alice", "a");
  ASSERT_FALSE(admission.Admit(harbor, failing).has_value());
  admission.Ended(harbor, failing)
      .Failed(failing,
              MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "it failed"),
              failing.started,
              0);

  for (std::uint64_t i = 0; i < 2 * kMaxMintsOfAll; ++i) {
    ASSERT_TRUE(admission.Admit(harbor, failing).has_value());
  }

  EXPECT_FALSE(admission.Admit(harbor, AttemptOf("bob", "b")).has_value());
}

}  // namespace
}  // namespace connector::broker::upstream_auth
