#pragma once

// The resources in one file of Kubernetes-shaped YAML: one document each, divided by "---". Pure.
// Checks every document by itself; what needs other documents is directory.h's.

#include "common/config/problem.h"
#include "common/resource/validate.h"

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
struct Identity {
  Kind kind = Kind::kConnector;
  std::string ns;  // Empty of a ConnectorClass.
  std::string name;

  bool operator==(const Identity&) const = default;
  auto operator<=>(const Identity&) const = default;
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
  std::set<Identity> broken;  // Resources that have problems but say who they are.
  bool unreadable = false;    // Some document does not even say who it is.
};

// Kinds: Connector and ConnectorClass of kApiVersion, Secret of v1. Fields that an API server sets
// (status, uid and so on) are accepted and dropped.
[[nodiscard]] FileDocuments ParseDocuments(std::string_view text, const std::string& file);

}  // namespace connector::resource
