#include "dataplane/oci/upstream_answer.h"

#include "common/crypto/digest.h"

namespace connector::dataplane::oci {

std::optional<std::uint32_t> SmallerPage(std::uint32_t n) {
  for (const std::uint32_t size : {1000U, 100U}) {
    if (n > size) {
      return size;
    }
  }
  return std::nullopt;
}

AnswerAction DecideAnswer(const AnswerFacts& facts) {
  const int status = facts.status;
  if (facts.from_registry && status == 401) {
    return AnswerAction::kRenewGrant;
  }
  // Not every client asks again without the mount, so we do. A 429 says nothing of the source.
  if (facts.mount_can_be_dropped && status >= 400 && status < 500 && status != 429) {
    return AnswerAction::kDropMount;
  }
  // Each says it with a status of its own, and whatever else it means, to read once more is safe.
  if (facts.from_registry && facts.page_can_be_smaller &&
      (status == 400 || status == 405 || status == 413)) {
    return AnswerAction::kAskForSmallerPage;
  }
  const bool manifest_405 = facts.is_manifest && status == 405;
  if (facts.from_registry && facts.asked_by_head && !manifest_405 &&
      (status == 403 || status == 405 || status == 501)) {
    return AnswerAction::kAskForOneByte;
  }
  if (facts.from_registry && status == 403) {
    return AnswerAction::kRefuseForRegistry;
  }
  if (status < 200 || status == 407) {
    return AnswerAction::kRefuseNonsense;
  }
  if (status >= 300 && status < 400 && status != 304) {
    return AnswerAction::kRedirect;
  }
  // Stores sign for one method, and which it is the registry alone knows.
  const bool refuses_head = status == 400 || status == 403 || status == 405 || status == 501;
  const bool is_silent = status < 300 && (status != 200 || !facts.tells_length);
  if (!facts.from_registry && facts.asked_by_head && (refuses_head || is_silent)) {
    return AnswerAction::kAskForOneByte;
  }
  if (!facts.from_registry && (status == 429 || status == 503)) {
    return AnswerAction::kStoreAsksToWait;
  }
  if (!facts.from_registry && status >= 400 && status != 404 && status != 412 && status != 416) {
    return AnswerAction::kRefuseBlobStore;
  }
  return AnswerAction::kPassOn;
}

UnauthorizedAction DecideUnauthorized(const UnauthorizedFacts& facts) {
  if (!facts.sent_credential) {
    return UnauthorizedAction::kRefuse;
  }
  if (facts.retried) {
    // A registry refuses a token without the source's scope like one that has expired.
    return facts.mount_can_be_dropped ? UnauthorizedAction::kDropMount
                                      : UnauthorizedAction::kRefuse;
  }
  if (facts.body_is_gone) {
    return UnauthorizedAction::kMintForRepetition;
  }
  return facts.cancels_upload ? UnauthorizedAction::kObtainRightToCancel
                              : UnauthorizedAction::kMintAnew;
}

bool IsContentOf(std::string_view digest, std::string_view body) {
  return digest == "sha256:" + crypto::Sha256Hex(body);
}

bool MayRepeat(const DeadConnection& connection) {
  return connection.reused && !connection.answer_begun && !connection.body_is_gone &&
         !connection.appends;
}

ErrorReply RegistryRefusal(std::string_view words) {
  if (words.empty()) {
    return ReplyFor(ErrorKind::kRegistryRefused);
  }
  return ReplyFor(ErrorKind::kRegistryRefused,
                  "The registry refused this request: " + std::string(words) +
                      ". The repository may not exist there, or the connector may have no right "
                      "to it; ask its owner to look with connectorctl check.");
}

std::string FailureSentence(std::string_view why) {
  return "The registry failed: " + std::string(why) + (why.ends_with('.') ? "" : ".");
}

ErrorKind KindOfFailure(ErrorCode code) {
  switch (code) {
    case ErrorCode::kDeadlineExceeded:
      return ErrorKind::kUpstreamTimeout;
    default:
      return ErrorKind::kUpstreamUnavailable;
  }
}

std::string NoConnectionSentence(const std::string& host, HopKind hop) {
  return "No connection to " + host + " could be made, or " +
         (hop != HopKind::kRegistry ? "upstream.redirects.hosts or " : "") +
         "the platform does not allow its address; try again, then tell the connector's owner.";
}

}  // namespace connector::dataplane::oci
