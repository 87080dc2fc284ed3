#include "common/resource/registry_secret.h"

#include "common/resource/docker_config.h"

#include <algorithm>
#include <array>
#include <utility>

namespace connector::resource {
namespace {

struct DockerConfigKey {
  std::string_view type;  // Empty: of plain Secrets alone.
  const char* key;
  DockerConfigForm form;
};

constexpr std::array<DockerConfigKey, 3> kDockerConfigKeys = {{
    {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", DockerConfigForm::kConfigJson},
    {"kubernetes.io/dockercfg", ".dockercfg", DockerConfigForm::kDockercfg},
    {"", "config.json", DockerConfigForm::kConfigJson},
}};
constexpr std::array<std::string_view, 4> kPlainTypes = {
    "", "Opaque", "kubernetes.io/basic-auth", "cpaas.io/distribution-registry-token"};

Error InvalidSecret(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(message));
}

Result<RegistrySecret> ReadPair(const std::map<std::string, Secret>& data,
                                const CredentialWanted& wanted) {
  for (const std::string& key : {wanted.username_key, wanted.password_key}) {
    const auto found = data.find(key);
    if (found == data.end()) {
      return InvalidSecret("lacks the key " + key + "; it needs " + wanted.username_key + " and " +
                           wanted.password_key);
    }
    if (found->second.empty()) {
      return InvalidSecret("has an empty key " + key + "; give it a value");
    }
  }
  return CheckedPair(data.at(wanted.username_key).Reveal(),
                     data.at(wanted.password_key).Reveal(),
                     " in the pair " + wanted.username_key + " and " + wanted.password_key);
}

// Tools that sync secrets, and people, keep docker's configuration in a Secret of no special type.
// The pair is what such a Secret has by its definition, so it goes first.
Result<RegistrySecret> ReadPlain(const std::map<std::string, Secret>& data,
                                 const CredentialWanted& wanted,
                                 std::string_view repository) {
  const CredentialWanted usual{wanted.registry};
  if (wanted == usual && !data.contains(wanted.username_key) &&
      !data.contains(wanted.password_key)) {
    for (const DockerConfigKey& each : kDockerConfigKeys) {
      if (const auto found = data.find(each.key); found != data.end()) {
        return ReadDockerConfig(found->second, each.key, each.form, wanted, repository);
      }
    }
  }
  return ReadPair(data, wanted);
}

}  // namespace

Result<RegistrySecret> ReadRegistrySecret(const std::string& type,
                                          const std::map<std::string, Secret>& data,
                                          const CredentialWanted& wanted,
                                          std::string_view repository) {
  if (std::find(kPlainTypes.begin(), kPlainTypes.end(), type) != kPlainTypes.end()) {
    return ReadPlain(data, wanted, repository);
  }
  const auto* const docker = std::ranges::find(kDockerConfigKeys, type, &DockerConfigKey::type);
  if (docker == kDockerConfigKeys.end()) {
    return InvalidSecret(
        "has a type that holds no registry credential; use kubernetes.io/basic-auth, "
        "kubernetes.io/dockerconfigjson, kubernetes.io/dockercfg or Opaque");
  }
  const auto found = data.find(docker->key);
  if (found == data.end()) {
    return InvalidSecret("lacks the key " + std::string(docker->key));
  }
  return ReadDockerConfig(found->second, docker->key, docker->form, wanted, repository);
}

}  // namespace connector::resource
