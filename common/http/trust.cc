#include "common/http/trust.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

namespace connector::http {
namespace {

Error Invalid(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(message));
}

Result<std::shared_ptr<X509_STORE>> Build(const std::string& ca_pem) {
  const std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  if (store == nullptr) {
    return MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "no memory for a CA store");
  }
  // A machine without a bundle trusts only what the connector adds.
  X509_STORE_set_default_paths(store.get());
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size())), BIO_free);
  int added = 0;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store.get(), certificate);
    X509_free(certificate);
    ++added;
  }
  const unsigned long end = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_REASON(end) != PEM_R_NO_START_LINE || (added == 0 && !ca_pem.empty())) {
    return Invalid("the CA bundle holds no certificate, or one that does not parse");
  }
  return store;
}

}  // namespace

Result<std::shared_ptr<X509_STORE>> TrustStores::Get(const std::string& ca_pem) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  if (const auto found = kept_.find(ca_pem); found != kept_.end() && found->second.until > now) {
    return found->second.store;
  }
  Result<std::shared_ptr<X509_STORE>> store = Build(ca_pem);
  if (store) {
    if (kept_.size() >= kMaxTrustStores) {
      kept_.clear();
    }
    kept_.insert_or_assign(ca_pem, Kept{*store, now + kTrustLife});
  }
  return store;
}

}  // namespace connector::http
