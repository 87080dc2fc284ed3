#include "tests/integration/dataplane/framing/ledger.h"

#include "tests/support/cpp/fake_issuer.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace connector::framing {
namespace {

using oci::Action;
using oci::ActionSet;
using oci::Scope;

constexpr std::string_view kFields[] = {"host",
                                        "authorization",
                                        "accept",
                                        "accept-encoding",
                                        "content-length",
                                        "content-range",
                                        "content-type",
                                        "range",
                                        "transfer-encoding",
                                        "user-agent"};
constexpr std::string_view kPrefixes[] = {"if-", "docker-", "oci-"};
constexpr std::string_view kOnce[] = {
    "host", "authorization", "accept-encoding", "content-range", "content-type", "range"};

bool IsAllowedField(std::string_view name) {
  return std::find(std::begin(kFields), std::end(kFields), name) != std::end(kFields) ||
         std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](std::string_view prefix) {
           return name.starts_with(prefix);
         });
}

std::optional<std::string> Decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size() ||
        std::sscanf(std::string(text.substr(i + 1, 2)).c_str(), "%2x", &value) != 1) {
      return std::nullopt;
    }
    out.push_back(static_cast<char>(value));
    i += 2;
  }
  return out;
}

struct Target {
  std::string repository;
  std::string word;  // "manifests", "blobs", "uploads", "tags", "referrers"
  std::string reference;
  std::multimap<std::string, std::string> query;
};

bool IsLowerAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Runs of letters and digits, with ".", "_", "__" or hyphens between them.
bool IsComponent(std::string_view text) {
  if (text.empty() || !IsLowerAlnum(text.front()) || !IsLowerAlnum(text.back())) {
    return false;
  }
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && !IsLowerAlnum(text[end])) {
      ++end;
    }
    const std::string_view between = text.substr(at, end - at);
    if (!between.empty() && between != "." && between != "_" && between != "__" &&
        between.find_first_not_of('-') != std::string_view::npos) {
      return false;
    }
    at = end == at ? at + 1 : end;
  }
  return true;
}

