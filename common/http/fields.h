#pragma once

// The fields of one HTTP head, as views into the caller's buffer, each with what it is called
// already looked up. Used by the head parser and by everything that reads what it found.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace connector::http {

inline constexpr std::size_t kMaxHeaderFields = 100;

// The fields that someone asks for by name. Names that only matter by their prefix share an id.
enum class HeaderId : std::uint8_t {
  kOther,
  kAccept,
  kAcceptEncoding,
  kAcceptRanges,
  kAuthorization,
  kCacheControl,
  kConnection,
  kContentLength,
  kContentLocation,
  kContentRange,
  kContentType,
  kContentOther,  // Content-*
  kDate,
  kDockerContentDigest,
  kDockerDistributionApiVersion,
  kDockerRateLimitSource,
  kDockerUploadUuid,
  kDockerOther,  // Docker-*
  kEtag,
  kExpect,
  kHost,
  kIfOther,  // If-*
  kLastModified,
  kLink,
  kLocation,
  kOciNamespace,
  kOciOther,  // OCI-*
  kRange,
  kRateLimitOther,  // RateLimit-*
  kRetryAfter,
  kTransferEncoding,
  kUserAgent,
  kWarning,
  kWwwAuthenticate,
  kXRequestId,
};

// Case-insensitive.
[[nodiscard]] HeaderId LookUpHeader(std::string_view name);
[[nodiscard]] bool EqualsIgnoreCase(std::string_view a, std::string_view b);

struct HeaderField {
  std::string_view name;   // As sent.
  std::string_view value;  // Without leading and trailing white space; printable ASCII and HTAB.
  HeaderId id = HeaderId::kOther;
};

// The fields of one head, in the order sent. Reused from message to message, never cleared.
class HeaderFields {
 public:
  [[nodiscard]] const HeaderField* begin() const { return fields_.data(); }
  [[nodiscard]] const HeaderField* end() const { return fields_.data() + size_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  // The value of the first field with this id; a view with a null data() when there is none.
  [[nodiscard]] std::string_view Find(HeaderId id) const;
  [[nodiscard]] bool Has(HeaderId id) const { return Find(id).data() != nullptr; }

  void Reset() { size_ = 0; }
  [[nodiscard]] bool Add(const HeaderField& field);  // False when full.

 private:
  std::array<HeaderField, kMaxHeaderFields> fields_;
  std::size_t size_ = 0;
};

}  // namespace connector::http
