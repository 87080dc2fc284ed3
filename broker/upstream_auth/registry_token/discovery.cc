#include "broker/upstream_auth/registry_token/discovery.h"

#include "broker/upstream_auth/upstream_status.h"

#include <utility>

namespace connector::broker::upstream_auth {
namespace {

Result<std::vector<oci::Challenge>> ReadAnswer(const curl::CurlResponse& response,
                                               const std::string& registry) {
  if (response.status == 200) {
    return std::vector<oci::Challenge>{};
  }
  if (response.status != 401) {
    return UnexpectedStatus(response, "the registry " + registry + " at /v2/");
  }
  const auto header = response.headers.find("www-authenticate");
  Result<std::vector<oci::Challenge>> challenges =
      oci::ParseChallenges(header == response.headers.end() ? "" : header->second);
  if (!challenges) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kUpstream,
                     "the registry " + registry +
                         " does not say how to authenticate: " + challenges.error().message);
  }
  return challenges;
}

}  // namespace

Discovery::Key Discovery::KeyOf(const MintRequest& request) {
  return {request.connector->ref, request.connector->address, request.ca_pem};
}

void Discovery::Forget(const MintRequest& request) {
  const std::lock_guard lock(mutex_);
  cache_.Erase(KeyOf(request));
}

Task<Result<std::vector<oci::Challenge>>> Discovery::Challenges(MintRequest request,
                                                                Deadline deadline) {
  const Key key = KeyOf(request);
  {
    const std::lock_guard lock(mutex_);
    if (const auto* const known = cache_.Find(key, clock_.Now())) {
      co_return *known;
    }
  }
  curl::CurlRequest get;
  get.url = {request.connector->address, "/v2/", ""};
  get.ca_pem = request.ca_pem;
  get.connect_timeout = request.connector->upstream.limits.connect_timeout;
  UpstreamClient::Purpose purpose{request.connector->ref, request.policy};
  Result<curl::CurlResponse> response =
      co_await client_.Perform(std::move(purpose), std::move(get), deadline);
  if (!response) {
    co_return TransferError(std::move(response).error());
  }
  Result<std::vector<oci::Challenge>> challenges =
      ReadAnswer(*response, request.connector->address.Authority());
  if (challenges) {
    const WallTime now = clock_.Now();
    const std::lock_guard lock(mutex_);
    cache_.Put(key, *challenges, {now, now + kDiscoveryLife});
  }
  co_return challenges;
}

}  // namespace connector::broker::upstream_auth