bool IsName(std::string_view text) {
  while (true) {
    const std::size_t slash = text.find('/');
    if (!IsComponent(text.substr(0, slash))) {
      return false;
    }
    if (slash == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(slash + 1);
  }
}

// "/v2/NAME/WORD/REFERENCE", from the right.
std::optional<Target> ReadPath(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (!path.starts_with("/v2/") || slash < 4) {
    return std::nullopt;
  }
  const std::string_view front = path.substr(0, slash);
  for (const std::string_view word : {"manifests", "blobs/uploads", "blobs", "tags", "referrers"}) {
    const std::size_t size = word.size() + 1;
    if (front.size() > 4 + size && front.ends_with(word) && front[front.size() - size] == '/') {
      const std::string_view name = front.substr(4, front.size() - size - 4);
      return IsName(name) ? std::optional(Target{std::string(name),
                                                 std::string(word),
                                                 std::string(path.substr(slash + 1)),
                                                 {}})
                          : std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<Target> ReadTarget(const std::string& target) {
  const std::size_t question = std::min(target.find('?'), target.size());
  std::optional<Target> out = ReadPath(std::string_view(target).substr(0, question));
  if (!out) {
    return std::nullopt;
  }
  std::string_view rest = std::string_view(target).substr(question);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(pair.size());
    const std::size_t equals = pair.find('=');
    const std::optional<std::string> value =
        equals == std::string_view::npos ? std::nullopt : Decode(pair.substr(equals + 1));
    // A key is written by the data plane itself, so it never needs an escape.
    if (!value || pair.substr(0, equals).find('%') != std::string_view::npos) {
      return std::nullopt;
    }
    out->query.emplace(pair.substr(0, equals), *value);
  }
  return out;
}

bool HasOnly(const Target& target, std::initializer_list<std::string_view> keys) {
  return std::all_of(target.query.begin(), target.query.end(), [&](const auto& entry) {
    return std::find(keys.begin(), keys.end(), entry.first) != keys.end() &&
           (target.query.count(entry.first) == 1 || entry.first == "tag");
  });
}

std::string Value(const Target& target, const std::string& key) {
  const auto found = target.query.find(key);
  return found == target.query.end() ? "" : found->second;
}

using Needed = std::optional<std::vector<Scope>>;

Needed ScopesOfStart(const Target& target) {
  if (!HasOnly(target, {"digest", "digest-algorithm", "mount", "from"})) {
    return std::nullopt;
  }
  std::vector<Scope> scopes{{target.repository, {Action::kPull, Action::kPush}}};
  const std::string from = Value(target, "from");
  if (!from.empty() && Value(target, "mount").empty()) {
    return std::nullopt;
  }
  if (!from.empty() && from != target.repository) {
    scopes.push_back({from, {Action::kPull}});
  }
  return scopes;
}

Needed ScopesOfSession(const Registry& registry, const Message& message, const Target& target) {
  const bool put = message.method == "PUT";
  if (registry.SessionRepository(target.reference) != target.repository ||
      Value(target, "_state") != Registry::SessionState(target.reference) ||
      !HasOnly(target, {"_state", put ? "digest" : "_state"}) ||
      put == Value(target, "digest").empty()) {
    return std::nullopt;
  }
  return std::vector<Scope>{{target.repository, {Action::kPull, Action::kPush}}};
}

// What some registry may read names from.
bool IsFormType(std::string type) {
  std::transform(type.begin(), type.end(), type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return type.find("form") != std::string::npos || type.find("multipart") != std::string::npos;
}

std::string FaultOfFields(const Registry& registry, const Seen& seen, bool anonymous) {
  for (const auto& [name, value] : seen.message.fields) {
    if (!IsAllowedField(name)) {
      return "a field that must not pass: " + name;
    }
    if (std::find(std::begin(kOnce), std::end(kOnce), name) != std::end(kOnce) &&
        seen.message.Count(name) > 1) {
      return "a field that stands twice: " + name;
    }
  }
  if (!anonymous && seen.message.Field("host") != registry.authority()) {
    return "another Host: " + seen.message.Field("host");
  }
  if (seen.message.Field("accept-encoding") != "identity") {
    return "Accept-Encoding";
  }
  const std::string type = seen.message.Field("content-type");
  if (seen.message.target.find("/blobs/uploads/") != std::string::npos && IsFormType(type)) {
    return "a form on an upload: " + type;
  }
  return {};
}

}  // namespace

dataplane::token::GrantResult Ledger::Answer(const dataplane::token::GrantRequest& grant_request) {
  using dataplane::token::DenialReason;
  using dataplane::token::GrantDenial;
  const ConnectorRef harbor{"default", "harbor"};
  const bool ping = grant_request.connector.name.empty() && grant_request.upstream_host.empty();
  if (!ping && grant_request.connector != harbor &&
      grant_request.upstream_host != "harbor.example.com") {
    return GrantDenial{DenialReason::kConnectorNotFound, "no such connector", {}, "s"};
  }
  for (const Scope& scope : grant_request.scopes) {
    if (scope.repository.starts_with("secret/")) {
      return GrantDenial{DenialReason::kAccessDenied, "no rule lets you", {}, "s"};
    }
  }
  const std::lock_guard lock(mutex_);
  char credential[32];
  std::snprintf(credential, sizeof credential, "grant-%010zu-upstream", entries_.size());
  entries_["Bearer " + std::string(credential)] = {
      std::string(grant_request.caller_token->Reveal()),
      grant_request.client_address,
      grant_request.scopes};
  return testing_support::MakeGrant(ping ? ConnectorRef{} : harbor, credential, "epoch-1");
}

std::optional<Ledger::Entry> Ledger::Find(const std::string& authorization) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(authorization);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

Needed NeededScopes(const Registry& registry, const Message& message) {
  const std::optional<Target> target = ReadTarget(message.target);
  if (!target) {
    return std::nullopt;
  }
  const std::string& method = message.method;
  const bool read = method == "GET" || method == "HEAD";
  const ActionSet actions = read                 ? ActionSet{Action::kPull}
                            : method == "DELETE" ? ActionSet{Action::kDelete}
                                                 : ActionSet{Action::kPull, Action::kPush};
  const std::vector<Scope> scopes{{target->repository, actions}};
  if (target->word == "blobs/uploads") {
    return target->reference.empty() ? (method == "POST" ? ScopesOfStart(*target) : std::nullopt)
                                     : (method == "POST" || method == "HEAD"
                                            ? std::nullopt
                                            : ScopesOfSession(registry, message, *target));
  }
  const bool by_digest = oci::IsDigest(target->reference);
  if (target->word == "manifests") {
    const bool legal = (read || method == "PUT" || method == "DELETE") &&
                       (by_digest || oci::IsTag(target->reference));
    const bool tags = method == "PUT" && by_digest;
    return legal && (tags ? HasOnly(*target, {"tag"}) : target->query.empty()) ? Needed(scopes)
                                                                               : std::nullopt;
  }
  if (target->word == "blobs") {
    return by_digest && (read || method == "DELETE") && target->query.empty() ? Needed(scopes)
                                                                              : std::nullopt;
  }
  const bool tags = target->word == "tags";
  const bool legal =
      method == "GET" && (tags ? target->reference == "list" : by_digest) &&
      (tags ? HasOnly(*target, {"n", "last"}) : HasOnly(*target, {"n", "last", "artifactType"}));
  return legal ? Needed(scopes) : std::nullopt;
}

std::string FaultOf(const Registry& registry,
                    const Ledger& ledger,
                    const Seen& seen,
                    bool anonymous_blobs) {
  if (!seen.malformed.empty()) {
    return "not canonical HTTP/1.1: " + seen.malformed;
  }
  if (!seen.message.has_head) {
    return "a head without an end";
  }
  const bool anonymous =
      anonymous_blobs && seen.message.method == "GET" && seen.message.Count("authorization") == 0;
  const std::string fault = FaultOfFields(registry, seen, anonymous);
  if (!fault.empty() || anonymous) {
    return fault;
  }
  const std::optional<Ledger::Entry> grant = ledger.Find(seen.message.Field("authorization"));
  if (!grant) {
    return "no grant has this credential";
  }
  const Needed needed = NeededScopes(registry, seen.message);
  if (!needed) {
    return "no operation of ours";
  }
  return *needed == grant->scopes ? "" : "the grant of its credential is for something else";
}

}  // namespace connector::framing
