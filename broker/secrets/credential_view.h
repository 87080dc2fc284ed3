#pragma once

// CredentialView: the view of a credential store outside the resources, which is Vault or the
// Secrets of the Kubernetes API. It shows states and never a secret.

#include "broker/secrets/secret_need.h"
#include "broker/secrets/secret_store.h"
#include "common/admin/status_report.h"
#include "common/resource/ca_bundle.h"

#include <functional>
#include <string>
#include <vector>

namespace connector::broker::secrets {

// The state of the credential that a connector refers to.
struct CredentialState {
  std::string version{};  // Empty when it cannot be used, or was not read yet.
  std::string problem{};  // Why; empty when it can be used.
  bool known = true;      // False: it was not read yet, and may still be readable.
};

// The state of its CA bundle.
struct CaState {
  resource::CaBundle bundle{};  // Empty when it cannot be used, or was not read yet.
  std::string problem{};
  bool known = true;
};

// Empty functions: there is no such place.
struct CredentialView {
  // Sets what is watched from now on.
  std::function<void(std::vector<SecretNeed>)> follow{};
  std::function<CredentialState(const SecretRef&, const resource::CredentialWanted&)> observe{};
  std::function<CaState(const SecretRef&)> observe_ca{};
  std::function<admin::CredentialStatus(const SecretRef&)> status{};  // For the status page.
};

}  // namespace connector::broker::secrets
