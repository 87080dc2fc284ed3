#pragma once

// Names and reads Secrets of the Kubernetes API, and explains errors. Pure.

#include "broker/secrets/secret_need.h"
#include "broker/secrets/version_digest.h"
#include "common/kube/object.h"
#include "common/resource/ca_bundle.h"

#include <cstdint>
#include <map>
#include <string>

namespace connector::broker::secrets {

// The object that `ref` names. Fails with kInvalidArgument when the namespace or the name is not
// one that Kubernetes can have: the two become parts of a URL, and a name must not lead out of the
// Connector's own namespace.
[[nodiscard]] Result<kube::ObjectName> KubeNameOf(const SecretRef& ref);

// Type and decoded data, without a version. Fails with kUnavailable when `object` is not the one
// that was asked for, and with kInvalidArgument when its data are not base64.
[[nodiscard]] Result<StoredSecret> ReadKubeSecret(const kube::Object& object,
                                                  const kube::ObjectName& asked);

enum class KubeVerb : std::uint8_t { kGet, kWatch };

// `error` of a request about `ref`, as the store's caller sees it: one sentence that says what is
// missing, and for a refusal the rule of a Role that gives it.
[[nodiscard]] Error ExplainKubeError(const Error& error, const SecretRef& ref, KubeVerb verb);

// What is kept of a followed Secret instead of its content.
struct KubeContent {
  std::string version;    // Empty: there is none, or it cannot be read.
  std::string problem;    // Why the Secret as a whole cannot be used.
  CredentialLacks lacks;  // Why it holds no credential for those that want one.
  resource::CaBundle ca;  // Only where one is needed. Public.
  std::string ca_problem;

  bool operator==(const KubeContent&) const = default;
};

[[nodiscard]] KubeContent KubeContentOf(const kube::Object& object,
                                        const SecretNeed& need,
                                        const VersionDigest& versions);
[[nodiscard]] KubeContent KubeContentOf(const Error& error);

}  // namespace connector::broker::secrets
