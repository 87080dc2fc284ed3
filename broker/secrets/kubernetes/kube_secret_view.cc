#include "broker/secrets/kubernetes/kube_secret_view.h"

#include <utility>
#include <vector>

namespace connector::broker::secrets {
namespace {

constexpr std::size_t kShownVersionDigits = 12;  // Of a version: enough to tell two apart.

}  // namespace

CredentialView ViewOf(KubeSecretStore& store) {
  return {[&store](std::vector<SecretNeed> needs) { store.FollowNeeds(std::move(needs)); },
          [&store](const SecretRef& ref, const resource::CredentialWanted& wanted) {
            return CredentialStateOf(store.Observed(ref), wanted);
          },
          [&store](const SecretRef& ref) { return CaStateOf(store.Observed(ref)); },
          [&store](const SecretRef& ref) { return CredentialStatusOf(ref, store.Observed(ref)); }};
}

CredentialState CredentialStateOf(const KubeObservation& observed,
                                  const resource::CredentialWanted& wanted) {
  const auto lack = observed.content.lacks.find(wanted);
  std::string problem =
      lack == observed.content.lacks.end() ? observed.content.problem : lack->second;
  return {observed.content.version, std::move(problem), observed.known};
}

CaState CaStateOf(const KubeObservation& observed) {
  const KubeContent& content = observed.content;
  return {
      content.ca, content.problem.empty() ? content.ca_problem : content.problem, observed.known};
}

admin::CredentialStatus CredentialStatusOf(const SecretRef& ref, const KubeObservation& observed) {
  admin::CredentialStatus out;
  out.kind = "secret";
  out.place = ref.ToString();
  out.version = observed.content.version.substr(0, kShownVersionDigits);
  out.last_success = observed.last_success;
  out.last_error = observed.last_error;
  return out;
}

}  // namespace connector::broker::secrets
