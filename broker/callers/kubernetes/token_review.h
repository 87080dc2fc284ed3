#pragma once

// Builds and reads a TokenReview (authentication.k8s.io/v1). Pure. Internal to
// broker/callers.

#include "broker/callers/caller_verifier.h"
#include "common/base/result.h"

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::callers {

// Holds the token: the object lives in memory that is wiped.
[[nodiscard]] boost::json::object TokenReviewOf(std::string_view token,
                                                const std::vector<std::string>& audiences);

// Whom the API server takes the token for. Fails with kUnauthenticated, one message per check, when
// it does not accept it, does not confirm all `audiences` (an API server that knows no audiences
// answers without, and would let its own tokens pass), or takes it for somebody who is no
// ServiceAccount; with kUnavailable when this is not the answer to a TokenReview.
[[nodiscard]] Result<KubernetesUser> ReadTokenReview(const boost::json::object& answer,
                                                     const std::vector<std::string>& audiences);

// How to get a token that is accepted, for a sentence's end.
[[nodiscard]] std::string HowToGetAToken(std::string_view audience);

}  // namespace connector::broker::callers
