#include "broker/upstream_auth/upstream_client.h"

#include <span>
#include <utility>

namespace connector::broker::upstream_auth {

Error NoConnection(const http::Origin& origin) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kUpstream,
                   "the broker could not connect to " + origin.Authority() +
                       ", or the platform does not allow its address",
                   Retry::kSafe);
}

Task<Result<curl::CurlResponse>> UpstreamClient::Perform(Purpose purpose,
                                                         curl::CurlRequest request,
                                                         Deadline deadline) {
  const http::Origin origin = request.url.origin;
  const auto check = std::make_shared<curl::ConnectionCheck>();
  check->why_not = [origin, policy = purpose.policy](std::span<const std::uint8_t> bytes) {
    const routing::IpAddress address(bytes);
    constexpr routing::Destination kRegistry = routing::Destination::kRegistry;
    return routing::MayConnect(*policy, origin, kRegistry, address)
               ? std::string()
               : routing::WhyNotConnected(*policy, origin, kRegistry, address);
  };
  request.connection_check = check;
  Result<curl::CurlResponse> response = co_await client_.Perform(std::move(request), deadline);
  if (!response && check->no_connection) {
    if (observe_) {
      observe_(purpose.connector, response.error().message);
    }
    co_return NoConnection(origin);
  }
  co_return response;
}

}  // namespace connector::broker::upstream_auth
