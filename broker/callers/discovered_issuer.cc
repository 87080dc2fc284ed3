#include "broker/callers/discovered_issuer.h"

#include "broker/callers/oidc/key_source.h"

#include <boost/json.hpp>

#include <utility>

namespace connector::broker::callers {

void DiscoveredIssuer::Set(Discovered discovered) {
  auto shared = std::make_shared<const Discovered>(std::move(discovered));
  const std::lock_guard lock(mutex_);
  discovered_ = std::move(shared);
}

std::shared_ptr<const DiscoveredIssuer::Discovered> DiscoveredIssuer::Get() const {
  const std::lock_guard lock(mutex_);
  return discovered_;
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
