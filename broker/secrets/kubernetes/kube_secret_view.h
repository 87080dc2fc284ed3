#pragma once

// What the catalog and the status page see of Secrets of the Kubernetes API.

#include "broker/secrets/credential_view.h"
#include "broker/secrets/kubernetes/kube_store.h"

#include <string>

namespace connector::broker::secrets {

// `store` outlives the view.
[[nodiscard]] CredentialView ViewOf(KubeSecretStore& store);

// Pure.
[[nodiscard]] CredentialState CredentialStateOf(const KubeObservation& observed,
                                                const resource::CredentialWanted& wanted);
[[nodiscard]] CaState CaStateOf(const KubeObservation& observed);
[[nodiscard]] admin::CredentialStatus CredentialStatusOf(const SecretRef& ref,
                                                         const KubeObservation& observed);

}  // namespace connector::broker::secrets
