#include "dataplane/server/forward.h"

#include "common/resilience/retry_after.h"
#include "dataplane/oci/redirect.h"
#include "dataplane/oci/upstream_answer.h"
#include "dataplane/server/egress_policy.h"
#include "dataplane/server/first_target.h"
#include "dataplane/server/own_answer.h"
#include "dataplane/server/respond.h"
#include "dataplane/server/rewrite.h"
#include "dataplane/server/upstream_call.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace connector::dataplane::server {
namespace {

using http::HeaderId;
using oci::ErrorKind;
using oci::ErrorReply;

// A burst is over in a moment, and clients take a 429 for a failure.
constexpr std::chrono::seconds kSlotWait{4};

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

class Forwarding {
 public:
  explicit Forwarding(Authorized& authorized)
      : authorized_(authorized), context_(authorized.context()) {}

  Task<ConnectionAction> Run(UpstreamTarget first);

 private:
  enum class Next : std::uint8_t { kRespond, kAgain, kRefuse, kRefuseForRegistry };

  Task<Next> Inspect(UpstreamCall& call);
  Next InspectRedirect(UpstreamCall& call);
  Next Follow(const UpstreamCall& call, oci::NextHop hop);
  Next AskAnew();
  Next AskForOneByte();
  [[nodiscard]] bool IsHeadOfContent(const UpstreamCall& call) const;
  bool AskRegistryAgain(const UpstreamCall& call);
  std::string NoteAnswered(const UpstreamCall& call, int status) const;
  Next StoreAsksToWait(const UpstreamCall& call, int status);
  Next RefuseBlobStore(const UpstreamCall& call, int status);
  Task<Next> InspectUnauthorized(UpstreamCall& call);
  Task<Next> MintForRepetition();
  Task<Next> ObtainAnew(bool mint_anew);
  Next RefuseWith(ErrorReply reply, RequestDecision decision);

