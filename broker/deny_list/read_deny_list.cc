#include "broker/deny_list/read_deny_list.h"

#include "common/base/input_error.h"
#include "common/config/yaml.h"

#include "proto/connector/config/v1/deny_list.pb.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>

namespace connector::broker::deny_list {
namespace {

namespace pb = ::connector::config::v1;

constexpr std::string_view kTokenDigestPrefix = "sha256:";
constexpr std::size_t kDigestDigits = 64;

std::optional<WallTime> ReadEnd(const std::string& text) {
  // sscanf would take signs and spaces.
  if (text.find_first_not_of("0123456789-T:Z") != std::string::npos || text.starts_with('-')) {
    return std::nullopt;
  }
  std::tm parts{};
  int read = 0;
  // NOLINTNEXTLINE(cert-err34-c): the widths bound every number, and the count is checked.
  const int fields = std::sscanf(text.c_str(),
                                 "%4d-%2d-%2dT%2d:%2d:%2dZ%n",
                                 &parts.tm_year,
                                 &parts.tm_mon,
                                 &parts.tm_mday,
                                 &parts.tm_hour,
                                 &parts.tm_min,
                                 &parts.tm_sec,
                                 &read);
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  const std::tm written = parts;
  const std::time_t seconds = ::timegm(&parts);
  // timegm makes 31 February a day of March: what it does not leave alone is no time.
  const bool same = written.tm_mon == parts.tm_mon && written.tm_mday == parts.tm_mday &&
                    written.tm_hour == parts.tm_hour && written.tm_min == parts.tm_min &&
                    written.tm_sec == parts.tm_sec;
  if (fields != 6 || text.size() != sizeof("2026-12-01T08:00:00Z") - 1 ||
      static_cast<std::size_t>(read) != text.size() || !same) {
    return std::nullopt;
  }
  return std::chrono::system_clock::from_time_t(seconds);
}

// Printable, since it stands in logs and in the audit.
bool IsPrintable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7F'; });
}

bool IsTokenId(const std::string& id) {
  if (!id.starts_with(kTokenDigestPrefix)) {
    return true;
  }
  const std::string_view digits = std::string_view(id).substr(kTokenDigestPrefix.size());
  return digits.size() == kDigestDigits &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The field and the sentence of what is wrong with `from`; none when `out` was made of it.
std::optional<std::pair<std::string, std::string>> ReadEntry(const pb::DenyListEntry& from,
                                                             DeniedEntry& out) {
  using Problem = std::pair<std::string, std::string>;
  int named = 0;
  for (const auto& [value, kind] : {std::pair{&from.subject(), DeniedKind::kSubject},
                                    std::pair{&from.namespace_(), DeniedKind::kNamespace},
                                    std::pair{&from.token_id(), DeniedKind::kTokenId},
                                    std::pair{&from.dataplane(), DeniedKind::kDataplane}}) {
    if (!value->empty()) {
      ++named;
      out.kind = kind;
      out.value = *value;
    }
  }
  if (named != 1) {
    return Problem{"", "must have exactly one of subject, namespace, tokenId and dataplane"};
  }
  out.issuer = from.issuer();
  out.reason = from.reason();
  if (!IsPrintable(out.value) || !IsPrintable(out.issuer) || !IsPrintable(out.reason)) {
    return Problem{"", "has a character outside printable ASCII"};
  }
  const bool takes_issuer = out.kind == DeniedKind::kNamespace || out.kind == DeniedKind::kTokenId;
  if (!out.issuer.empty() && !takes_issuer) {
    return Problem{"issuer",
                   "goes with namespace or tokenId; a subject of another issuer is ISSUER#SUBJECT"};
  }
  if (out.kind == DeniedKind::kTokenId && !IsTokenId(out.value)) {
    return Problem{"tokenId", "must have 64 lower-case hexadecimal digits after sha256:"};
  }
  if (out.value.find('*') != std::string::npos) {
    return Problem{"", "has a *; names are compared whole, so name each"};
  }
  if (!from.until().empty()) {
    out.until = ReadEnd(from.until());
    if (!out.until) {
      return Problem{"until", "must be a time in UTC, as 2026-12-01T08:00:00Z"};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<DeniedEntry>> ReadDenyList(std::string_view text, std::string_view file) {
  pb::DenyList from;
  std::vector<config::Problem> problems = config::LoadYaml(text, file, from);
  std::vector<DeniedEntry> entries;
  if (problems.empty()) {
    const config::YamlDocuments documents = config::ParseYaml(text, file);
    // A file that somebody emptied is no wish to deny nobody.
    if (documents.roots.empty() || documents.roots.front().Find("denied") == nullptr) {
      return InvalidInput(std::string(file) + ": has no list; to deny nobody, write denied: []");
    }
    for (int i = 0; i < from.denied_size(); ++i) {
      const auto problem = ReadEntry(from.denied(i), entries.emplace_back());
      if (problem) {
        std::string path = config::Join("denied", static_cast<std::size_t>(i));
        path = problem->first.empty() ? path : config::Join(path, problem->first);
        const int line = config::LineOf(documents.roots.front(), path);
        problems.push_back({std::string(file), line, std::move(path), problem->second});
      }
    }
  }
  if (problems.empty()) {
    return entries;
  }
  std::string message = config::Format(problems.front());
  if (problems.size() > 1) {
    message += " (and " + std::to_string(problems.size() - 1) + " more)";
  }
  return InvalidInput(std::move(message));
}

}  // namespace connector::broker::deny_list
