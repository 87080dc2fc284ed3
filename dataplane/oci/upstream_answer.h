#pragma once

// What to do with a registry's answer, by its status: pass it on, ask once more, or answer
// something else in its place. Rule source: docs/rules.md "Refusals of the registry", "Retry",
// "Mounts".
//
// Pure. Does not look at Location (redirect.h) nor at bodies (no_echo.h).

#include "common/base/result.h"
#include "dataplane/oci/errors.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {

enum class AnswerAction : std::uint8_t {
  kPassOn,
  kRenewGrant,         // 401: the token did not do; DecideUnauthorized says what next.
  kDropMount,          // The source of a mount was refused: ask again for a plain upload.
  kRedirect,           // DecideRedirect says whether it is followed.
  kRefuseForRegistry,  // In its own words: it alone knows why.
  kRefuseNonsense,     // A status that no registry may answer to us.
  kAskForSmallerPage,  // Registries differ in how many names of a list they give at once.
  kAskForOneByte,      // It wants no HEAD: a GET of its first byte tells the size, too.
  kStoreAsksToWait,    // 429 and 503 keep their meaning.
  kRefuseBlobStore,    // Its errors are not the registry's: they tell the client nothing.
};

struct AnswerFacts {
  int status = 0;
  bool from_registry = true;  // False: from where the registry redirected to.
  bool mount_can_be_dropped = false;
  bool page_can_be_smaller = false;
  bool asked_by_head = false;
  bool is_manifest = false;  // Clients go on with a GET of their own after a 405.
  bool tells_length = true;
};

// A page of `n` names was refused: how many to ask for next; nullopt where that was no reason. A
// page may be shorter than the client asked for, and its Link goes on with the smaller size.
[[nodiscard]] std::optional<std::uint32_t> SmallerPage(std::uint32_t n);

[[nodiscard]] AnswerAction DecideAnswer(const AnswerFacts& facts);

enum class UnauthorizedAction : std::uint8_t {
  kRefuse,
  kMintAnew,
  kMintForRepetition,  // By the client: its body is gone.
  kObtainRightToCancel,
  kDropMount,
};

// Of a 401 by the registry.
struct UnauthorizedFacts {
  bool retried = false;       // There was a 401 before.
  bool body_is_gone = false;  // It cannot be sent once more.
  bool sent_credential = true;
  bool cancels_upload = false;
  bool mount_can_be_dropped = false;
};

[[nodiscard]] UnauthorizedAction DecideUnauthorized(const UnauthorizedFacts& facts);

// Is `body` what `digest` names? False for an algorithm other than sha256.
[[nodiscard]] bool IsContentOf(std::string_view digest, std::string_view body);

// A connection that ended before the answer's head was read.
struct DeadConnection {
  bool reused = false;        // It had served a request before.
  bool answer_begun = false;  // A byte of an answer came.
  bool body_is_gone = false;
  bool appends = false;  // A PATCH with a body: what arrived of it would be there twice.
};

// A 403 that says what the registry said (registry_words.h).
[[nodiscard]] ErrorReply RegistryRefusal(std::string_view words);

// May the request be sent once more, on a new connection? Only when the registry hardly noticed it:
// it closed an idle connection just as it was used.
[[nodiscard]] bool MayRepeat(const DeadConnection& connection);

// How a failure to reach the registry is told to the client.
[[nodiscard]] ErrorKind KindOfFailure(ErrorCode code);
// `why` may be a clause or a whole sentence; one full stop ends it.
[[nodiscard]] std::string FailureSentence(std::string_view why);
// One sentence for a name that does not resolve, a port that is closed, one that does not answer,
// and an address that policy refuses.
[[nodiscard]] std::string NoConnectionSentence(const std::string& host, HopKind hop);

}  // namespace connector::dataplane::oci
