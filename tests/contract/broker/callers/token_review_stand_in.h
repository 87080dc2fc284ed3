#pragma once

// Stands in for an API server that knows one issuer's keys: what it accepts is decided by the code
// that verifies tokens elsewhere, and answered as a TokenReview.

#include "common/jose/claims.h"
#include "common/jose/jws.h"
#include "tests/support/cpp/review_stand_in.h"

#include <string>
#include <utility>

namespace connector::testing_support {

inline ReviewStandIn::Decide AcceptsTokensOf(jose::JwkSet keys) {
  return [keys = std::move(keys)](const kube::ResourceType&, const boost::json::object& body) {
    const auto& spec = body.at("spec").as_object();
    const auto payload = jose::VerifyCompact(std::string(spec.at("token").as_string()), keys);
    const auto claims =
        payload ? jose::ParseClaims(*payload) : Result<jose::Claims>(payload.error());
    boost::json::object status{{"authenticated", claims.has_value()}};
    if (claims) {
      status["audiences"] = spec.at("audiences");
      status["user"] = boost::json::object{{"username", claims->subject}, {"uid", "uid-1"}};
    }
    return boost::json::object{{"status", std::move(status)}};
  };
}

}  // namespace connector::testing_support
