#pragma once

// The files of one volume: everything that a client needs to reach the data plane for the named
// connectors, as the configurations of their ConnectorClass say (common/resource/configuration.h).
// The CSI driver writes them for a pod, connectorctl for a person, with the same bytes.
//
// Pure: reads and writes no file, knows no clock, and never decides whether a token is valid. What
// templates may name is listed in docs/configurations.md and in common/resource/configuration.h.

#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/resource/configuration.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace connector::render {

// Where a client sees the volume, unless the parameter kMountPathParam says otherwise. Only files
// that must name the CA by an absolute path depend on it.
inline constexpr std::string_view kMountPath = "/etc/oci-connector";
inline constexpr std::string_view kMountPathParam = "mountPath";

// The Basic user name in every credential. Data planes ignore it; clients need one that is not
// empty, has no ":" and is not "<token>".
inline constexpr std::string_view kUserName = "connector";

// Limits of what one volume may ask for and hold.
inline constexpr std::size_t kMaxVolumeConnectors = 32;
inline constexpr std::size_t kMaxVolumeBytes = std::size_t{512} * 1024;

using Configurations = std::vector<resource::Configuration>;

// One connector, as the client is to reach it.
struct VolumeConnector {
  ConnectorRef ref;
  std::string host;           // host[:port] as in image references: status.address.host.
  bool tls = false;           // Whether the data plane speaks TLS at `host`.
  bool path_form = false;     // Images are named host/namespaces/NS/connectors/NAME/...
  std::string upstream_host;  // host[:port] of the registry, for mirrors; empty: no mirror.
  std::string class_name;     // Only to be named in messages.
  std::shared_ptr<const Configurations>
      configurations;                        // Of its class. Null: BuiltInConfigurations().
  std::shared_ptr<const Secret> token = {};  // For this connector alone. Null: the volume's.
};

struct VolumeRequest {
  std::vector<VolumeConnector> connectors;  // At least one, none twice.
  // Names of configurations, and "!file" for one that is left out ("!folder" for all below it).
  // No name: registry-config. What the attribute configuration.names says, split at commas.
  std::vector<std::string> configurations;
  std::map<std::string, std::string> params;  // The attribute configuration.params.
  std::string ca_bundle;                      // PEM for TLS; empty: the system's trust.
  std::string ca_file;  // Where the client reads the CA; empty: ca.crt of the mount path.
  // The pod's own, for connectors without one; empty: files that need one are refused.
  Secret token;
};

struct VolumeFile {
  Secret content;
  bool holds_token = false;

  // What a file gets that only its owner should read when it holds the token.
  [[nodiscard]] unsigned mode() const { return holds_token ? 0600 : 0644; }
};

// Keyed by relative path: components joined by "/", none of them "." or starting with "..".
using Volume = std::map<std::string, VolumeFile>;

// Fails with kInvalidArgument and a sentence that names the connector, configuration, parameter or
// file and says what to change. Besides the configurations' files a volume has the built-in ones:
// token, address, ca.crt (with a CA) and .env, and context.token and connector.status.proxyAddress
// for manifests that know these names.
[[nodiscard]] Result<Volume> RenderVolume(const VolumeRequest& request);

// What an image reference starts with, for example "h:1/namespaces/a/connectors/b".
[[nodiscard]] std::string ImageAddress(const VolumeConnector& connector);

// How containerd names the folder of a registry: "host:port" is "host_port_".
[[nodiscard]] std::string HostDirectory(std::string host);

// The configurations of the class `oci` that this release ships (deploy/crds/oci-class.yaml).
[[nodiscard]] std::shared_ptr<const Configurations> BuiltInConfigurations();

// The two volume attributes as they are written. "a, !b" is {"a", "!b"}; params is one JSON object
// whose values are text, numbers or booleans. Both fail with kInvalidArgument.
[[nodiscard]] Result<std::vector<std::string>> ParseConfigurationNames(std::string_view text);
[[nodiscard]] Result<std::map<std::string, std::string>> ParseParams(std::string_view json);

}  // namespace connector::render
