#pragma once

// Sealed: what is common to the states that a registry gives us and that a client carries for it:
// who may bring one back, why it may be refused, and how its fields are written before they are
// sealed. The states themselves are upload_session.h and page_state.h.

#include "common/base/connector_ref.h"
#include "common/crypto/seal.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {

inline constexpr std::chrono::hours kSealedLife{12};  // The keys of two periods open it.

// For logs, metrics and tests: a client is told one plain thing for all of them.
enum class SealRefusal : std::uint8_t {
  kMalformed,
  kUnknownKey,
  kForged,
  kExpired,
  kOtherSubject,
  kOtherConnector,
  kOtherRepository,  // Of a page: another repository, or another list of it.
  kOtherTarget,      // It leads to where it may not, now or ever.
};
[[nodiscard]] std::string_view Name(SealRefusal refusal);  // "expired", "other_subject" ...
[[nodiscard]] SealRefusal ToRefusal(crypto::OpenFailure failure);

// Whose a sealed state is, or who brings one back and when.
struct SealedFor {
  const ConnectorRef& connector;
  std::string_view place = {};  // Of an upload the repository, of a page the list's path.
  std::string_view subject = {};
  std::int64_t time = 0;  // Seconds since 1970: when it ends, or now.
};
// Why `bearer` may not use what was sealed for `owner`; nullopt when it may.
[[nodiscard]] std::optional<SealRefusal> RefuseTo(const SealedFor& bearer, const SealedFor& owner);

// Integers are big-endian; a text is its length in two bytes, then its bytes.
class FieldWriter {
 public:
  void Number(std::uint64_t value, int bytes);
  void Text(std::string_view text);
  [[nodiscard]] bool fits() const { return fits_; }  // No text was over 64 KiB.
  [[nodiscard]] const std::string& bytes() const { return out_; }

 private:
  std::string out_;
  bool fits_ = true;
};

class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t Number(std::size_t bytes);
  std::string Text() { return std::string(Take(static_cast<std::size_t>(Number(2)))); }
  // True when every field was there, and nothing after the last.
  [[nodiscard]] bool Complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view Take(std::size_t bytes);

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace connector::dataplane::oci
