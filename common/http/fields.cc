#include "common/http/fields.h"

#include <algorithm>

namespace connector::http {
namespace {

constexpr char LowerByte(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// `lower` is already in lower case and as long as `text`.
bool Matches(std::string_view text, std::string_view lower) {
  return std::equal(
      lower.begin(), lower.end(), text.begin(), [](char a, char b) { return a == LowerByte(b); });
}

bool HasPrefix(std::string_view text, std::string_view lower) {
  return text.size() > lower.size() && Matches(text.substr(0, lower.size()), lower);
}

struct KnownHeader {
  std::string_view name;  // Lower case.
  HeaderId id;
};

constexpr std::array kKnown = {
    KnownHeader{"accept", HeaderId::kAccept},
    KnownHeader{"accept-encoding", HeaderId::kAcceptEncoding},
    KnownHeader{"accept-ranges", HeaderId::kAcceptRanges},
    KnownHeader{"authorization", HeaderId::kAuthorization},
    KnownHeader{"cache-control", HeaderId::kCacheControl},
    KnownHeader{"connection", HeaderId::kConnection},
    KnownHeader{"content-length", HeaderId::kContentLength},
    KnownHeader{"content-location", HeaderId::kContentLocation},
    KnownHeader{"content-range", HeaderId::kContentRange},
    KnownHeader{"content-type", HeaderId::kContentType},
    KnownHeader{"date", HeaderId::kDate},
    KnownHeader{"docker-content-digest", HeaderId::kDockerContentDigest},
    KnownHeader{"docker-distribution-api-version", HeaderId::kDockerDistributionApiVersion},
    KnownHeader{"docker-ratelimit-source", HeaderId::kDockerRateLimitSource},
    KnownHeader{"docker-upload-uuid", HeaderId::kDockerUploadUuid},
    KnownHeader{"etag", HeaderId::kEtag},
    KnownHeader{"expect", HeaderId::kExpect},
    KnownHeader{"host", HeaderId::kHost},
    KnownHeader{"last-modified", HeaderId::kLastModified},
    KnownHeader{"link", HeaderId::kLink},
    KnownHeader{"location", HeaderId::kLocation},
    KnownHeader{"oci-namespace", HeaderId::kOciNamespace},
    KnownHeader{"range", HeaderId::kRange},
    KnownHeader{"retry-after", HeaderId::kRetryAfter},
    KnownHeader{"transfer-encoding", HeaderId::kTransferEncoding},
    KnownHeader{"user-agent", HeaderId::kUserAgent},
    KnownHeader{"warning", HeaderId::kWarning},
    KnownHeader{"www-authenticate", HeaderId::kWwwAuthenticate},
    KnownHeader{"x-request-id", HeaderId::kXRequestId},
};

// Two known names with one slot would lose one; the static_assert below proves that none do.
constexpr std::size_t kSlots = 128;

constexpr std::size_t SlotOf(std::string_view name) {
  const auto at = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(LowerByte(name[i])));
  };
  return (name.size() * 27 + at(0) * 23 + at(name.size() / 2) + at(name.size() - 1) * 35) % kSlots;
}

constexpr std::array<std::uint8_t, kSlots> MakeSlots() {
  std::array<std::uint8_t, kSlots> slots{};  // Index into kKnown plus one; 0 is empty.
  for (std::size_t i = 0; i < kKnown.size(); ++i) {
    slots[SlotOf(kKnown[i].name)] = static_cast<std::uint8_t>(i + 1);
  }
  return slots;
}

constexpr std::array<std::uint8_t, kSlots> kSlotTable = MakeSlots();

constexpr bool EveryNameHasItsSlot() {
  for (std::size_t i = 0; i < kKnown.size(); ++i) {
    if (kSlotTable[SlotOf(kKnown[i].name)] != i + 1) {
      return false;
    }
  }
  return true;
}
static_assert(EveryNameHasItsSlot());

HeaderId LookUpPrefix(std::string_view name) {
  switch (LowerByte(name[0])) {
    case 'c':
      return HasPrefix(name, "content-") ? HeaderId::kContentOther : HeaderId::kOther;
    case 'd':
      return HasPrefix(name, "docker-") ? HeaderId::kDockerOther : HeaderId::kOther;
    case 'i':
      return HasPrefix(name, "if-") ? HeaderId::kIfOther : HeaderId::kOther;
    case 'o':
      return HasPrefix(name, "oci-") ? HeaderId::kOciOther : HeaderId::kOther;
    case 'r':
      return HasPrefix(name, "ratelimit-") ? HeaderId::kRateLimitOther : HeaderId::kOther;
    default:
      return HeaderId::kOther;
  }
}

}  // namespace

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return LowerByte(x) == LowerByte(y);
         });
}

HeaderId LookUpHeader(std::string_view name) {
  if (name.empty()) {
    return HeaderId::kOther;
  }
  const std::uint8_t slot = kSlotTable[SlotOf(name)];
  if (slot != 0) {
    const KnownHeader& known = kKnown[slot - 1U];
    if (known.name.size() == name.size() && Matches(name, known.name)) {
      return known.id;
    }
  }
  return LookUpPrefix(name);
}

std::string_view HeaderFields::Find(HeaderId id) const {
  for (const HeaderField& field : *this) {
    if (field.id == id) {
      return field.value;
    }
  }
  return {};
}

bool HeaderFields::Add(const HeaderField& field) {
  if (size_ == fields_.size()) {
    return false;
  }
  fields_[size_++] = field;
  return true;
}

}  // namespace connector::http
