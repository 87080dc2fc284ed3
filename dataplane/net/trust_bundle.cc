#include "dataplane/net/trust_bundle.h"

#include "common/base/input_error.h"
#include "common/crypto/certificates.h"

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

namespace connector::dataplane::net {
namespace {

struct Kept {
  unsigned long subject_hash = 0;
  std::string der;
};
using Bundle = std::vector<Kept>;

unsigned long HashOf(const X509_NAME* name) {
  return X509_NAME_hash_ex(name, nullptr, nullptr, nullptr);
}

std::string DerOf(const X509& certificate) {
  std::string der(static_cast<std::size_t>(i2d_X509(&certificate, nullptr)), '\0');
  auto* end = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(&certificate, &end);
  return der;
}

// OpenSSL reads a certificate's extensions at the first question about them and keeps what it read
// in the certificate. Asked here, that happens before other threads can find it.
void AddUsable(X509_STORE* store, const std::string& der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const crypto::Certificate certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
  if (certificate != nullptr) {
    X509_check_purpose(certificate.get(), -1, 0);
    X509_STORE_add_cert(store, certificate.get());
  }
}

// Under the store's lock, which also other connections' lookups take.
template <typename Use>
bool WithHeld(X509_STORE* store, const X509_NAME* name, Use use) {
  X509_STORE_lock(store);
  X509_OBJECT* const held =
      X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), X509_LU_X509, name);
  const bool found = held != nullptr && use(X509_OBJECT_get0_X509(held));
  X509_STORE_unlock(store);
  return found;
}

// What OpenSSL calls when the store has no certificate of this subject. Those that it gets stay, so
// that it asks once for each subject.
int FindBySubject(X509_LOOKUP* lookup,
                  X509_LOOKUP_TYPE type,
                  const X509_NAME* name,
                  X509_OBJECT* found) {
  if (type != X509_LU_X509) {
    return 0;
  }
  X509_STORE* const store = X509_LOOKUP_get_store(lookup);
  const unsigned long hash = HashOf(name);
  for (const Kept& kept : *static_cast<const Bundle*>(X509_LOOKUP_get_method_data(lookup))) {
    if (kept.subject_hash == hash) {
      AddUsable(store, kept.der);
    }
  }
  return WithHeld(
             store,
             name,
             [&](X509* held) {
               if (X509_OBJECT_set1_X509(found, held) != 1) {
                 return false;
               }
               X509_free(held);  // The caller takes a reference of its own: by_store.c of OpenSSL.
               return true;
             })
             ? 1
             : 0;
}

void FreeBundle(X509_LOOKUP* lookup) {
  delete static_cast<Bundle*>(X509_LOOKUP_get_method_data(lookup));
}

X509_LOOKUP_METHOD* BundleMethod() {
  static X509_LOOKUP_METHOD* const method = [] {
    X509_LOOKUP_METHOD* const made = X509_LOOKUP_meth_new("CA bundle of a connector");
    X509_LOOKUP_meth_set_get_by_subject(made, FindBySubject);
    X509_LOOKUP_meth_set_free(made, FreeBundle);
    return made;
  }();
  return method;
}

}  // namespace

Result<Done> TrustBundle(X509_STORE* store, std::string_view pem) {
  const Result<std::vector<crypto::Certificate>> certificates = crypto::ParseCertificates(pem);
  if (!certificates) {
    return certificates.error();
  }
  if (certificates->empty()) {
    return InvalidInput("the CA bundle holds no PEM certificate");
  }
  auto bundle = std::make_unique<Bundle>();
  for (const crypto::Certificate& certificate : *certificates) {
    const X509_NAME* const subject = X509_get_subject_name(certificate.get());
    bundle->push_back({HashOf(subject), DerOf(*certificate)});
    // OpenSSL asks nobody about a subject that the store has: another CA of the same name would
    // stand in its way.
    if (WithHeld(store, subject, [](const X509*) { return true; })) {
      AddUsable(store, bundle->back().der);
    }
  }
  X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, BundleMethod());
  X509_LOOKUP_set_method_data(lookup, bundle.release());
  return Done{};
}

}  // namespace connector::dataplane::net
