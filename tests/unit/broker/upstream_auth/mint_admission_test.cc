#include "broker/upstream_auth/mint_admission.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <cstddef>
#include <string>

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

// A tenant makes and deletes Connectors without end, each with a name of its own.
TEST(MintAdmission, KeepsNothingOfConnectorsThatAskNoLonger) {
  MintAdmission admission;
  EndpointLimiter::Attempt attempt = AttemptOf("alice", "a");
  const auto bytes_after = [&](int connectors) {
    for (int i = 0; i < connectors; ++i) {
      attempt.started += std::chrono::minutes(1);
      const ConnectorRef connector{"team-a",
                                   std::to_string(i) + "-of-" + std::to_string(connectors)};
      EXPECT_FALSE(admission.Admit(connector, attempt).has_value());
      admission.Ended(connector, attempt).Succeeded(attempt);
    }
    return ::mallinfo2().uordblks;
  };
  const std::size_t before = bytes_after(1000);

  EXPECT_LT(bytes_after(20'000), before + std::size_t{1024} * 1024);
}

}  // namespace
}  // namespace connector::broker::upstream_auth
