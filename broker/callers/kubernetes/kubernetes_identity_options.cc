#include "broker/callers/kubernetes/kubernetes_identity_options.h"

#include "proto/connector/config/v1/broker.pb.h"

#include <chrono>
#include <string>

namespace connector::broker::callers {
namespace {

namespace pb = ::connector::config::v1;

constexpr std::uint32_t kMaxReviewsPerSecond = 10'000;

// Downward only: an answer that is older than the default may be wrong for longer than is promised.
std::chrono::milliseconds ReadCacheTime(const google::protobuf::Duration& from,
                                        const std::string& path,
                                        std::chrono::milliseconds max,
                                        config::OptionsReader& reader) {
  const auto read =
      std::chrono::seconds(from.seconds()) +
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(from.nanos()));
  if (read < std::chrono::milliseconds(0) || read > max) {
    reader.Complain(path, "must be between 0s and " + std::to_string(max.count() / 1000) + "s");
  }
  return read;
}

}  // namespace

KubernetesIdentityOptions ReadKubernetesIdentity(const pb::KubernetesIdentity& from,
                                                 config::OptionsReader& reader) {
  KubernetesIdentityOptions options;
  if (from.verify() == "jwks") {
    options.jwks = true;
  } else if (!from.verify().empty() && from.verify() != "tokenReview") {
    reader.Complain("identity.kubernetes.verify", "must be tokenReview or jwks");
  }
  options.issuer = from.issuer();
  if (from.max_reviews_per_second() > kMaxReviewsPerSecond) {
    reader.Complain("identity.kubernetes.maxReviewsPerSecond", "must be between 1 and 10000");
  } else if (from.max_reviews_per_second() > 0) {
    options.max_reviews_per_second = from.max_reviews_per_second();
  }
  if (from.has_positive_cache()) {
    options.positive_cache = ReadCacheTime(
        from.positive_cache(), "identity.kubernetes.positiveCache", options.positive_cache, reader);
  }
  if (from.has_negative_cache()) {
    options.negative_cache = ReadCacheTime(
        from.negative_cache(), "identity.kubernetes.negativeCache", options.negative_cache, reader);
  }
  return options;
}

}  // namespace connector::broker::callers