  Authorized& authorized_;
  RequestContext& context_;
  UpstreamTarget target_;
  Rejection rejection_;
  int redirects_ = 0;
  bool token_retried_ = false;
  bool redirect_retried_ = false;
};

Forwarding::Next Forwarding::RefuseWith(ErrorReply reply, RequestDecision decision) {
  rejection_ = {std::move(reply), decision};
  return Next::kRefuse;
}

Task<ConnectionAction> Forwarding::Run(UpstreamTarget first) {
  target_ = std::move(first);
  while (true) {
    UpstreamCall call(authorized_, target_);
    CallResult result = co_await call.Run();
    if (result.client_lost) {
      co_return ConnectionAction{};
    }
    // Another connection may be had where the registry leads to now.
    if (result.refusal && result.refusal->status == 502 && AskRegistryAgain(call)) {
      continue;
    }
    if (result.refusal) {
      Rejection failed{*std::move(result.refusal), RequestDecision::kUpstreamFailed};
      co_return co_await Refuse(context_, std::move(failed));
    }
    switch (co_await Inspect(call)) {
      case Next::kRespond:
        context_.kept_body.reset();
        co_return co_await Respond(authorized_, call);
      case Next::kRefuse:
        call.Discard();
        co_return co_await Refuse(context_, std::move(rejection_));
      case Next::kRefuseForRegistry:
        co_return co_await RefuseForRegistry(authorized_, call);
      case Next::kAgain:
        call.Discard();
        break;
    }
  }
}

Task<Forwarding::Next> Forwarding::Inspect(UpstreamCall& call) {
  const int status = context_.scratch.response.status;
  const oci::AnswerAction action = oci::DecideAnswer(
      {.status = status,
       .from_registry = call.target().hop == oci::HopKind::kRegistry,
       .mount_can_be_dropped = authorized_.request().CanGiveUpMount(),
       .page_can_be_smaller = authorized_.request().CanAskForSmallerPage(),
       .asked_by_head = IsHeadOfContent(call),
       .is_manifest = authorized_.operation().kind == addressing::OperationKind::kManifest,
       .tells_length = context_.scratch.response.has_content_length});
  switch (action) {
    case oci::AnswerAction::kPassOn:
      break;
    case oci::AnswerAction::kRenewGrant:
      co_return co_await InspectUnauthorized(call);
    case oci::AnswerAction::kDropMount:
      authorized_.request().GiveUpMount();
      co_return co_await ObtainAnew(false);
    case oci::AnswerAction::kRefuseForRegistry:
      co_return Next::kRefuseForRegistry;
    case oci::AnswerAction::kRefuseNonsense:
      co_return RefuseWith(oci::ReplyFor(ErrorKind::kUpstreamUnavailable),
                           RequestDecision::kUpstreamFailed);
    case oci::AnswerAction::kRedirect:
      co_return InspectRedirect(call);
    case oci::AnswerAction::kAskForSmallerPage:
      authorized_.request().AskForSmallerPage();
      co_return AskAnew();
    case oci::AnswerAction::kAskForOneByte:
      co_return AskForOneByte();
    case oci::AnswerAction::kStoreAsksToWait:
      co_return StoreAsksToWait(call, status);
    case oci::AnswerAction::kRefuseBlobStore:
      if (status >= 500 && AskRegistryAgain(call)) {
        co_return Next::kAgain;
      }
      co_return RefuseBlobStore(call, status);
  }
  co_return Next::kRespond;
}

// "HOST answered STATUS"
std::string Forwarding::NoteAnswered(const UpstreamCall& call, int status) const {
  std::string answered = call.target().origin.Authority() + " answered " + std::to_string(status);
  authorized_.NoteError(answered);
  return answered;
}

Forwarding::Next Forwarding::StoreAsksToWait(const UpstreamCall& call, int status) {
  const std::string answered = NoteAnswered(call, status);
  ErrorReply reply =
      oci::ReplyFor(status == 429 ? ErrorKind::kRateLimited : ErrorKind::kStoreBusy,
                    "The registry redirected, and " + answered + "; try again later.");
  const std::string asked(context_.scratch.response.fields.Find(HeaderId::kRetryAfter));
  reply.retry_after = resilience::ReadRetryAfter(asked, {.now_unix = RequestSeconds(context_)})
                          .value_or(reply.retry_after);
  reply.retry_after = std::max(reply.retry_after, std::chrono::seconds(1));
  return RefuseWith(std::move(reply), RequestDecision::kUpstreamFailed);
}

// Of a read that failed where the registry redirected to, once: it may lead elsewhere now. Nothing
// was answered yet.
bool Forwarding::AskRegistryAgain(const UpstreamCall& call) {
  const addressing::Operation& operation = authorized_.operation();
  const bool read =
      operation.kind != addressing::OperationKind::kUploadSession &&
      (operation.method == http::Method::kGet || operation.method == http::Method::kHead);
  if (redirect_retried_ || redirects_ == 0 || !read ||
      call.target().hop == oci::HopKind::kRegistry) {
    return false;
  }
  FirstHop first = FirstTarget(authorized_);
  auto* const target = std::get_if<UpstreamTarget>(&first);
  if (target == nullptr) {
    return false;
  }
  redirect_retried_ = true;
  redirects_ = 0;
  target_ = std::move(*target);
  return true;
}

Forwarding::Next Forwarding::RefuseBlobStore(const UpstreamCall& call, int status) {
  const std::string answered = NoteAnswered(call, status);
  const char* const who = call.target().hop == oci::HopKind::kOtherRegistry
                              ? "The registry redirected, and "
                              : "The blob store ";
  return RefuseWith(oci::ReplyFor(ErrorKind::kUpstreamUnavailable, who + answered + "."),
                    RequestDecision::kUpstreamFailed);
}

// docs/rules.md "Retry": only with the body at hand.
Task<Forwarding::Next> Forwarding::InspectUnauthorized(UpstreamCall& call) {
  // Some registries refuse each HEAD so, whatever the token; and a dead token a GET finds out, too.
  if (IsHeadOfContent(call)) {
    co_return AskForOneByte();
  }
  ParsedRequest& request = authorized_.request();
  const oci::UnauthorizedAction action =
      oci::DecideUnauthorized({.retried = token_retried_,
                               .body_is_gone = request.BodyIsGone(),
                               .sent_credential = call.target().send_credential,
                               .cancels_upload = request.CancelsUpload(),
                               .mount_can_be_dropped = request.CanGiveUpMount()});
  // The first token of a cancelled upload may be good for all else: it is only not enough here.
  if (token_retried_ || !request.CancelsUpload()) {
    context_.worker.shared.grants.Drop(context_.cache_key, authorized_.shared_grant());
  }
  switch (action) {
    case oci::UnauthorizedAction::kRefuse:
      break;
    case oci::UnauthorizedAction::kDropMount:
      token_retried_ = false;
      request.GiveUpMount();
      co_return co_await ObtainAnew(false);
    case oci::UnauthorizedAction::kObtainRightToCancel:
      token_retried_ = true;
      context_.worker.counters.token_retries.Add();
      request.RequestRightToCancel(authorized_.route().docker_hub);
      co_return co_await ObtainAnew(false);
    case oci::UnauthorizedAction::kMintForRepetition:
      co_return co_await MintForRepetition();
    case oci::UnauthorizedAction::kMintAnew:
      token_retried_ = true;
      context_.worker.counters.token_retries.Add();
      co_return co_await ObtainAnew(true);
  }
  co_return Next::kRefuseForRegistry;
}

// The client's repetition gets the new token. Where the credential is the same as before, a
// repetition would be refused like this one.
Task<Forwarding::Next> Forwarding::MintForRepetition() {
  const std::shared_ptr<const token::Grant> refused = authorized_.shared_grant();
  const Next next = co_await ObtainAnew(true);
  if (next == Next::kRefuse) {
    co_return next;
  }
  const bool same =
      authorized_.grant().authorization_line.Reveal() == refused->authorization_line.Reveal();
  co_return same
      ? Next::kRefuseForRegistry
      : RefuseWith(oci::ReplyFor(ErrorKind::kSendAgain), RequestDecision::kUpstreamRefused);
}

Task<Forwarding::Next> Forwarding::ObtainAnew(bool mint_anew) {
  AuthorizeResult authorization = co_await Authorize(authorized_.request(), mint_anew);
  auto* const authorized = std::get_if<Authorized>(&authorization);
  if (authorized == nullptr) {
    rejection_ = std::get<Rejection>(std::move(authorization));
    co_return Next::kRefuse;
  }
  authorized_ = std::move(*authorized);
  co_return AskAnew();
}

// A new grant may belong to a new route: its credential goes where that one leads.
Forwarding::Next Forwarding::AskAnew() {
  FirstHop first = FirstTarget(authorized_);
  if (auto* const reply = std::get_if<ErrorReply>(&first)) {
    return RefuseWith(std::move(*reply), RequestDecision::kSealRefused);
  }
  target_ = std::get<UpstreamTarget>(std::move(first));
  return Next::kAgain;
}

Forwarding::Next Forwarding::InspectRedirect(UpstreamCall& call) {
  const routes::Route& route = authorized_.route();
  const int status = context_.scratch.response.status;
  const std::string_view location = context_.scratch.response.fields.Find(HeaderId::kLocation);
  const bool blob_read = authorized_.operation().kind == addressing::OperationKind::kBlob &&
                         authorized_.operation().method != http::Method::kDelete;
  const Result<http::Url> asked = AskedUrl(call);
  if (!asked) {
    return RefuseWith(oci::ReplyFor(ErrorKind::kInternal), RequestDecision::kInternal);
  }
  if (Echoes(authorized_, call, location)) {
    return RefuseWith(
        oci::ReplyFor(ErrorKind::kRedirectRefused,
                      "The registry's Location holds the credential that it was sent."),
        RequestDecision::kRedirectRefused);
  }
  if (blob_read && route.redirects.mode == routing::RedirectMode::kPass && IsRedirect(status)) {
    const Result<http::Url> url = http::ResolveReference(*asked, location);
    // Back to the registry itself: the client has no credential for it, so that hop is ours.
    if (!url || !oci::IsAddress(EgressPolicyOf(route), url->origin)) {
      return Next::kRespond;
    }
  }
  oci::HopDecision decision =
      oci::DecideRedirect(EgressPolicyOf(route),
                          {.operation = authorized_.operation(),
                           .docker_hub = route.docker_hub,
                           .asked = *asked,
                           .status = status,
                           .location = location,
                           .followed = redirects_,
                           .body_sent = authorized_.request().CarriesBody()});
  if (const auto* refusal = std::get_if<oci::HopRefusal>(&decision)) {
    const std::string_view sentence = oci::Sentence(*refusal);
    authorized_.NoteError(std::string(sentence));
    return RefuseWith(oci::ReplyFor(ErrorKind::kRedirectRefused, sentence),
                      RequestDecision::kRedirectRefused);
  }
  return Follow(call, std::get<oci::NextHop>(std::move(decision)));
}

// With the method that was asked: stores sign for one, and some for GET alone (AskForOneByte).
Forwarding::Next Forwarding::Follow(const UpstreamCall& call, oci::NextHop hop) {
  ++redirects_;
  context_.worker.counters.redirects_followed.Add();
  const bool blob = authorized_.operation().kind == addressing::OperationKind::kBlob;
  const oci::HopKind outside = blob ? oci::HopKind::kForeign : oci::HopKind::kOtherRegistry;
  target_ = {.origin = hop.url.origin,
             .target = hop.url.Target(),
             .method = call.target().method,
             .hop = hop.send_credential ? oci::HopKind::kRegistry : outside,
             .send_credential = hop.send_credential,
             .allow_private_address = hop.allow_private_address,
             .range_override = call.target().range_override};
  return Next::kAgain;
}

bool Forwarding::IsHeadOfContent(const UpstreamCall& call) const {
  const addressing::OperationKind kind = authorized_.operation().kind;
  return call.target().method == http::Method::kHead &&
         (kind == addressing::OperationKind::kBlob || kind == addressing::OperationKind::kManifest);
}

Forwarding::Next Forwarding::AskForOneByte() {
  target_.method = http::Method::kGet;
  target_.range_override = "bytes=0-0";
  return Next::kAgain;
}

const std::shared_ptr<relay::RequestSlots::Subject>& SubjectOf(const Authorized& authorized) {
  relay::RequestSlots& slots = authorized.route().stats->slots;
  auto& known = authorized.context().client.subject;
  if (known == nullptr || !known->Is(slots, authorized.grant().subject)) {
    known = slots.SubjectOf(authorized.grant().subject);
  }
  return known;
}

}  // namespace

Task<ConnectionAction> Forward(Authorized& authorized) {
  RequestContext& context = authorized.context();
  const auto& subject = SubjectOf(authorized);
  const std::uint32_t limit = authorized.route().limits.max_concurrent_requests;
  bool taken = context.slot.Take(subject, limit);
  if (!taken) {
    const Deadline deadline = std::chrono::steady_clock::now() + kSlotWait;
    taken = co_await context.slot.Wait(subject, limit, deadline);
  }
  if (!taken) {
    Rejection rejection{
        oci::ReplyFor(ErrorKind::kRateLimited,
                      "There are too many requests to this registry at once; try again, or ask the "
                      "connector's owner to raise upstream.limits."),
        RequestDecision::kTooManyRequests};
    co_return co_await Refuse(context, std::move(rejection));
  }
  auto first = FirstTarget(authorized);
  if (auto* reply = std::get_if<ErrorReply>(&first)) {
    Rejection rejection{std::move(*reply), RequestDecision::kSealRefused};
    co_return co_await Refuse(context, std::move(rejection));
  }
  Forwarding forwarding(authorized);
  co_return co_await forwarding.Run(std::get<UpstreamTarget>(std::move(first)));
}

}  // namespace connector::dataplane::server
