#include "tests/contract/broker/callers/caller_verifier_contract.h"

#include "broker/callers/kubernetes/token_review_verifier.h"
#include "broker/callers/local/local_verifier.h"
#include "broker/callers/oidc/oidc_verifier.h"
#include "broker/callers/verifier_chain.h"
#include "tests/contract/broker/callers/issuer_stand_in.h"
#include "tests/contract/broker/callers/temp_file.h"
#include "tests/contract/broker/callers/token_review_stand_in.h"

#include <memory>
#include <utility>

namespace connector::broker::callers {
namespace {

using testing_support::IssuerStandIn;
using testing_support::ManualClock;
using testing_support::SigningKey;
using testing_support::TempFile;

struct Published {
  ManualClock clock;
  SigningKey key = SigningKey::Ec();
  std::string jwks = testing_support::Jwks({key.PublicJwk(testing_support::kTestKid)});
};

struct LocalHarness : Published {
  TempFile file{jwks};
  std::unique_ptr<CallerVerifier> made = *MakeLocalVerifier(
      {testing_support::kTestIssuer, testing_support::kTestAudience, file.path(), {}, true}, clock);

  CallerVerifier& verifier() { return *made; }
};

struct OidcHarness : Published {
  IssuerStandIn issuer{jwks};
  std::unique_ptr<CallerVerifier> made =
      *MakeOidcVerifier({.source = {.issuer = testing_support::kTestIssuer,
                                    .ca_pem = {},
                                    .jwks_uri = {},
                                    .allow_insecure = false},
                         .audience = testing_support::kTestAudience,
                         .kubernetes = true,
                         .own_cluster = true,
                         .wait_with_old_keys = std::chrono::seconds(2),
                         .on_refresh = {}},
                        issuer.Fetch(),
                        clock);

  CallerVerifier& verifier() { return *made; }
};

// VerifyNow brings an executor of its own each time; what is under the ceiling needs none.
struct TokenReviewHarness : Published {
  asio::io_context io;
  testing_support::ReviewStandIn api{testing_support::AcceptsTokensOf(*jose::ParseJwkSet(jwks))};
  callers::ReviewScheduler reviews{api.Post(), {}, io.get_executor(), {}};
  IssuerStandIn issuer{jwks};
  std::shared_ptr<IssuerKeys> keys = std::make_shared<IssuerKeys>(
      IssuerKeysOptions{.source = {testing_support::kTestIssuer, "", std::nullopt, false}},
      issuer.Fetch(),
      clock);
  std::unique_ptr<CallerVerifier> made =
      MakeTokenReviewVerifier({.issuer = testing_support::kTestIssuer,
                               .audience = testing_support::kTestAudience,
                               .on_cache_hit = {}},
                              keys,
                              reviews,
                              clock);

  CallerVerifier& verifier() { return *made; }
};

template <typename Inner>
struct ChainHarness : Inner {
  std::unique_ptr<CallerVerifier> chain = MakeChain();

  std::unique_ptr<CallerVerifier> MakeChain() {
    std::vector<IssuerVerifier> verifiers;
    verifiers.push_back({testing_support::kTestIssuer, std::move(this->made)});
    return *MakeVerifierChain(std::move(verifiers), this->clock);
  }
  CallerVerifier& verifier() { return *chain; }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Local, CallerVerifierContract, LocalHarness);
INSTANTIATE_TYPED_TEST_SUITE_P(Oidc, CallerVerifierContract, OidcHarness);
INSTANTIATE_TYPED_TEST_SUITE_P(TokenReview, CallerVerifierContract, TokenReviewHarness);
INSTANTIATE_TYPED_TEST_SUITE_P(ChainOfLocal, CallerVerifierContract, ChainHarness<LocalHarness>);
INSTANTIATE_TYPED_TEST_SUITE_P(ChainOfOidc, CallerVerifierContract, ChainHarness<OidcHarness>);
INSTANTIATE_TYPED_TEST_SUITE_P(ChainOfTokenReview,
                               CallerVerifierContract,
                               ChainHarness<TokenReviewHarness>);

}  // namespace
}  // namespace connector::broker::callers
