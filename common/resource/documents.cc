#include "common/resource/documents.h"

#include "common/config/json_tree.h"
#include "common/config/yaml.h"

#include "proto/connector/config/v1/resource.pb.h"

#include <boost/json.hpp>
#include <google/protobuf/message.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace connector::resource {
namespace {

using config::Node;
using config::Problem;
namespace v1 = config::v1;

// What directory.cc reports problems at.
constexpr const char* kCrossChecked[] = {"metadata.name",
                                         "spec.address",
                                         "spec.connectorClassName",
                                         "spec.auth.name",
                                         "spec.auth.secretRef.name",
                                         "spec.caCertSecretRef.name",
                                         "spec.upstream.tokenRealm"};

std::string TextAt(const Node& root, std::string_view outer, std::string_view inner = {}) {
  const Node* node = root.Find(outer);
  if (node != nullptr && !inner.empty()) {
    node = node->Find(inner);
  }
  return node == nullptr ? std::string() : node->text;
}

// One document: its kind is known, so what it says can be loaded.
class DocumentParser {
 public:
  DocumentParser(const Node& root, Kind kind, FileDocuments& out)
      : root_(root), kind_(kind), out_(out) {}

  void Parse() {
    switch (kind_) {
      case Kind::kConnector:
        return ParseConnector();
      case Kind::kConnectorClass:
        return ParseClass();
      case Kind::kSecret:
        return ParseSecret();
    }
  }

 private:
  void ParseConnector() {
    v1::Connector file;
    std::vector<Problem> problems = config::LoadNode(root_, out_.file, file);
    ProblemReport report;
    ConnectorDraft draft = ValidateConnector(file, report);
    if (Sound(std::move(problems), report)) {
      ConnectorDocument document{std::move(draft), {}};
      for (const char* path : kCrossChecked) {
        document.lines[path] = config::LineOf(root_, path);
      }
      out_.connectors.push_back(std::move(document));
    }
  }

  void ParseClass() {
    v1::ConnectorClass file;
    std::vector<Problem> problems = config::LoadNode(root_, out_.file, file);
    ProblemReport report;
    ConnectorClass connector_class = ValidateClass(file, report);
    if (Sound(std::move(problems), report)) {
      out_.classes.push_back({std::move(connector_class), config::LineOf(root_, "metadata.name")});
    }
  }

  void ParseSecret() {
    v1::Secret file;
    std::vector<Problem> problems = config::LoadNode(root_, out_.file, file);
    ProblemReport report;
    SecretResource secret = ValidateSecret(file, report);
    if (Sound(std::move(problems), report)) {
      out_.secrets.push_back({std::make_shared<const SecretResource>(std::move(secret)),
                              config::LineOf(root_, "metadata.name")});
    }
  }

  // Adds the problems of schema and rules to the file's; true when there is none.
  bool Sound(std::vector<Problem> problems, const ProblemReport& report) {
    const std::size_t of_schema = problems.size();
    for (const auto& found : report.found()) {
      const std::string& path = found.first;
      // What could not be loaded is empty, and breaks rules only for that reason.
      const bool explained = std::any_of(
          problems.begin(), problems.begin() + static_cast<long>(of_schema), [&](const Problem& p) {
            return config::IsAtOrUnder(p.path, path) || config::IsAtOrUnder(path, p.path);
          });
      if (!explained) {
        problems.push_back({out_.file, config::LineOf(root_, path), path, found.second});
      }
    }
    if (problems.empty()) {
      return true;
    }
    std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
      return a.line < b.line;
    });
    std::move(problems.begin(), problems.end(), std::back_inserter(out_.problems));
    const std::string name = TextAt(root_, "metadata", "name");
    if (name.empty()) {
      out_.unreadable = true;
      return false;
    }
    const std::string ns = TextAt(root_, "metadata", "namespace");
    out_.broken.insert(
        {kind_, kind_ == Kind::kConnectorClass ? "" : (ns.empty() ? kDefaultNamespace : ns), name});
    return false;
  }

  const Node& root_;
  Kind kind_;
  FileDocuments& out_;
};

constexpr const char* kKnownKinds = "Connector, ConnectorClass and Secret";
constexpr std::size_t kMaxKindName = 63;

bool IsKindName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxKindName &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
         });
}

// Of an API group that is not ours. A kind that we do not know in our own group may be a misspelt
// Connector, which must not end with its mistake.
bool IsForeign(const std::string& kind, const std::string& version) {
  const std::string_view group(kApiVersion);
  return IsKindName(kind) && !version.empty() && kind != "Secret" && kind != "Connector" &&
         kind != "ConnectorClass" && !version.starts_with(group.substr(0, group.find('/') + 1));
}

void NoteForeign(const Node& root, const std::string& kind, FileDocuments& out) {
  std::vector<std::string>& kinds = out.foreign_kinds;
  if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) {
    return;
  }
  kinds.push_back(kind);
  if (kinds.size() == 1) {
    out.problems.push_back({out.file, config::LineOf(root, "kind"), "kind", {}});
  }
}

