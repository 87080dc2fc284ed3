#include "broker/upstream_auth/registry_token/token_flow.h"

#include "broker/upstream_auth/basic/basic_value.h"
#include "broker/upstream_auth/registry_token/token_answer.h"
#include "broker/upstream_auth/upstream_status.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace connector::broker::upstream_auth {
namespace {

Error Refused(ErrorCode code, std::string message) {
  return MakeError(code, ErrorOrigin::kUpstream, std::move(message));
}

bool HasBasic(const std::vector<oci::Challenge>& challenges) {
  return std::any_of(challenges.begin(), challenges.end(), [](const oci::Challenge& challenge) {
    return std::holds_alternative<oci::BasicChallenge>(challenge);
  });
}

// The pinned token endpoint among the challenges of `/v2/`.
Result<TokenEndpoint> EndpointIn(const std::vector<oci::Challenge>& challenges,
                                 const MintRequest& request) {
  for (const oci::Challenge& challenge : challenges) {
    if (const auto* bearer = std::get_if<oci::BearerChallenge>(&challenge)) {
      return PinnedEndpoint(*request.connector, *bearer);
    }
  }
  const std::string registry = request.connector->address.Authority();
  if (request.credential == nullptr) {
    return Refused(ErrorCode::kPermissionDenied,
                   "the registry " + registry +
                       " wants a user name and a password; set spec.auth.name to basicAuth");
  }
  return Refused(ErrorCode::kInvalidArgument,
                 "the registry " + registry +
                     " has no token service, only Basic authentication; set spec.auth.name to "
                     "basicAuth");
}

// True when POST may succeed after this answer to GET with Basic.
bool PostMayHelp(const curl::CurlResponse& response) {
  if (response.status == 404 || response.status == 405) {
    return true;
  }
  const auto header = response.headers.find("www-authenticate");
  if (response.status != 401 || header == response.headers.end()) {
    return false;
  }
  const Result<std::vector<oci::Challenge>> challenges = oci::ParseChallenges(header->second);
  return challenges && !HasBasic(*challenges);
}

Result<UpstreamToken> ReadResponse(const curl::CurlResponse& response,
                                   const MintRequest& request,
                                   const TokenEndpoint& endpoint,
                                   WallTime now) {
  const std::string who = "the token service of " + endpoint.realm.origin.Authority();
  if (response.status == 401 || response.status == 403) {
    return Refused(ErrorCode::kPermissionDenied,
                   request.credential == nullptr
                       ? who + " gives no anonymous token"
                       : who + " refused the stored credential of connector " +
                             request.connector->ref.ToString());
  }
  if (response.status != 200) {
    return UnexpectedStatus(response, who);
  }
  Result<UpstreamToken> token = ReadTokenAnswer(response.body.Reveal(), now);
  if (!token) {
    Error error = std::move(token).error();
    error.message = who + " " + error.message;
    return error;
  }
  return token;
}

curl::CurlRequest PostRequest(const MintRequest& request, const TokenEndpoint& endpoint) {
  curl::CurlRequest post;
  post.method = "POST";
  post.url = endpoint.realm;
  post.headers.push_back({"Content-Type", Secret("application/x-www-form-urlencoded")});
  post.body = TokenForm(endpoint, OrderedForTokenService(request.scopes), *request.credential);
  return post;
}

Result<curl::CurlRequest> FirstRequest(const MintRequest& request, const TokenEndpoint& endpoint) {
  const secrets::RegistryCredential* credential = request.credential.get();
  if (credential != nullptr && !credential->identity_token.empty()) {
    return PostRequest(request, endpoint);
  }
  curl::CurlRequest get;
  get.url = TokenUrl(endpoint, OrderedForTokenService(request.scopes));
  if (credential != nullptr) {
    Result<Secret> basic = BasicValue(*credential, request.connector->ref);
    if (!basic) {
      return std::move(basic).error();
    }
    get.headers.push_back({"Authorization", Secret("Basic ", basic->Reveal(), "")});
  }
  return get;
}

}  // namespace

Task<Result<curl::CurlResponse>> TokenFlow::Send(curl::CurlRequest http,
                                                 MintRequest request,
                                                 Deadline deadline) {
  http.headers.push_back({"Accept", Secret("application/json")});
  http.ca_pem = request.ca_pem;
  http.max_response_bytes = kMaxTokenAnswerBytes;
  http.connect_timeout = request.connector->upstream.limits.connect_timeout;
  UpstreamClient::Purpose purpose{request.connector->ref, request.policy};
  Result<curl::CurlResponse> response =
      co_await client_.Perform(std::move(purpose), std::move(http), deadline);
  if (!response) {
    co_return TransferError(std::move(response).error());
  }
  co_return response;
}

Task<Result<UpstreamToken>> TokenFlow::Ask(MintRequest request,
                                           TokenEndpoint endpoint,
                                           Deadline deadline) {
  Result<curl::CurlRequest> first = FirstRequest(request, endpoint);
  if (!first) {
    co_return std::move(first).error();
  }
  const bool is_get = first->method == "GET";
  Result<curl::CurlResponse> response = co_await Send(*std::move(first), request, deadline);
  if (response && is_get && request.credential != nullptr && PostMayHelp(*response)) {
    curl::CurlRequest post = PostRequest(request, endpoint);
    response = co_await Send(std::move(post), request, deadline);
  }
  if (!response) {
    co_return std::move(response).error();
  }
  co_return ReadResponse(*response, request, endpoint, clock_.Now());
}

Task<Result<UpstreamToken>> TokenFlow::Run(MintRequest request, Deadline deadline) {
  const Result<std::vector<oci::Challenge>> challenges =
      co_await discovery_.Challenges(request, deadline);
  if (!challenges) {
    co_return challenges.error();
  }
  if (challenges->empty()) {
    co_return UpstreamToken{
        CredentialScheme::kNone, Secret(), clock_.Now() + kOpenRegistryLife, false};
  }
  Result<TokenEndpoint> endpoint = EndpointIn(*challenges, request);
  Result<UpstreamToken> token = Error{};
  if (endpoint) {
    token = co_await Ask(request, *endpoint, deadline);
  } else {
    token = std::move(endpoint).error();
  }
  if (!token) {
    discovery_.Forget(request);
  }
  co_return token;
}

}  // namespace connector::broker::upstream_auth
