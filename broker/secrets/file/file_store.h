#pragma once

// FileSecretStore: the Secrets of the resource directory. The directory source gives it their
// content; it reads no file itself, so that Connectors and Secrets change together.

#include "broker/secrets/secret_store.h"
#include "broker/secrets/version_digest.h"
#include "common/resource/registry_secret.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::secrets {

class FileSecretStore final : public SecretStore {
 public:
  using Secrets = std::map<SecretRef, std::shared_ptr<const resource::SecretResource>>;

  // Versions are keyed with a key derived from `version_key` (version_digest.h), so that they tell
  // nothing about a password, not even by guessing.
  explicit FileSecretStore(std::string_view version_key);

  // Replaces all Secrets, then notifies the follower of each followed one that differs. One call at
  // a time: the callback runs in the caller's thread.
  void Update(const Secrets& secrets);

  // As Fetch, at once.
  [[nodiscard]] Result<StoredSecret> Read(const SecretRef& ref) const;

  [[nodiscard]] Task<Result<StoredSecret>> Fetch(SecretRef ref, Deadline deadline) override;
  void Follow(std::vector<SecretRef> refs,
              std::function<void(const SecretRef&)> on_change) override;

 private:
  struct VersionedSecret {
    std::shared_ptr<const resource::SecretResource> secret;
    std::string version;
  };

  VersionDigest versions_;
  mutable std::mutex mutex_;
  std::map<SecretRef, VersionedSecret> secrets_;
  std::vector<SecretRef> followed_;
  std::function<void(const SecretRef&)> on_change_;
};

}  // namespace connector::broker::secrets
