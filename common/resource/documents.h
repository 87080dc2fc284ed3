#pragma once

// The resources in one file of Kubernetes-shaped YAML, one document each, divided by "---"; and one
// object as a Kubernetes API sends it, read by the same rules with the same sentences. Pure.
// Checks every document by itself; what needs other documents is directory.h's.

#include "common/config/problem.h"
#include "common/resource/validation.h"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace connector::resource {

enum class Kind : std::uint8_t { kConnector, kConnectorClass, kSecret };

// Names a resource, whether it is sound or not.
struct ResourceId {
  Kind kind = Kind::kConnector;
  std::string ns;  // Empty of a ConnectorClass.
  std::string name;

  bool operator==(const ResourceId&) const = default;
  auto operator<=>(const ResourceId&) const = default;
};

struct ConnectorDocument {
  ConnectorDraft draft;
  std::map<std::string, int> lines;  // Of the paths that checks across documents speak of.
};

struct ClassDocument {
  ConnectorClass connector_class;
  int line = 0;
};

struct SecretDocument {
  std::shared_ptr<const SecretResource> secret;
  int line = 0;
};

struct FileDocuments {
  std::string file;
  std::vector<ConnectorDocument> connectors;  // Sound ones only, and so on.
  std::vector<ClassDocument> classes;
  std::vector<SecretDocument> secrets;
  std::vector<config::Problem> problems;
  std::set<ResourceId> broken;  // Resources that have problems but say who they are.
  bool unreadable = false;      // Some document does not even say who it is.
  // Kinds of other API groups, in the order of the file. One problem names them all.
  std::vector<std::string> foreign_kinds;
};

// Kinds: Connector and ConnectorClass of kApiVersion, Secret of v1, and a List of them, whose items
// are read as documents. Fields that an API server sets (status, uid and so on) are accepted and
// dropped. A kind of another API group is a problem that touches no other document: exports and
// builds hold such.
[[nodiscard]] FileDocuments ParseDocuments(std::string_view text, const std::string& file);

// One object of the API, of which the caller knows the kind since it asked for it: items of a list
// do not all say theirs. At most one resource, or one in `broken`. `file` is Title's, lines are 0.
//
// Reads spec (of a Secret: type and data), and of metadata name and namespace only. An unknown
// field in spec is a problem: the API keeps none that its CRD lacks, so the CRD is newer than we
// are, and the field may be one that forbids something.
[[nodiscard]] FileDocuments ParseObject(Kind kind, const boost::json::object& object);

// "Connector team-a/harbor", "ConnectorClass oci".
[[nodiscard]] std::string Title(const ResourceId& identity);

}  // namespace connector::resource
