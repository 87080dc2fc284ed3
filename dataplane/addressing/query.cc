#include "dataplane/addressing/query.h"

#include "common/base/ascii.h"

#include <algorithm>
#include <charconv>

namespace connector::dataplane::addressing {
namespace {

using http::Method;
using MaybeTargetError = std::optional<TargetError>;

MaybeTargetError Fail(TargetErrorCode code, std::string_view sentence) {
  return TargetError{code, sentence};
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// '+' stays '+': no value that we accept holds a space, and media types do hold '+'.
std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return std::nullopt;
    }
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 6838 section 4.2, type "/" subtype.
bool IsMediaType(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (text.size() > 255 || slash == 0 || slash == std::string_view::npos ||
      slash + 1 == text.size()) {
    return false;
  }
  return std::all_of(text.begin(),
                     text.end(),
                     [](char c) {
                       return IsAlnum(c) ||
                              std::string_view("!#$&-^_.+/").find(c) != std::string_view::npos;
                     }) &&
         text.find('/', slash + 1) == std::string_view::npos;
}

bool IsAlgorithm(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("+._-").find(c) != std::string_view::npos;
  });
}

// host[:port]; it is compared with configured hosts and never dialled.
bool IsMirrorHost(std::string_view text) {
  return !text.empty() && text.size() <= 259 && std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlnum(c) || std::string_view(".-_:[]").find(c) != std::string_view::npos;
  });
}

// What a slot holds until the whole query is read when its key has no value: clients and Links
// write such keys, and registries read them as absent. No value that is valid reads so.
constexpr std::string_view kNoValue = "=";
constexpr std::uint32_t kNoPageSize = kMaxPageSize + 1;

// A key stands once, with a value or without. `slot` is empty until then.
MaybeTargetError Store(std::string value,
                       bool valid,
                       std::string& slot,
                       const TargetError& invalid) {
  if (!slot.empty()) {
    return Fail(TargetErrorCode::kQueryInvalid, "A query parameter must stand once.");
  }
  if (value.empty()) {
    slot = kNoValue;
    return std::nullopt;
  }
  if (!valid) {
    return invalid;
  }
  slot = std::move(value);
  return std::nullopt;
}

constexpr TargetError kBadDigest{
    TargetErrorCode::kDigestInvalid,
    "A digest must read algorithm:hex, such as sha256: and 64 digits."};
constexpr TargetError kBadFrom{TargetErrorCode::kNameInvalid,
                               "The parameter from must name a repository."};
constexpr TargetError kBadType{TargetErrorCode::kQueryInvalid,
                               "The artifactType must be a media type."};
constexpr TargetError kBadLast{TargetErrorCode::kPageInvalid,
                               "The parameter last must be a repository name or a tag."};
constexpr TargetError kBadPage{
    TargetErrorCode::kPageInvalid,
    "The parameter page must be taken from a Link; list again from the start."};
constexpr TargetError kBadHost{TargetErrorCode::kNameInvalid,
                               "The parameter ns must read host or host:port."};
constexpr TargetError kBadAlgorithm{TargetErrorCode::kDigestInvalid,
                                    "The digest-algorithm must be a name such as sha512."};

MaybeTargetError StoreDigest(std::string value, std::string& slot) {
  const bool valid = connector::oci::IsDigest(value);
  return Store(std::move(value), valid, slot, kBadDigest);
}

MaybeTargetError StorePageSize(std::string_view value, std::optional<std::uint32_t>& slot) {
  if (slot) {
    return Fail(TargetErrorCode::kQueryInvalid, "A query parameter must stand once.");
  }
  if (value.empty()) {
    slot = kNoPageSize;
    return std::nullopt;
  }
  const bool digits = value.size() <= 18 && std::all_of(value.begin(), value.end(), [](char c) {
                        return c >= '0' && c <= '9';
                      });
  if (!digits) {
    return Fail(TargetErrorCode::kPageInvalid, "The parameter n must be a number from 0 to 10000.");
  }
  std::uint64_t n = 0;
  std::from_chars(value.data(), value.data() + value.size(), n);
  slot = static_cast<std::uint32_t>(std::min<std::uint64_t>(n, kMaxPageSize));
  return std::nullopt;
}

MaybeTargetError ReadUploadStart(std::string_view key, std::string value, Operation& operation) {
  if (key == "digest") {
    return StoreDigest(std::move(value), operation.digest);
  }
  if (key == "mount") {
    return StoreDigest(std::move(value), operation.mount);
  }
  if (key == "digest-algorithm") {
    const bool valid = IsAlgorithm(value);
    return Store(std::move(value), valid, operation.digest_algorithm, kBadAlgorithm);
  }
  if (key == "from") {
    const bool valid = IsClientRepository(value);
    return Store(std::move(value), valid, operation.from, kBadFrom);
  }
  return std::nullopt;  // `origin` (some clients send it) and what nobody knows.
}

