#include "common/curl/trust.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

namespace connector::curl {
namespace {

Error Invalid(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(message));
}

std::shared_ptr<X509_STORE> NewStore() {
  return {X509_STORE_new(), X509_STORE_free};
}

// The system's certificates in `from` become `to`'s as well, without a copy.
void Share(X509_STORE* from, X509_STORE* to) {
  const STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(from);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    if (X509* certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i))) {
      X509_STORE_add_cert(to, certificate);
    }
  }
  // What the system keeps in its hashed directory is read when it is looked for.
  if (X509_LOOKUP* lookup = X509_STORE_add_lookup(to, X509_LOOKUP_hash_dir())) {
    X509_LOOKUP_add_dir(lookup, nullptr, X509_FILETYPE_DEFAULT);
  }
}

// False when there is none, or one that does not parse.
bool AddAll(const std::string& pem, X509_STORE* to) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  bool added = false;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(to, certificate);
    X509_free(certificate);
    added = true;
  }
  const unsigned long end = ERR_peek_last_error();
  ERR_clear_error();
  return added && ERR_GET_REASON(end) == PEM_R_NO_START_LINE;
}

}  // namespace

Result<std::shared_ptr<X509_STORE>> TrustStores::Get(const std::string& ca_pem, bool alone) {
  const auto now = std::chrono::steady_clock::now();
  const Key key{alone && !ca_pem.empty(), ca_pem};
  if (const auto found = kept_.find(key); found != kept_.end() && found->second.until > now) {
    return found->second.store;
  }
  Result<std::shared_ptr<X509_STORE>> store = Build(key);
  if (store) {
    if (kept_.size() >= kMaxTrustStores) {
      kept_.clear();
    }
    kept_.insert_or_assign(key, Kept{*store, now + kTrustLife});
  }
  return store;
}

Result<std::shared_ptr<X509_STORE>> TrustStores::Build(const Key& key) {
  const auto& [alone, ca_pem] = key;
  std::shared_ptr<X509_STORE> store = NewStore();
  if (store == nullptr) {
    return MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "no memory for a CA store");
  }
  if (ca_pem.empty()) {
    // A machine without a bundle trusts nobody.
    X509_STORE_set_default_paths(store.get());
    ERR_clear_error();
    return store;
  }
  if (!alone) {
    const Result<std::shared_ptr<X509_STORE>> system = Get("");
    if (!system) {
      return system;
    }
    Share((*system).get(), store.get());
  }
  if (!AddAll(ca_pem, store.get())) {
    return Invalid("the CA bundle holds no certificate, or one that does not parse");
  }
  return store;
}

}  // namespace connector::curl