// "Namespace, Role and ServiceMonitor are not read here ..."
std::string NotReadHere(const std::vector<std::string>& kinds) {
  std::string list;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    list.append(i == 0 ? "" : i + 1 == kinds.size() ? " and " : ", ").append(kinds[i]);
  }
  return list + (kinds.size() == 1 ? " is" : " are") + " not read here; these files hold " +
         kKnownKinds + ", so move the rest elsewhere";
}

// The kind of a document, or a problem.
std::optional<Kind> ReadKind(const Node& root, FileDocuments& out) {
  const auto refuse = [&](const char* path, std::string message) -> std::optional<Kind> {
    out.problems.push_back({out.file, config::LineOf(root, path), path, std::move(message)});
    out.unreadable = true;
    return std::nullopt;
  };
  if (root.kind != Node::Kind::kMap) {
    return refuse("", "is not a resource; write apiVersion, kind, metadata and spec");
  }
  const std::string kind = TextAt(root, "kind");
  const std::string version = TextAt(root, "apiVersion");
  const bool secret = kind == "Secret";
  if (kind == "List" || kind == "SecretList" || kind == "ConnectorList" ||
      kind == "ConnectorClassList") {
    return refuse("kind",
                  "is no list that is read here; write apiVersion: v1, kind: List and items");
  }
  if (IsForeign(kind, version)) {
    NoteForeign(root, kind, out);
    return std::nullopt;
  }
  if (!secret && kind != "Connector" && kind != "ConnectorClass") {
    return refuse("kind", "is not known here; write Connector, ConnectorClass or Secret");
  }
  const std::string wanted = secret ? "v1" : kApiVersion;
  if (version != wanted) {
    return refuse("apiVersion", "is not the version of this kind; write " + wanted);
  }
  return secret ? Kind::kSecret : (kind == "Connector" ? Kind::kConnector : Kind::kConnectorClass);
}

// The items of what `kubectl get -o yaml` prints; null of anything else.
const Node* ItemsOf(const Node& root) {
  const bool is_list = TextAt(root, "kind") == "List" && TextAt(root, "apiVersion") == "v1";
  const Node* items = is_list ? root.Find("items") : nullptr;
  return items != nullptr && items->kind == Node::Kind::kSequence ? items : nullptr;
}

const char* NameOf(Kind kind) {
  switch (kind) {
    case Kind::kConnector:
      return "Connector";
    case Kind::kConnectorClass:
      return "ConnectorClass";
    case Kind::kSecret:
      return "Secret";
  }
  return "";
}

// Adds the member `key` of `from`, where it is there.
void Take(const boost::json::object& from, const char* key, Node& to) {
  const boost::json::value* value = from.if_contains(key);
  if (value != nullptr && !value->is_null()) {
    to.entries.push_back({key, 0, config::NodeOf(*value)});
  }
}

Node Text(const std::string& text) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.text = text;
  return node;
}

// What a file would say of the object.
Node DocumentOf(Kind kind, const boost::json::object& object) {
  Node root;
  root.kind = Node::Kind::kMap;
  root.entries.push_back({"apiVersion", 0, Text(kind == Kind::kSecret ? "v1" : kApiVersion)});
  root.entries.push_back({"kind", 0, Text(NameOf(kind))});
  Node metadata;
  metadata.kind = Node::Kind::kMap;
  const boost::json::value* given = object.if_contains("metadata");
  if (given != nullptr && given->is_object()) {
    Take(given->get_object(), "name", metadata);
    Take(given->get_object(), "namespace", metadata);
  }
  root.entries.push_back({"metadata", 0, std::move(metadata)});
  if (kind == Kind::kSecret) {
    Take(object, "type", root);
    Take(object, "data", root);
  } else {
    Take(object, "spec", root);
  }
  return root;
}

}  // namespace

std::string Title(const ResourceId& identity) {
  return std::string(NameOf(identity.kind)) + " " + (identity.ns.empty() ? "" : identity.ns + "/") +
         identity.name;
}

FileDocuments ParseDocuments(std::string_view text, const std::string& file) {
  FileDocuments out;
  out.file = file;
  config::YamlDocuments documents = config::ParseYaml(text, file);
  const auto parse = [&out](const Node& document) {
    if (const std::optional<Kind> kind = ReadKind(document, out)) {
      DocumentParser(document, *kind, out).Parse();
    }
  };
  for (Node& root : documents.roots) {
    if (const Node* items = ItemsOf(root)) {
      std::for_each(items->items.begin(), items->items.end(), parse);
    } else {
      parse(root);
    }
    config::Wipe(root);
  }
  for (Problem& problem : out.problems) {
    if (problem.message.empty()) {
      problem.message = NotReadHere(out.foreign_kinds);
    }
  }
  out.unreadable = out.unreadable || !documents.problems.empty();
  std::move(documents.problems.begin(), documents.problems.end(), std::back_inserter(out.problems));
  return out;
}

FileDocuments ParseObject(Kind kind, const boost::json::object& object) {
  Node root = DocumentOf(kind, object);
  FileDocuments out;
  out.file = Title({kind, TextAt(root, "metadata", "namespace"), TextAt(root, "metadata", "name")});
  DocumentParser(root, kind, out).Parse();
  config::Wipe(root);
  return out;
}

}  // namespace connector::resource
