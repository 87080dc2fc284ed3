#pragma once

// All resources of a directory together: parsed, checked one by one and against each other. Shared
// by the broker and `connectorctl validate`, so that both refuse the same.
//
// A resource that has problems is left out and named in `broken`; the rest is good to use. Whether
// an older version of a broken one stays in force is the broker's decision.

#include "common/resource/documents.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace connector::resource {

struct LoadedConnector {
  std::shared_ptr<const Connector> connector;  // Its class is applied.
  std::string file;
};

struct LoadedSecret {
  std::shared_ptr<const SecretResource> secret;
  std::string file;
};

struct LoadedClass {
  ConnectorClass connector_class;
  std::string file;  // Empty: the one that is built in.
};

using SecretMap = std::map<SecretName, LoadedSecret>;
using ClassMap = std::map<std::string, LoadedClass>;

struct DirectoryContent {
  std::map<ConnectorRef, LoadedConnector> connectors;
  SecretMap secrets;
  ClassMap classes;
  std::vector<config::Problem> problems;  // In the order of files and lines.
  std::set<ResourceId> broken;
  std::set<std::string> unreadable_files;  // Files of which some document could not be identified.
  std::vector<std::string> skipped;        // Of the directories that LoadPaths was given.
};

// Whether the Secrets that Connectors name are among the files, or somewhere else, where others
// look for them.
enum class SecretSource : std::uint8_t { kFiles, kElsewhere };

// Checks the files against each other: names used twice, unknown classes, auths that a class does
// not allow, Secrets that are missing or lack keys, CA bundles. A Connector whose Secret is not
// usable is reported and yet stays in `connectors`: it is there, and can say what it lacks.
[[nodiscard]] DirectoryContent Assemble(std::vector<FileDocuments> files,
                                        SecretSource secrets = SecretSource::kFiles);

// One file. One that cannot be read is a problem.
[[nodiscard]] FileDocuments ReadResourceFile(const std::string& path);

// The same of several, in their order, a few at a time: to parse thousands takes seconds.
[[nodiscard]] std::vector<FileDocuments> ReadResourceFiles(const std::vector<std::string>& paths);

// The *.yaml and *.yml of a directory, sorted: not hidden ones and not in folders below; follows
// symbolic links. Fails with kUnavailable when it cannot be listed. `skipped`, if given, gets what
// stands there besides and is not hidden; folders end with a slash.
[[nodiscard]] Result<std::vector<std::string>> ListResourceFiles(
    const std::string& path, std::vector<std::string>* skipped = nullptr);

// Files, and directories with what ListResourceFiles finds in them.
[[nodiscard]] Result<DirectoryContent> LoadPaths(const std::vector<std::string>& paths);

// What the Secrets that `connector` names lack. `path` is a field of the Connector.
struct SecretProblem {
  bool of_ca = false;  // Else of the registry credential.
  std::string path;
  std::string message;
};
[[nodiscard]] std::vector<SecretProblem> CheckSecrets(const Connector& connector,
                                                      const SecretMap& secrets);

}  // namespace connector::resource
