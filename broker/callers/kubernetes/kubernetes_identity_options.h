#pragma once

// How callers of the cluster are verified: by TokenReview, or by the cluster's keys.

#include "common/config/options_reader.h"

#include <chrono>
#include <string>

namespace connector::config::v1 {
class KubernetesIdentity;
}  // namespace connector::config::v1

namespace connector::broker::callers {

struct KubernetesIdentityOptions {
  bool jwks = false;   // Else TokenReview.
  std::string issuer;  // Empty: the API server is asked.
  unsigned max_reviews_per_second = 200;
  std::chrono::milliseconds positive_cache = std::chrono::seconds(10);
  std::chrono::milliseconds negative_cache = std::chrono::seconds(5);
};

[[nodiscard]] KubernetesIdentityOptions ReadKubernetesIdentity(
    const config::v1::KubernetesIdentity& from, config::OptionsReader& reader);

}  // namespace connector::broker::callers