MaybeTargetError ReadTag(std::string value, Operation& operation) {
  if (value.empty()) {
    return std::nullopt;
  }
  if (!connector::oci::IsTag(value)) {
    return Fail(TargetErrorCode::kTagInvalid, "A tag must be 1 to 128 of [A-Za-z0-9._-].");
  }
  if (operation.tags.size() == kMaxTagsPerPut) {
    return Fail(TargetErrorCode::kQueryInvalid, "At most 16 tags may stand in one request.");
  }
  operation.tags.push_back(std::move(value));
  return std::nullopt;
}

MaybeTargetError ReadPage(std::string_view key, std::string value, Operation& operation) {
  if (key == "n") {
    return StorePageSize(value, operation.n);
  }
  if (key == "page") {
    const bool valid = IsSealedText(value, kMaxPageBytes);
    return Store(std::move(value), valid, operation.page, kBadPage);
  }
  if (key == "last") {
    const bool valid = connector::oci::IsTag(value) || connector::oci::IsRepository(value) ||
                       connector::oci::IsDigest(value);
    return Store(std::move(value), valid, operation.last, kBadLast);
  }
  return std::nullopt;
}

MaybeTargetError ReadOne(std::string_view key, std::string value, Operation& operation) {
  if (key == "ns") {
    // Not a parameter of the registry's: it says whom the request is for.
    return IsMirrorHost(value) ? Store(Lower(value), true, operation.ns, kBadHost)
                               : MaybeTargetError(kBadHost);
  }
  switch (operation.kind) {
    case OperationKind::kUploadStart:
      return ReadUploadStart(key, std::move(value), operation);
    case OperationKind::kUploadSession:
      return key == "digest" && operation.method == Method::kPut
                 ? StoreDigest(std::move(value), operation.digest)
                 : std::nullopt;
    case OperationKind::kManifest:
      return key == "tag" && operation.method == Method::kPut && operation.reference_is_digest
                 ? ReadTag(std::move(value), operation)
                 : std::nullopt;
    case OperationKind::kTags:
      return ReadPage(key, std::move(value), operation);
    case OperationKind::kReferrers:
      if (key == "artifactType") {
        const bool valid = IsMediaType(value);
        return Store(std::move(value), valid, operation.artifact_type, kBadType);
      }
      return ReadPage(key, std::move(value), operation);
    case OperationKind::kPing:
    case OperationKind::kBlob:
      break;
  }
  return std::nullopt;
}

void DropKeysWithoutValue(Operation& operation) {
  for (std::string* slot : {&operation.digest,
                            &operation.digest_algorithm,
                            &operation.mount,
                            &operation.from,
                            &operation.last,
                            &operation.artifact_type,
                            &operation.page}) {
    if (*slot == kNoValue) {
      slot->clear();
    }
  }
  if (operation.n == kNoPageSize) {
    operation.n.reset();
  }
}

}  // namespace

bool IsSealedText(std::string_view text, std::size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes &&
         std::all_of(
             text.begin(), text.end(), [](char c) { return IsAlnum(c) || c == '-' || c == '_'; });
}

bool MayHoldKey(std::string_view query, std::span<const std::string_view> keys) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find_first_of("&;"));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::optional<std::string> key = PercentDecode(pair.substr(0, pair.find('=')));
    if (!key || std::find(keys.begin(), keys.end(), Lower(*key)) != keys.end()) {
      return true;
    }
  }
  return false;
}

std::optional<TargetError> ReadQuery(std::string_view query, Operation& operation) {
  // Some servers split at ';', others do not.
  if (query.find(';') != std::string_view::npos) {
    return Fail(TargetErrorCode::kQueryInvalid, "The query must not hold ';'.");
  }
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::optional<std::string> key = PercentDecode(pair.substr(0, equals));
    std::optional<std::string> value =
        PercentDecode(pair.substr(std::min(equals + 1, pair.size())));
    if (!key || !value) {
      return Fail(TargetErrorCode::kQueryInvalid,
                  "A '%' in the query must be followed by two hex digits.");
    }
    if (MaybeTargetError failure = ReadOne(*key, *std::move(value), operation)) {
      return failure;
    }
  }
  DropKeysWithoutValue(operation);
  return std::nullopt;
}

}  // namespace connector::dataplane::addressing
