#include "broker/secrets/file/file_store.h"

#include <algorithm>
#include <utility>

namespace connector::broker::secrets {
FileSecretStore::FileSecretStore(std::string_view version_key) : versions_(version_key) {}

void FileSecretStore::Update(const Secrets& secrets) {
  std::map<SecretRef, VersionedSecret> next;
  for (const auto& [ref, secret] : secrets) {
    next.emplace(ref, VersionedSecret{secret, versions_.Of(secret->type, secret->data)});
  }
  std::vector<SecretRef> changed;
  std::function<void(const SecretRef&)> on_change;
  {
    const std::lock_guard lock(mutex_);
    const auto version = [](const std::map<SecretRef, VersionedSecret>& map, const SecretRef& ref) {
      const auto found = map.find(ref);
      return found == map.end() ? std::string() : found->second.version;
    };
    std::copy_if(
        followed_.begin(), followed_.end(), std::back_inserter(changed), [&](const SecretRef& ref) {
          return version(secrets_, ref) != version(next, ref);
        });
    secrets_.swap(next);
    on_change = on_change_;
  }
  for (const SecretRef& ref : changed) {
    on_change(ref);
  }
}

Result<StoredSecret> FileSecretStore::Read(const SecretRef& ref) const {
  VersionedSecret current;
  {
    const std::lock_guard lock(mutex_);
    const auto found = secrets_.find(ref);
    if (found == secrets_.end()) {
      return MakeError(ErrorCode::kNotFound,
                       ErrorOrigin::kBroker,
                       "there is no Secret " + ref.ns + "/" + ref.name);
    }
    current = found->second;
  }
  StoredSecret out;
  out.type = current.secret->type;
  out.version = current.version;
  for (const auto& [key, value] : current.secret->data) {
    out.data.emplace(key, value.Clone());
  }
  return out;
}

Task<Result<StoredSecret>> FileSecretStore::Fetch(SecretRef ref, Deadline /*deadline*/) {
  co_return Read(ref);
}

void FileSecretStore::Follow(std::vector<SecretRef> refs,
                             std::function<void(const SecretRef&)> on_change) {
  const std::lock_guard lock(mutex_);
  followed_ = std::move(refs);
  on_change_ = std::move(on_change);
}

}  // namespace connector::broker::secrets
