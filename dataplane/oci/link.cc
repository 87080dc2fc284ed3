#include "dataplane/oci/link.h"

#include "common/oci/reference.h"
#include "dataplane/oci/sealed_target.h"

#include <algorithm>
#include <optional>

namespace connector::dataplane::oci {
namespace {

using addressing::Operation;
using addressing::OperationKind;

Error BadLink(std::string message) {
  return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, std::move(message));
}

void SkipSpace(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

// One `<target>; name=value; ...` of a Link field (RFC 8288 section 3).
struct LinkValue {
  std::string_view target;
  bool is_next = false;
};

// Is `value` a list of relation types (separated by spaces) that holds next?
bool HoldsNext(std::string_view value) {
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(' '), value.size());
    if (http::EqualsIgnoreCase(value.substr(0, end), "next")) {
      return true;
    }
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return false;
}

// Takes a token or a quoted string off the front; its escapes stay, and no relation type has one.
std::optional<std::string_view> TakeParameterValue(std::string_view& text) {
  SkipSpace(text);
  std::string_view value;
  if (text.starts_with('"')) {
    std::size_t close = 1;
    while (close < text.size() && text[close] != '"') {
      close += text[close] == '\\' ? 2 : 1;
    }
    if (close >= text.size()) {
      return std::nullopt;
    }
    value = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
  } else {
    const std::size_t end = std::min(text.find_first_of(";, \t"), text.size());
    value = text.substr(0, end);
    text.remove_prefix(end);
  }
  return value;
}

// Some registries leave the brackets out.
std::optional<std::string_view> TakeTarget(std::string_view& text) {
  SkipSpace(text);
  const bool brackets = text.starts_with('<');
  const std::size_t end = brackets ? text.find('>') : text.find_first_of("<>;, \t");
  if (end == std::string_view::npos || end == 0) {
    return std::nullopt;
  }
  const std::string_view target = text.substr(0, end).substr(brackets ? 1 : 0);
  text.remove_prefix(end + (brackets ? 1 : 0));
  return target;
}

// Takes one link off the front of the list, with the comma after it.
std::optional<LinkValue> TakeLink(std::string_view& text) {
  const std::optional<std::string_view> target = TakeTarget(text);
  if (!target) {
    return std::nullopt;
  }
  LinkValue link{*target, false};
  SkipSpace(text);
  while (text.starts_with(';')) {
    text.remove_prefix(1);
    SkipSpace(text);
    const std::size_t name_end = std::min(text.find_first_of("=;, \t"), text.size());
    const std::string_view name = text.substr(0, name_end);
    text.remove_prefix(name_end);
    SkipSpace(text);
    if (text.starts_with('=')) {
      text.remove_prefix(1);
      const std::optional<std::string_view> value = TakeParameterValue(text);
      if (!value) {
        return std::nullopt;
      }
      link.is_next = link.is_next || (http::EqualsIgnoreCase(name, "rel") && HoldsNext(*value));
    }
    SkipSpace(text);
  }
  if (text.starts_with(',')) {
    text.remove_prefix(1);
  } else if (!text.empty()) {
    return std::nullopt;
  }
  return link;
}

// By the names of the connector's registry.
bool IsOwnList(const LinkContext& context, const std::string& path) {
  const addressing::ParsedTarget parsed = addressing::ParseTarget(http::Method::kGet, path);
  const auto* next = std::get_if<Operation>(&parsed);
  const Operation& asked = context.operation;
  return next != nullptr && next->kind == asked.kind && next->reference == asked.reference &&
         next->repository == addressing::UpstreamRepository(asked.repository, context.docker_hub);
}

// Some leave the API's root out. A list that is redirected to may have another name there.
bool IsSameList(const LinkContext& context, const std::string& path) {
  return IsOwnList(context, path) || IsOwnList(context, "/v2" + path) || path == context.asked.path;
}

// By what a Link's query pages.
enum class PagesBy : std::uint8_t { kNothing, kLast, kOther };

PagesBy ReadPaging(std::string_view query) {
  PagesBy by = PagesBy::kNothing;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    const bool has_value =
        equals == std::string_view::npos ? !pair.empty() : equals + 1 < pair.size();
    if (key == "n" || key == "artifactType" || !has_value) {
      continue;
    }
    if (key != "last" || by == PagesBy::kLast) {
      return PagesBy::kOther;
    }
    by = PagesBy::kLast;
  }
  return by;
}

// The next page as an operation on the same list, or why it is none.
Result<Operation> ReadNext(const LinkContext& context, std::string_view target) {
  Result<http::Url> url = http::ResolveReference(context.asked, target);
  if (!url) {
    return BadLink("The registry's Link does not parse.");
  }
  if (!IsSameList(context, url->path)) {
    return BadLink("The registry's Link does not lead on in the same list.");
  }
  const PagesBy by = ReadPaging(url->query);
  if (by == PagesBy::kNothing || url->query == context.asked.query) {
    return BadLink("The registry's Link leads to the same page again.");
  }
  const http::Url page{context.list.origin, context.list.path, std::move(url->query)};
  if (by == PagesBy::kLast) {
    addressing::ParsedTarget parsed = addressing::ParseTarget(http::Method::kGet, page.Target());
    if (auto* next = std::get_if<Operation>(&parsed)) {
      return std::move(*next);
    }
  }
  if (page.query.size() > kMaxPageQueryBytes) {
    return BadLink("The registry's Link is too long.");
  }
  if (!IsPageUrl(page)) {
    return BadLink("The registry's Link does not lead on in the same list.");
  }
  Result<std::string> sealed = SealPage(context.keys,
                                        {.connector = context.connector,
                                         .path = page.path,
                                         .subject = std::string(context.subject),
                                         .expires_at = context.expires_at,
                                         .query = page.query});
  if (!sealed) {
    return std::move(sealed).error();
  }
  Operation next = context.operation;
  next.n.reset();
  next.last.clear();
  next.artifact_type.clear();
  next.page = *std::move(sealed);
  return next;
}

// Where the client finds the next page: its own name of the list, and nothing of the registry's.
std::string ClientLink(const LinkContext& context, Operation next) {
  next.repository = context.address.client_prefix + context.operation.repository;
  std::string out = "<";
  addressing::AppendUpstreamTarget(out, next, false);
  if (!next.page.empty()) {
    out.append("?page=").append(next.page);
  }
  if (!context.operation.ns.empty()) {
    out.append("&ns=");
    addressing::AppendEncoded(out, context.operation.ns);
  }
  return out.append(">; rel=\"next\"");
}

}  // namespace

Result<std::string> RewriteLink(const LinkContext& context, std::string_view field_value) {
  while (!field_value.empty()) {
    const std::optional<LinkValue> link = TakeLink(field_value);
    if (!link) {
      return BadLink("The registry's Link does not parse.");
    }
    if (!link->is_next) {
      continue;
    }
    Result<Operation> next = ReadNext(context, link->target);
    if (!next) {
      return std::move(next).error();
    }
    return ClientLink(context, *std::move(next));
  }
  return std::string();
}

std::string FinalLocation(const Operation& operation,
                          const addressing::Address& address,
                          std::string_view docker_content_digest) {
  std::string out = addressing::ClientPath(address, operation.repository);
  const bool manifest = operation.kind == OperationKind::kManifest;
  out.append(manifest ? "/manifests/" : "/blobs/");
  if (connector::oci::IsDigest(docker_content_digest)) {
    return out.append(docker_content_digest);
  }
  if (manifest) {
    return out.append(operation.reference);
  }
  return out.append(operation.digest.empty() ? operation.mount : operation.digest);
}

}  // namespace connector::dataplane::oci
