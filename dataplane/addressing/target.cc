#include "dataplane/addressing/target.h"

#include "dataplane/addressing/query.h"

#include <algorithm>
#include <initializer_list>

namespace connector::dataplane::addressing {
namespace {

using http::Method;
using MaybeTargetError = std::optional<TargetError>;

constexpr TargetError kNoSuchEndpoint{
    TargetErrorCode::kNoSuchEndpoint,
    "This is no endpoint of the OCI distribution API; paths start with /v2/."};
constexpr TargetError kCatalog{TargetErrorCode::kCatalog,
                               "The catalog is not served: it would list more than you may see."};
constexpr TargetError kBadName{TargetErrorCode::kNameInvalid,
                               "A repository's name must be lower-case components joined by '/'."};
constexpr TargetError kBadPath{
    TargetErrorCode::kNameInvalid,
    "The path must be plain: no '%' but %3A in a digest, no '\\', ';', '//' or dot segment."};
constexpr TargetError kBadReference{
    TargetErrorCode::kDigestInvalid,
    "A digest must read algorithm:hex, such as sha256: and 64 digits."};
constexpr TargetError kBadTag{TargetErrorCode::kTagInvalid,
                              "A tag must be 1 to 128 of [A-Za-z0-9._-]."};

bool IsPathByte(char c) {
  return c > 0x20 && c < 0x7F && c != '\\' && c != ';' && c != '#' && c != '?';
}

// Takes the last segment off `path` and returns it; the rest keeps no final '/'.
std::string_view TakeLast(std::string_view& path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? path : path.substr(slash + 1);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  return last;
}

// The one escape that is read: %3A for the ':' of a digest. Any other '%' stays, and is refused as
// part of a tag or digest.
std::string CanonicalReference(std::string_view text) {
  std::string out(text);
  const std::size_t at = out.find('%');
  if (at != std::string::npos && at + 2 < out.size() && out[at + 1] == '3' &&
      (out[at + 2] == 'A' || out[at + 2] == 'a') && out.find(':') == std::string::npos) {
    out.replace(at, 3, ":");
  }
  return out;
}

// What the path's end says. `rest` is what stands before it: the repository.
struct Ending {
  OperationKind kind = OperationKind::kPing;
  std::string_view reference;
  std::string_view rest;
};

// Reads from the right, since "blobs", "manifests", "tags" ... are legal names of components.
std::optional<Ending> ReadEnding(std::string_view path) {
  std::string_view rest = path;
  const std::string_view last = TakeLast(rest);
  const std::string_view word = TakeLast(rest);
  if (word == "manifests") {
    return Ending{OperationKind::kManifest, last, rest};
  }
  if (word == "blobs") {
    return Ending{OperationKind::kBlob, last, rest};
  }
  if (word == "referrers") {
    return Ending{OperationKind::kReferrers, last, rest};
  }
  if (word == "tags" && last == "list") {
    return Ending{OperationKind::kTags, {}, rest};
  }
  if (word == "uploads" && TakeLast(rest) == "blobs") {
    return Ending{
        last.empty() ? OperationKind::kUploadStart : OperationKind::kUploadSession, last, rest};
  }
  return std::nullopt;
}

MaybeTargetError CheckMethod(OperationKind kind, Method method) {
  const auto allow = [&](std::initializer_list<Method> methods,
                         std::string_view list,
                         std::string_view sentence) -> MaybeTargetError {
    if (std::find(methods.begin(), methods.end(), method) != methods.end()) {
      return std::nullopt;
    }
    return TargetError{TargetErrorCode::kMethodUnsupported, sentence, list};
  };
  switch (kind) {
    case OperationKind::kPing:
      return allow({Method::kGet, Method::kHead}, "GET, HEAD", "Use GET or HEAD on /v2/.");
    case OperationKind::kManifest:
      return allow({Method::kGet, Method::kHead, Method::kPut, Method::kDelete},
                   "GET, HEAD, PUT, DELETE",
                   "Use GET, HEAD, PUT or DELETE on a manifest.");
    case OperationKind::kBlob:
      return allow({Method::kGet, Method::kHead, Method::kDelete},
                   "GET, HEAD, DELETE",
                   "Use GET, HEAD or DELETE on a blob.");
    case OperationKind::kUploadStart:
      return allow({Method::kPost}, "POST", "Use POST to start an upload.");
    case OperationKind::kUploadSession:
      return allow({Method::kPatch, Method::kPut, Method::kGet, Method::kDelete},
                   "PATCH, PUT, GET, DELETE",
                   "Use PATCH, PUT, GET or DELETE on an upload.");
    case OperationKind::kTags:
      return allow({Method::kGet, Method::kHead}, "GET, HEAD", "Use GET or HEAD to list tags.");
    case OperationKind::kReferrers:
      return allow(
          {Method::kGet, Method::kHead}, "GET, HEAD", "Use GET or HEAD to list referrers.");
  }
  return kNoSuchEndpoint;
}

MaybeTargetError ReadReference(const Ending& ending, Operation& operation) {
  switch (ending.kind) {
    case OperationKind::kPing:
    case OperationKind::kTags:
    case OperationKind::kUploadStart:
      return std::nullopt;
    case OperationKind::kUploadSession:
      operation.reference = ending.reference;
      return IsSealedText(ending.reference, kMaxSessionBytes)
                 ? std::nullopt
                 : MaybeTargetError(TargetError{TargetErrorCode::kUnknownUpload,
                                                "There is no such upload here."});
    case OperationKind::kManifest:
    case OperationKind::kBlob:
    case OperationKind::kReferrers:
      break;
  }
  operation.reference = CanonicalReference(ending.reference);
  const bool has_colon = operation.reference.find(':') != std::string::npos;
  if (ending.kind == OperationKind::kManifest && !has_colon) {
    return connector::oci::IsTag(operation.reference) ? std::nullopt : MaybeTargetError(kBadTag);
  }
  operation.reference_is_digest = true;
  return connector::oci::IsDigest(operation.reference) ? std::nullopt
                                                       : MaybeTargetError(kBadReference);
}

// What no spelling of a name may hold, wherever it stands. A '%' is left to the digest's reader.
MaybeTargetError CheckPath(std::string_view path) {
  if (!std::all_of(path.begin(), path.end(), IsPathByte) ||
      path.find("//") != std::string_view::npos) {
    return kBadPath;
  }
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view segment = TakeLast(rest);
    if (segment == "." || segment == "..") {
      return kBadPath;
    }
  }
  const std::size_t last_segment = path.rfind('/') + 1;
  if (path.substr(0, last_segment).find('%') != std::string_view::npos) {
    return kBadPath;
  }
  return std::nullopt;
}

MaybeTargetError ReadPath(std::string_view path, Operation& operation) {
  constexpr std::string_view kRoot = "/v2/";
  if (path == "/v2" || path == kRoot) {
    return CheckMethod(OperationKind::kPing, operation.method);
  }
  if (MaybeTargetError failure = CheckPath(path)) {
    return failure;
  }
  if (!path.starts_with(kRoot)) {
    return kNoSuchEndpoint;
  }
  path.remove_prefix(kRoot.size());
  const std::optional<Ending> ending = ReadEnding(path);
  if (!ending) {
    return path == "_catalog" || path.ends_with("/_catalog") ? kCatalog : kNoSuchEndpoint;
  }
  operation.kind = ending->kind;
  operation.repository = ending->rest;
  if (!IsClientRepository(operation.repository)) {
    return kBadName;
  }
  if (MaybeTargetError failure = CheckMethod(operation.kind, operation.method)) {
    return failure;
  }
  return ReadReference(*ending, operation);
}

}  // namespace

