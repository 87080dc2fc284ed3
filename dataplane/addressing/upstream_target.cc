// The operation as the registry sees it: its name of the repository, the rights, path and query.

#include "dataplane/addressing/target.h"

namespace connector::dataplane::addressing {
namespace {

using connector::oci::Action;
using connector::oci::ActionSet;
using connector::oci::Scope;
using http::Method;

constexpr std::string_view kHubLibrary = "library/";

// Appends "?key=value", then "&key=value".
class QueryWriter {
 public:
  explicit QueryWriter(std::string& out) : out_(out) {}

  void Add(std::string_view key, std::string_view value) {
    if (value.empty()) {
      return;
    }
    out_.push_back(first_ ? '?' : '&');
    first_ = false;
    out_.append(key).push_back('=');
    AppendEncoded(out_, value);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void AppendRepository(std::string& out, std::string_view repository, bool docker_hub) {
  if (docker_hub && repository.find('/') == std::string_view::npos) {
    out.append(kHubLibrary);
  }
  out.append(repository);
}

std::string_view PathWord(OperationKind kind) {
  switch (kind) {
    case OperationKind::kManifest:
      return "/manifests/";
    case OperationKind::kBlob:
      return "/blobs/";
    case OperationKind::kUploadStart:
      return "/blobs/uploads/";
    case OperationKind::kTags:
      return "/tags/list";
    case OperationKind::kReferrers:
      return "/referrers/";
    case OperationKind::kPing:
    case OperationKind::kUploadSession:
      return {};
  }
  return {};
}

ActionSet ActionsFor(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::kPing:
      return {};
    case OperationKind::kTags:
    case OperationKind::kReferrers:
      return {Action::kPull};
    case OperationKind::kUploadStart:
    case OperationKind::kUploadSession:
      return {Action::kPull, Action::kPush};
    case OperationKind::kManifest:
    case OperationKind::kBlob:
      break;
  }
  switch (operation.method) {
    case Method::kGet:
    case Method::kHead:
      return {Action::kPull};
    case Method::kDelete:
      return {Action::kDelete};
    case Method::kPost:
    case Method::kPatch:
    case Method::kPut:
      break;
  }
  return {Action::kPull, Action::kPush};
}

}  // namespace

std::string UpstreamRepository(std::string_view repository, bool docker_hub) {
  std::string out;
  AppendRepository(out, repository, docker_hub);
  return out;
}

std::vector<Scope> ScopesFor(const Operation& operation, bool docker_hub) {
  std::vector<Scope> scopes;
  const ActionSet actions = ActionsFor(operation);
  if (actions.empty()) {
    return scopes;
  }
  scopes.push_back(Scope{UpstreamRepository(operation.repository, docker_hub), actions});
  if (!operation.from.empty()) {
    std::string source = UpstreamRepository(operation.from, docker_hub);
    if (source != scopes.front().repository) {
      scopes.push_back(Scope{std::move(source), {Action::kPull}});
    }
  }
  return scopes;
}

std::vector<Scope> CancelScopesFor(const Operation& operation, bool docker_hub) {
  if (operation.kind != OperationKind::kUploadSession || operation.method != Method::kDelete) {
    return {};
  }
  return {Scope{UpstreamRepository(operation.repository, docker_hub), {Action::kDelete}}};
}

void AppendUpstreamTarget(std::string& out, const Operation& operation, bool docker_hub) {
  const std::string_view word = PathWord(operation.kind);
  if (word.empty()) {
    return;
  }
  out.append("/v2/");
  AppendRepository(out, operation.repository, docker_hub);
  out.append(word).append(operation.reference);
  QueryWriter query(out);
  query.Add("digest", operation.digest);
  query.Add("digest-algorithm", operation.digest_algorithm);
  query.Add("mount", operation.mount);
  if (!operation.from.empty()) {
    query.Add("from", UpstreamRepository(operation.from, docker_hub));
  }
  for (const std::string& tag : operation.tags) {
    query.Add("tag", tag);
  }
  query.Add("artifactType", operation.artifact_type);
  if (operation.n) {
    query.Add("n", std::to_string(*operation.n));
  }
  query.Add("last", operation.last);
}

void AppendEncoded(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kDigits[byte >> 4U]);
      out.push_back(kDigits[byte & 15U]);
    }
  }
}

}  // namespace connector::dataplane::addressing
