#pragma once

// Reads a raw request target as one operation of the distribution API, and writes the target for
// the registry again from the fields read, never from the text.
//
// Pure. It works on the raw bytes: nothing is decoded before the grammar has matched, so what is
// authorized and what the registry sees are the same. It does not know which connector is meant
// (address.h) nor whether the caller may (the broker). Rule source: docs/rules.md "Targets" and
// docs/rules.md "Queries".

#include "common/http/head.h"
#include "common/oci/reference.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace connector::dataplane::addressing {

inline constexpr std::uint32_t kMaxPageSize = 10'000;       // Larger `n` is clamped.
inline constexpr std::size_t kMaxClientNameBytes = 512;     // With a path-form prefix.
inline constexpr std::size_t kMaxSessionBytes = 15 * 1024;  // A sealed upload handle.
inline constexpr std::size_t kMaxPageBytes = 8 * 1024;      // A sealed page.
inline constexpr std::size_t kMaxTagsPerPut = 16;           // Repeated `tag` on a manifest PUT.

enum class OperationKind : std::uint8_t {
  kPing,           // GET, HEAD /v2 and /v2/
  kManifest,       // GET, HEAD, PUT, DELETE .../manifests/<tag|digest>
  kBlob,           // GET, HEAD, DELETE .../blobs/<digest>
  kUploadStart,    // POST .../blobs/uploads/
  kUploadSession,  // PATCH, PUT, GET, DELETE .../blobs/uploads/<sealed>
  kTags,           // GET, HEAD .../tags/list
  kReferrers,      // GET, HEAD .../referrers/<digest>
};

struct Operation {
  OperationKind kind = OperationKind::kPing;
  http::Method method = http::Method::kGet;
  std::string repository;  // As the client named it until ResolveAddress has taken the prefix off.
  std::string reference;   // Tag, digest or sealed session, by kind.
  bool reference_is_digest = false;

  std::string digest;              // ?digest= of an upload's POST or PUT.
  std::string digest_algorithm;    // ?digest-algorithm= of an upload's POST.
  std::string mount;               // ?mount= digest.
  std::string from;                // ?from= repository; only with a mount.
  std::vector<std::string> tags;   // ?tag= of a manifest PUT by digest.
  std::optional<std::uint32_t> n;  // At most kMaxPageSize; 0 asks for an empty list.
  std::string last;                // A repository name or a tag.
  std::string artifact_type;
  // ?page= of a list: a sealed page (page_state.h), which says all that n, last and artifactType
  // would say, so that these are then empty. Never sent on.
  std::string page;
  std::string ns;  // ?ns= host[:port] of the mirror form, lower case. Never sent on.

  bool operator==(const Operation&) const = default;
};

enum class TargetErrorCode : std::uint8_t {
  kNameInvalid,        // 400 NAME_INVALID
  kTagInvalid,         // 400 TAG_INVALID
  kDigestInvalid,      // 400 DIGEST_INVALID
  kPageInvalid,        // 400 PAGINATION_NUMBER_INVALID
  kQueryInvalid,       // 400 UNSUPPORTED
  kUnknownUpload,      // 404 BLOB_UPLOAD_UNKNOWN
  kNoSuchEndpoint,     // 404 NAME_UNKNOWN
  kMethodUnsupported,  // 405 UNSUPPORTED
  kCatalog,            // 405 UNSUPPORTED
};

struct TargetError {
  TargetErrorCode code = TargetErrorCode::kNameInvalid;
  std::string_view sentence;    // Static; says what to write instead.
  std::string_view allow = {};  // Static; with kMethodUnsupported, what an Allow field lists.

  bool operator==(const TargetError&) const = default;
};

using ParsedTarget = std::variant<Operation, TargetError>;

// Reads `target` (origin form) for `method`. Unknown query keys and `origin` are dropped; a known
// key that stands twice is refused, `tag` aside.
[[nodiscard]] ParsedTarget ParseTarget(http::Method method, std::string_view target);

// A name as clients write it: the repository grammar, but up to kMaxClientNameBytes long.
[[nodiscard]] bool IsClientRepository(std::string_view text);

// May this operation's request carry a body? Where not, a Content-Length other than 0 or a chunked
// body is refused with 400 before anything is sent.
[[nodiscard]] bool MayHaveBody(const Operation& operation);

// The registry's name of a repository: Docker Hub keeps one-component names under "library/".
[[nodiscard]] std::string UpstreamRepository(std::string_view repository, bool docker_hub);

// The rights that the operation needs, in the registry's naming; empty for kPing. Cancelling an
// upload needs pull,push: it undoes the caller's own push. (Some registries want delete for it, see
// CancelScopesFor.)
[[nodiscard]] std::vector<connector::oci::Scope> ScopesFor(const Operation& operation,
                                                           bool docker_hub);

// For a registry that was not content with those to cancel an upload: distribution and its family
// want delete for every DELETE. Empty for other operations.
[[nodiscard]] std::vector<connector::oci::Scope> CancelScopesFor(const Operation& operation,
                                                                 bool docker_hub);

// Path and query for the registry; without the query of a sealed page. Not for kPing (never
// forwarded) nor kUploadSession (its target is in the sealed state): both append nothing.
void AppendUpstreamTarget(std::string& out, const Operation& operation, bool docker_hub);

// Percent-encodes all but [A-Za-z0-9-._~].
void AppendEncoded(std::string& out, std::string_view text);

}  // namespace connector::dataplane::addressing