bool IsClientRepository(std::string_view text) {
  if (text.empty() || text.size() > kMaxClientNameBytes) {
    return false;
  }
  while (true) {
    const std::size_t slash = text.find('/');
    if (!connector::oci::IsRepositoryComponent(text.substr(0, slash))) {
      return false;
    }
    if (slash == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(slash + 1);
  }
}

ParsedTarget ParseTarget(Method method, std::string_view target) {
  const std::size_t question = std::min(target.find('?'), target.size());
  Operation operation;
  operation.method = method;
  if (MaybeTargetError failure = ReadPath(target.substr(0, question), operation)) {
    return *failure;
  }
  if (question < target.size()) {
    if (MaybeTargetError failure = ReadQuery(target.substr(question + 1), operation)) {
      return *failure;
    }
  }
  if (!operation.page.empty()) {
    operation.n.reset();
    operation.last.clear();
    operation.artifact_type.clear();
  }
  // Neither may reach a registry alone. Without a source a registry looks for the blob in all of
  // its repositories, with the stored credential's rights and not with the caller's.
  if (operation.mount.empty() || operation.from.empty()) {
    operation.mount.clear();
    operation.from.clear();
  }
  if (operation.kind == OperationKind::kUploadSession && method == Method::kPut &&
      operation.digest.empty()) {
    return TargetError{TargetErrorCode::kDigestInvalid,
                       "The PUT that ends an upload must carry ?digest=."};
  }
  return operation;
}

bool MayHaveBody(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::kManifest:
      return operation.method == Method::kPut;
    case OperationKind::kUploadSession:
      return operation.method == Method::kPut || operation.method == Method::kPatch;
    case OperationKind::kUploadStart:
      return !operation.digest.empty();
    default:
      return false;
  }
}

}  // namespace connector::dataplane::addressing
