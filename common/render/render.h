#pragma once

// The configuration files with which stock clients reach a data plane: what they hold and where
// they belong. connectorctl writes them for a person, the CSI driver will for a pod. Pure: reads
// and writes no file, and never decides whether a token is valid.
//
// Two kinds are kept apart: credentials (config.json, auth.json) come back as a Secret, all others
// hold no token, with one exception that says so (hosts.toml for a mirror). How each client reads
// its file: reference/oci.md sections 3 and 4.

#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/base/secret.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::render {

enum class Format : std::uint8_t {
  kConfigJson,      // docker; also buildkit, ko, kaniko, crane, helm, oras
  kAuthJson,        // podman, buildah, skopeo (REGISTRY_AUTH_FILE)
  kBuildkitdToml,   // buildkitd --config
  kDaemonJson,      // dockerd
  kHostsToml,       // containerd: certs.d/<host>/hosts.toml
  kRegistriesConf,  // podman, buildah, skopeo, CRI-O
  kRegctlJson,      // regctl (REGCTL_CONFIG)
};

inline constexpr Format kFormats[] = {Format::kConfigJson,
                                      Format::kAuthJson,
                                      Format::kBuildkitdToml,
                                      Format::kDaemonJson,
                                      Format::kHostsToml,
                                      Format::kRegistriesConf,
                                      Format::kRegctlJson};

// The Basic user name in every credential. Data planes ignore it; clients need one that is not
// empty, has no ":" and is not "<token>".
inline constexpr std::string_view kUserName = "connector";

[[nodiscard]] std::string_view Name(Format format);  // "config.json" ...
[[nodiscard]] std::optional<Format> FormatFromName(std::string_view name);
[[nodiscard]] bool HoldsCredential(Format format);  // config.json and auth.json

// Where the client finds the data plane, and how it names images there. Made by MakeTarget.
struct Target {
  std::string authority;  // host[:port] exactly as it stands in image references.
  bool tls = false;
  std::string ca_file;                    // Where the client reads the CA; empty: the system's.
  std::optional<ConnectorRef> path_form;  // Set: images are named by the path form.
  std::string mirror_of;                  // host[:port] whose image names stay; empty: none.

  // What an image reference starts with, for example "h:1/namespaces/a/connectors/b".
  [[nodiscard]] std::string ReferencePrefix() const;
};

// Checks every field. Fails with kInvalidArgument for an authority that is no host[:port] or has
// upper-case letters (clients compare keys by bytes), a namespace or name that is no DNS label, a
// CA file without TLS or with a relative path, and a mirror_of that is no host[:port] or is the
// authority itself.
[[nodiscard]] Result<Target> MakeTarget(Target target);

// {"auths": {AUTHORITY: {"auth": ...}}}. The same for both formats that hold a credential.
// Fails with kInvalidArgument when the token is empty or holds anything but visible ASCII.
[[nodiscard]] Result<Secret> RenderCredential(const Target& target, const Secret& token);

// A file that holds no token. `format` must not be one that HoldsCredential.
[[nodiscard]] std::string RenderConfiguration(Format format, const Target& target);

// hosts.toml with the token in a header: with a mirror, containerd looks for no credential of its
// own, because it keeps them by the name of the registry that is mirrored.
[[nodiscard]] Result<Secret> RenderMirrorHostsToml(const Target& target, const Secret& token);

// Where the file belongs below a directory that holds them all: Name(format), but for hosts.toml
// "containerd/certs.d/<host>_<port>_/hosts.toml" as containerd wants it.
[[nodiscard]] std::string RelativePath(Format format, const Target& target);
// The CA, where docker (/etc/docker/certs.d) and podman (/etc/containers/certs.d) look for it.
[[nodiscard]] std::string RelativeCaPath(const Target& target);

}  // namespace connector::render
