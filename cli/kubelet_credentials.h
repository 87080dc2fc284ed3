#pragma once

// The kubelet's credential provider protocol (credentialprovider.kubelet.k8s.io/v1): from the
// request that the kubelet writes, the answer that it reads. Pure.
//
// The credential is the pod's own token, for the hosts of the data plane and for no other: an
// image's name is free text of a pod's author.

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/base/secret.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::cli {

// The images for which the data plane is asked.
struct ProviderHosts {
  // c-NAME.NAMESPACE.<suffix> with any port, beside those under svc (connector_host.h).
  std::vector<std::string> suffixes;
  std::vector<std::string> path;     // host[:port]/namespaces/NS/connectors/NAME/...
  std::vector<std::string> mirrors;  // host[:port] of registries that the node mirrors.
};

// Fails with kInvalidArgument for one that is no host[:port] in lower case (no port in a suffix).
[[nodiscard]] Result<Done> CheckHosts(const ProviderHosts& hosts);

// The host[:port] of `image` when its credential may go there. nullopt for an image of another
// registry, and for one that is not the name of an image.
[[nodiscard]] std::optional<std::string> CredentialHost(std::string_view image,
                                                        const ProviderHosts& hosts);

// Never remembered past the token: the kubelet asks anew this long before its end.
inline constexpr std::chrono::seconds kTokenMargin{10};

// A CredentialProviderResponse. Without a credential for an image that is none of ours: the kubelet
// then goes on to the next provider, or without. `longest` is how long the kubelet may remember it.
//
// Fails with kInvalidArgument, and without the token in its message, when the request is not of
// this version and kind, names no image, or lacks a token that is visible ASCII (for an image of
// ours); with kUnauthenticated when the token is no JWT or has ended.
[[nodiscard]] Result<Secret> AnswerKubelet(std::string_view request,
                                           const ProviderHosts& hosts,
                                           std::chrono::seconds longest,
                                           WallTime now);

}  // namespace connector::cli
