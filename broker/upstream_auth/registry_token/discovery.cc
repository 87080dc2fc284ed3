#include "broker/upstream_auth/registry_token/discovery.h"

#include "broker/upstream_auth/upstream_status.h"

#include <optional>
#include <utility>

namespace connector::broker::upstream_auth {
namespace {

using ChallengeList = std::vector<oci::Challenge>;

Result<ChallengeList> ReadChallenges(const curl::CurlResponse& response,
                                     const std::string& registry) {
  const auto header = response.headers.find("www-authenticate");
  Result<ChallengeList> challenges =
      oci::ParseChallenges(header == response.headers.end() ? "" : header->second);
  if (!challenges) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kUpstream,
                     "the registry " + registry +
                         " does not say how to authenticate: " + challenges.error().message);
  }
  return challenges;
}

// Whether a request to a repository may say more than this answer of `/v2/`: where a front serves
// repositories only, or where some of them are open.
bool RepositoryMaySayMore(const curl::CurlResponse& response) {
  return response.status < 429 &&
         (response.status != 401 || !response.headers.contains("www-authenticate"));
}

// The answer to the request to a repository, of which only these say something.
std::optional<Result<ChallengeList>> OfRepository(const curl::CurlResponse& response,
                                                  const std::string& registry) {
  if (response.status == 401 && response.headers.contains("www-authenticate")) {
    return ReadChallenges(response, registry);
  }
  if (response.status == 200) {
    return ChallengeList{};
  }
  return std::nullopt;
}

Result<ChallengeList> OfRegistry(const curl::CurlResponse& response, const std::string& registry) {
  if (response.status == 200) {
    return ChallengeList{};
  }
  if (response.status != 401) {
    return UnexpectedStatus(response, "the registry " + registry + " at /v2/");
  }
  return ReadChallenges(response, registry);
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
  Result<ChallengeList> challenges = co_await Ask(request, deadline);
  // What is open may be so for this repository alone.
  if (challenges && !challenges->empty()) {
    const WallTime now = clock_.Now();
    const std::lock_guard lock(mutex_);
    cache_.Put(key, *challenges, {now, now + kDiscoveryLife});
  }
  co_return challenges;
}

Task<Result<std::vector<oci::Challenge>>> Discovery::Ask(MintRequest request, Deadline deadline) {
  const std::string registry = request.connector->address.Authority();
  std::string path = "/v2/";
  const Result<curl::CurlResponse> root = co_await Get(request, std::move(path), deadline);
  if (!root) {
    co_return TransferError(root.error());
  }
  if (request.scopes.empty() || !RepositoryMaySayMore(*root)) {
    co_return OfRegistry(*root, registry);
  }
  // Any 401 carries a challenge (RFC 9110 section 15.5.2), whatever the tag.
  path = "/v2/" + request.scopes.front().repository + "/manifests/latest";
  const Result<curl::CurlResponse> of_repository = co_await Get(request, std::move(path), deadline);
  std::optional<Result<ChallengeList>> said;
  if (of_repository) {
    said = OfRepository(*of_repository, registry);
  }
  co_return said ? *std::move(said) : OfRegistry(*root, registry);
}

Task<Result<curl::CurlResponse>> Discovery::Get(MintRequest request,
                                                std::string path,
                                                Deadline deadline) {
  curl::CurlRequest get;
  get.url = {request.connector->address, std::move(path), ""};
  get.ca_pem = request.ca_pem;
  get.connect_timeout = request.connector->upstream.limits.connect_timeout;
  UpstreamClient::Purpose purpose{request.connector->ref, request.policy};
  co_return co_await client_.Perform(std::move(purpose), std::move(get), deadline);
}

}  // namespace connector::broker::upstream_auth
