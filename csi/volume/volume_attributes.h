#pragma once

// What the attributes of an inline volume ask for (csi/README.md, and the older pair of names),
// and what the kubelet adds to them about the pod (podInfoOnMount). Pure.
//
// An unknown attribute is refused: a misspelt one must not be a mount that silently lacks
// something. Names under csi.storage.k8s.io/ are the kubelet's, which overwrites whatever a pod
// writes there.

#include "common/base/connector_ref.h"
#include "common/base/result.h"

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace connector::csi::volume {

// What token.expiration may say. It is checked and has no effect: the kubelet makes the token, for
// as long as CSIDriver.spec.tokenRequests says, and it is replaced before it ends.
inline constexpr std::chrono::minutes kMinExpiration{10};
inline constexpr std::chrono::hours kMaxExpiration{24};

// Where newer and older kubelets put the pod's tokens: into secrets, or among the attributes.
inline constexpr std::string_view kTokensKey = "csi.storage.k8s.io/serviceAccount.tokens";

struct Pod {
  std::string ns;
  std::string name;
  std::string uid;
  std::string service_account;

  bool operator==(const Pod&) const = default;
};

struct VolumeAttributes {
  Pod pod;
  std::vector<ConnectorRef> connectors;     // At least one, none twice.
  std::vector<std::string> configurations;  // As written, with "!"; empty: the default.
  std::map<std::string, std::string> params;

  bool operator==(const VolumeAttributes&) const = default;
};

// Fails with kInvalidArgument and a sentence for whoever wrote the pod. Never quotes the tokens.
[[nodiscard]] Result<VolumeAttributes> ParseVolumeAttributes(
    const std::map<std::string, std::string>& context);

}  // namespace connector::csi::volume
