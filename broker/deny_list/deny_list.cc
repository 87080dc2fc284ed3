#include "broker/deny_list/deny_list.h"

#include "broker/callers/token_key.h"
#include "common/base/encoding.h"
#include "common/base/keyed_version.h"
#include "common/crypto/digest.h"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <set>

namespace connector::broker::deny_list {
namespace {

constexpr std::string_view kDigestPrefix = "sha256:";
constexpr std::size_t kVersionBytes = 16;
// Where a TokenReview tells the `jti` of a ServiceAccount's token, as "JTI=...".
constexpr const char* kCredentialId = "authentication.kubernetes.io/credential-id";
constexpr std::string_view kJtiPrefix = "JTI=";

std::string TimeOf(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[sizeof("2026-12-01T08:00:00Z")] = {};
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// Sizes stand before the texts, so that no two lists have one digest.
void AppendMeasured(std::string& out, std::string_view text) {
  out.append(std::to_string(text.size())).append(":").append(text);
}

std::string VersionOf(const std::vector<DeniedEntry>& entries,
                      const root_key::RootKeys& root_keys) {
  std::set<std::string> denied;
  for (const DeniedEntry& entry : entries) {
    std::string text(ToString(entry.kind));
    AppendMeasured(text, entry.value);
    AppendMeasured(text, entry.issuer);
    denied.insert(std::move(text));
  }
  std::string all;
  for (const std::string& text : denied) {
    AppendMeasured(all, text);
  }
  std::vector<std::string> versions;
  for (const Secret& root : root_keys.all()) {
    const Secret key = crypto::HkdfSha256(root.Reveal(), "deny-list-version", crypto::kSha256Bytes);
    versions.push_back(HexEncode(crypto::HmacSha256(key.Reveal(), all).substr(0, kVersionBytes)));
  }
  return JoinVersions(versions);
}

}  // namespace

std::string_view ToString(DeniedKind kind) {
  switch (kind) {
    case DeniedKind::kSubject:
      return "subject";
    case DeniedKind::kNamespace:
      return "namespace";
    case DeniedKind::kTokenId:
      return "token_id";
    case DeniedKind::kDataplane:
      return "dataplane";
  }
  return "unknown";
}

std::string Describe(const DeniedEntry& entry) {
  std::string text(ToString(entry.kind));
  text.append(" \"").append(entry.value).append("\"");
  if (!entry.issuer.empty()) {
    text.append(" of ").append(entry.issuer);
  }
  if (entry.until) {
    text.append(" until ").append(TimeOf(*entry.until));
  }
  if (!entry.reason.empty()) {
    text.append(" (").append(entry.reason).append(")");
  }
  return text;
}

DenyList::DenyList(const std::vector<DeniedEntry>& entries,
                   WallTime now,
                   const root_key::RootKeys& root_keys) {
  std::copy_if(entries.begin(),
               entries.end(),
               std::back_inserter(entries_),
               [now](const DeniedEntry& entry) { return !entry.until || now < *entry.until; });
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const DeniedEntry& entry = entries_[i];
    indices_[static_cast<std::size_t>(entry.kind)].emplace(entry.value, i);
    by_digest_ = by_digest_ ||
                 (entry.kind == DeniedKind::kTokenId && entry.value.starts_with(kDigestPrefix));
    if (entry.until) {
      changes_at_ = std::min(changes_at_.value_or(*entry.until), *entry.until);
    }
  }
  if (!entries_.empty()) {
    version_ = VersionOf(entries_, root_keys);
  }
}

const DeniedEntry* DenyList::FindTokenId(std::string_view id, std::string_view issuer) const {
  const auto [first, last] = IndexOf(DeniedKind::kTokenId).equal_range(id);
  for (auto at = first; at != last; ++at) {
    const DeniedEntry& entry = entries_[at->second];
    if (entry.issuer.empty() || entry.issuer == issuer) {
      return &entry;
    }
  }
  return nullptr;
}

const DeniedEntry* DenyList::FindCaller(const callers::Caller& caller,
                                        const callers::UnverifiedToken& token) const {
  if (entries_.empty()) {
    return nullptr;
  }
  const Index& subjects = IndexOf(DeniedKind::kSubject);
  if (const auto found = subjects.find(caller.Name()); found != subjects.end()) {
    return &entries_[found->second];
  }
  // A name contains its authority: without an issuer an entry means the broker's own cluster.
  for (const auto& [account, own] : {std::pair{&caller.service_account, true},
                                     std::pair{&caller.other_cluster_account, false}}) {
    if (!*account) {
      continue;
    }
    const auto [first, last] = IndexOf(DeniedKind::kNamespace).equal_range((*account)->ns);
    for (auto at = first; at != last; ++at) {
      const DeniedEntry& entry = entries_[at->second];
      if (entry.issuer.empty() ? own : entry.issuer == caller.issuer) {
        return &entry;
      }
    }
  }
  const auto [first_id, last_id] = caller.claims.equal_range("jti");
  for (auto jti = first_id; jti != last_id; ++jti) {
    if (const DeniedEntry* const entry = FindTokenId(jti->second, caller.issuer)) {
      return entry;
    }
  }
  if (caller.kubernetes_user) {
    const auto& extra = caller.kubernetes_user->extra;
    if (const auto ids = extra.find(kCredentialId); ids != extra.end()) {
      for (const std::string_view id : ids->second) {
        const DeniedEntry* const entry =
            id.starts_with(kJtiPrefix) ? FindTokenId(id.substr(kJtiPrefix.size()), caller.issuer)
                                       : nullptr;
        if (entry != nullptr) {
          return entry;
        }
      }
    }
  }
  return by_digest_ ? FindTokenId(std::string(kDigestPrefix) + HexEncode(callers::TokenKey(token)),
                                  caller.issuer)
                    : nullptr;
}

const DeniedEntry* DenyList::FindPeer(const std::vector<std::string>& names) const {
  const Index& peers = IndexOf(DeniedKind::kDataplane);
  for (const std::string& name : names) {
    if (const auto found = peers.find(name); found != peers.end()) {
      return &entries_[found->second];
    }
  }
  return nullptr;
}

}  // namespace connector::broker::deny_list
