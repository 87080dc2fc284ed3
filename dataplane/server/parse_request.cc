#include "dataplane/server/parse_request.h"

#include "common/base/secret_place.h"
#include "dataplane/oci/upstream_answer.h"
#include "dataplane/server/caller.h"

#include <cstring>
#include <optional>
#include <utility>

namespace connector::dataplane::server {
namespace {

using http::HeaderId;
using oci::ErrorKind;
using oci::ErrorReply;

std::optional<ErrorReply> ReadOperation(RequestContext& context) {
  const http::RequestHead& head = context.scratch.request;
  addressing::ParsedTarget parsed = addressing::ParseTarget(head.method, head.target);
  if (const auto* error = std::get_if<addressing::TargetError>(&parsed)) {
    return oci::ReplyFor(*error);
  }
  context.operation = std::get<addressing::Operation>(std::move(parsed));
  auto address = addressing::ResolveAddress(
      head.host, context.worker.shared.settings.host_suffixes, context.operation);
  if (const auto* error = std::get_if<addressing::TargetError>(&address)) {
    return oci::ReplyFor(*error);
  }
  context.address = std::get<addressing::Address>(std::move(address));
  return std::nullopt;
}

// Remembers what the last Authorization meant: decoding and hashing it costs more than comparing.
std::optional<ErrorReply> ReadCaller(RequestContext& context) {
  ClientConnection& client = context.client;
  const std::string_view sent = context.scratch.request.fields.Find(HeaderId::kAuthorization);
  if (sent.empty()) {
    return oci::ReplyFor(ErrorKind::kUnauthenticated);
  }
  const std::string_view known = client.authorization.Reveal();
  if (known.size() != sent.size() || std::memcmp(known.data(), sent.data(), sent.size()) != 0) {
    client.authorization = ForeignSecret(sent);
    client.token = nullptr;
    if (std::optional<Secret> token = ReadCallerToken(sent)) {
      client.token_hash = token::HashToken(token->Reveal());
      client.token = std::make_shared<const Secret>(*std::move(token));
    }
  }
  return client.token == nullptr ? std::optional(oci::ReplyFor(ErrorKind::kUnauthenticated))
                                 : std::nullopt;
}

void BuildGrantRequest(RequestContext& context) {
  token::GrantRequest& request = context.grant_request;
  request.caller_token = context.client.token;
  request.request_id = context.request_id;
  request.client_address = context.client.address;
  bool docker_hub = false;
  if (context.operation.kind != addressing::OperationKind::kPing) {
    if (const auto* ref = std::get_if<ConnectorRef>(&context.address.target)) {
      request.connector = *ref;
      const auto route = context.worker.routes->Find(*ref);
      docker_hub = route != nullptr && route->docker_hub;
    } else if (const auto* mirror = std::get_if<addressing::MirrorForm>(&context.address.target)) {
      // Mirrors ask with whole names already; the broker finds the connector.
      request.upstream_host = mirror->host;
    }
    request.scopes = addressing::ScopesFor(context.operation, docker_hub);
  }
  context.cache_key = token::CacheKey(request, context.client.token_hash);
}

}  // namespace

bool ParsedRequest::CarriesBody() const {
  const http::RequestHead& head = context_->scratch.request;
  return head.framing == http::BodyFraming::kChunked || head.content_length != 0;
}

bool ParsedRequest::BodyIsGone() const {
  if (!CarriesBody() || !context_->body_begun) {
    return false;
  }
  // What is kept of a body of known length is continued from the client; chunks are only kept
  // without their framing.
  const bool continues = context_->body_consumed ||
                         context_->scratch.request.framing == http::BodyFraming::kContentLength;
  return context_->kept_body == nullptr || !context_->kept_body->at_hand() || !continues;
}

bool ParsedRequest::CanGiveUpMount() const {
  return !operation().from.empty() && !CarriesBody();
}

void ParsedRequest::GiveUpMount() {
  context_->operation.mount.clear();
  context_->operation.from.clear();
  BuildGrantRequest(*context_);
}

bool ParsedRequest::CanAskForSmallerPage() const {
  return operation().n && oci::SmallerPage(*operation().n);
}

void ParsedRequest::AskForSmallerPage() {
  context_->operation.n = oci::SmallerPage(operation().n.value_or(0));
}

bool ParsedRequest::CancelsUpload() const {
  return operation().kind == addressing::OperationKind::kUploadSession &&
         operation().method == http::Method::kDelete;
}

void ParsedRequest::RequestRightToCancel(bool docker_hub) {
  context_->grant_request.scopes = addressing::CancelScopesFor(operation(), docker_hub);
  context_->cache_key = token::CacheKey(context_->grant_request, context_->client.token_hash);
}

std::variant<ParsedRequest, Rejection> ParseRequest(RequestContext& context) {
  if (std::optional<ErrorReply> reply = ReadOperation(context)) {
    return Rejection{*std::move(reply), RequestDecision::kMalformed};
  }
  if (std::optional<ErrorReply> reply = ReadCaller(context)) {
    return Rejection{*std::move(reply), RequestDecision::kNoCredential};
  }
  BuildGrantRequest(context);
  return ParsedRequest(context);
}

}  // namespace connector::dataplane::server
