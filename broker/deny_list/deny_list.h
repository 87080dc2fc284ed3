#pragma once

// DenyList: whom the operator denies everything at once, as it holds at one moment. Immutable and
// pure. It grants nothing: access rules and RBAC are asked as before of whom it does not name.

#include "broker/callers/caller_verifier.h"
#include "broker/root_key/root_keys.h"
#include "common/base/clock.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::deny_list {

enum class DeniedKind : std::uint8_t { kSubject, kNamespace, kTokenId, kDataplane };
inline constexpr std::size_t kDeniedKinds = 4;

[[nodiscard]] std::string_view ToString(DeniedKind kind);  // "subject", "token_id" ...

struct DeniedEntry {
  DeniedKind kind = DeniedKind::kSubject;
  std::string value;
  std::string issuer = {};  // Of a namespace or token id; empty where the file names none.
  std::optional<WallTime> until = {};
  std::string reason = {};

  bool operator==(const DeniedEntry&) const = default;
};

// For operators: `subject "x"`, then issuer, end and reason, as far as there are any.
[[nodiscard]] std::string Describe(const DeniedEntry& entry);

class DenyList {
 public:
  DenyList() = default;
  // What of `entries` has not ended at `now`. `root_keys` key the version.
  DenyList(const std::vector<DeniedEntry>& entries,
           WallTime now,
           const root_key::RootKeys& root_keys);
  DenyList(const DenyList&) = delete;
  DenyList& operator=(const DenyList&) = delete;

  // Keyed (keyed_version.h), of whom it denies: the same on every broker, and telling nothing of
  // the list. Empty when it denies nobody. Reasons, ends and the order make no difference.
  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] const std::vector<DeniedEntry>& entries() const { return entries_; }
  [[nodiscard]] std::size_t size(DeniedKind kind) const { return IndexOf(kind).size(); }
  // When the first of its entries ends; none: never.
  [[nodiscard]] std::optional<WallTime> changes_at() const { return changes_at_; }

  // The entry that denies the caller with this token; null: none does.
  [[nodiscard]] const DeniedEntry* FindCaller(const callers::Caller& caller,
                                              const callers::UnverifiedToken& token) const;
  // The entry that denies a peer whose certificate has these names: one of them is enough.
  [[nodiscard]] const DeniedEntry* FindPeer(const std::vector<std::string>& names) const;

 private:
  using Index = std::multimap<std::string, std::size_t, std::less<>>;

  [[nodiscard]] const Index& IndexOf(DeniedKind kind) const {
    return indices_[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] const DeniedEntry* FindTokenId(std::string_view id, std::string_view issuer) const;

  std::vector<DeniedEntry> entries_;
  std::array<Index, kDeniedKinds> indices_;
  std::optional<WallTime> changes_at_;
  std::string version_;
  bool by_digest_ = false;  // Some token is named by its SHA-256.
};

}  // namespace connector::broker::deny_list
