#include "broker/callers/discovered_issuer.h"

#include "broker/callers/oidc/key_source.h"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace connector::broker::callers {

bool DiscoveredIssuer::Set(Discovered discovered) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(discovered_.begin(), discovered_.end(), [&](const auto& known) {
    return known->issuer == discovered.issuer;
  });
  if (found != discovered_.end()) {
    std::rotate(discovered_.begin(), found, found + 1);
    return false;
  }
  discovered_.insert(discovered_.begin(),
                     std::make_shared<const Discovered>(std::move(discovered)));
  discovered_.resize(std::min(discovered_.size(), kMaxDiscoveredIssuers));
  return true;
}

std::shared_ptr<const DiscoveredIssuer::Discovered> DiscoveredIssuer::Get() const {
  const std::lock_guard lock(mutex_);
  return discovered_.empty() ? nullptr : discovered_.front();
}

std::shared_ptr<const DiscoveredIssuer::Discovered> DiscoveredIssuer::Find(
    std::string_view issuer) const {
  const std::lock_guard lock(mutex_);
  for (const auto& known : discovered_) {
    if (known->issuer == issuer) {
      return known;
    }
  }
  return nullptr;
}

Task<std::shared_ptr<const DiscoveredIssuer::Discovered>> DiscoveredIssuer::FindOrLearn(
    std::string issuer, Deadline deadline) const {
  auto known = Find(issuer);
  if (!known && learn_again_) {
    (void)co_await learn_again_(deadline);
    known = Find(issuer);
  }
  co_return known;
}

Result<std::string> ReadIssuer(std::string_view document) {
  boost::system::error_code ec;
  const boost::json::value root = document.size() > kMaxDiscoveryBytes
                                      ? boost::json::value()
                                      : boost::json::parse(document, ec);
  const boost::json::value* issuer =
      !ec && root.is_object() ? root.get_object().if_contains("issuer") : nullptr;
  if (issuer == nullptr || !issuer->is_string() || issuer->get_string().empty()) {
    return MakeError(ErrorCode::kUnavailable,
                     ErrorOrigin::kUpstream,
                     "the API server's discovery document names no issuer",
                     Retry::kSafe);
  }
  return std::string(issuer->get_string());
}

}  // namespace connector::broker::callers
