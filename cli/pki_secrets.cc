#include "cli/pki_secrets.h"

#include "cli/pki_layout.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace connector::cli {
namespace {

constexpr std::chrono::hours kDay{24};
constexpr std::chrono::hours kAuthorityLifetime = 3650 * kDay;
constexpr std::chrono::minutes kClockSkew{5};

constexpr std::string_view kCertificateKey = "tls.crt";
constexpr std::string_view kPrivateKey = "tls.key";
constexpr std::string_view kAuthorityKey = "ca.crt";
constexpr std::string_view kRootKey = "root.key";
// Of the authority's Secret alone, while its key changes.
constexpr std::string_view kNextCertificateKey = "next.crt";
constexpr std::string_view kNextPrivateKey = "next.key";
constexpr std::string_view kPreviousCertificateKey = "previous.crt";

// After so long every pod has read what its Secrets say.
constexpr std::chrono::hours kSpread{24};

struct Leaf {
  std::string suffix;
  x509::Purpose purpose;
  std::vector<std::string> names;
};

struct Authority {
  x509::CertificatePtr certificate;
  x509::KeyPtr key;
};

Error Unusable(const std::string& name, const std::string& what) {
  return MakeError(
      ErrorCode::kInvalidArgument,
      ErrorOrigin::kClient,
      "Secret " + name + ": " + what +
          "; put right what is there, or take all data out of it to have it made anew");
}

std::vector<std::string> DnsNames(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    out.push_back("DNS:" + name);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<Leaf> LeavesOf(const ClusterPki& wanted) {
  if (wanted.root_key_only) {
    return {};
  }
  std::vector<Leaf> leaves{
      {"broker-tls", x509::Purpose::kServer, DnsNames(wanted.broker_dns)},
      {"dataplane-tls", x509::Purpose::kClient, {"URI:" + std::string(kDataplaneName)}},
      {"controller-tls", x509::Purpose::kClient, {"URI:" + std::string(kControllerName)}},
      {"operator-tls", x509::Purpose::kClient, {"URI:" + std::string(kOperatorName)}}};
  if (!wanted.listener_dns.empty()) {
    leaves.push_back({"listener-tls", x509::Purpose::kServer, DnsNames(wanted.listener_dns)});
  }
  return leaves;
}

std::string_view Find(const SecretData& data, std::string_view key) {
  const auto found = data.find(std::string(key));
  return found == data.end() ? std::string_view() : found->second.Reveal();
}

class Planner {
 public:
  Planner(const ClusterPki& wanted, const std::vector<SecretState>& present, WallTime now)
      : wanted_(wanted), present_(present), now_(now) {}

  Result<std::vector<SecretChange>> Plan() && {
    if (!wanted_.root_key_only) {
      if (const Result<Done> done = PlanAuthority(); !done) {
        return done.error();
      }
    }
    for (const Leaf& leaf : LeavesOf(wanted_)) {
      if (const Result<Done> done = PlanLeaf(leaf); !done) {
        return done.error();
      }
    }
    if (const Result<Done> done = PlanRootKey(); !done) {
      return done.error();
    }
    return std::move(changes_);
  }

 private:
  [[nodiscard]] std::string NameOf(std::string_view suffix) const {
    return wanted_.prefix + "-" + std::string(suffix);
  }
  [[nodiscard]] const SecretData& DataOf(const std::string& name) const {
    static const SecretData kEmpty;
    const auto found = std::find_if(present_.begin(), present_.end(), [&](const SecretState& each) {
      return each.name == name;
    });
    return found == present_.end() ? kEmpty : found->data;
  }

  // A new key in three steps, each a run apart, so that at any time both sides of a connection
  // trust each other: the next authority is trusted, then it signs, then the one before goes.
  Result<Done> PlanAuthority() {
    const std::string name = NameOf("ca");
    const SecretData& data = DataOf(name);
    if (data.empty()) {
      return MakeAuthority(authority_) ? ChangeAuthority(name, "was empty") : failure_;
    }
    authority_.certificate = x509::ReadCertificate(Find(data, kCertificateKey));
    authority_.key = x509::ReadPrivateKey(Find(data, kPrivateKey));
    if (!authority_.certificate || !authority_.key) {
      return Unusable(name, "tls.crt and tls.key are not a certificate and its key in PEM");
    }
    if (!x509::IsKeyOf(authority_.certificate.get(), authority_.key.get())) {
      return Unusable(name, "tls.key is not the key of tls.crt");
    }
    next_.certificate = x509::ReadCertificate(Find(data, kNextCertificateKey));
    next_.key = x509::ReadPrivateKey(Find(data, kNextPrivateKey));
    previous_ = x509::ReadCertificate(Find(data, kPreviousCertificateKey));
    const bool has_next =
        next_.certificate && next_.key && x509::IsKeyOf(next_.certificate.get(), next_.key.get());
    if (has_next && now_ >= x509::BeginOf(next_.certificate.get()) + kSpread) {
      previous_ = std::exchange(authority_, std::exchange(next_, {})).certificate;
      return ChangeAuthority(name, "the next one is trusted everywhere, and signs from now on");
    }
    if (!has_next && x509::EndOf(authority_.certificate.get()) < now_ + 2 * wanted_.lifetime) {
      return MakeAuthority(next_) ? ChangeAuthority(name, "its end was near: the next one follows")
                                  : failure_;
    }
    if (!has_next) {
      next_ = {};
    }
    if (previous_ && now_ >= x509::BeginOf(authority_.certificate.get()) + 3 * kSpread) {
      previous_ = nullptr;
      return ChangeAuthority(name, "nothing of the one before is in use any more");
    }
    return ReadBundle();
  }

  // False: see failure_.
  [[nodiscard]] bool MakeAuthority(Authority& out) {
    Result<x509::KeyPtr> key = x509::MakeEcKey();
    if (!key) {
      failure_ = std::move(key).error();
      return false;
    }
    const x509::CertificateRequest request{x509::Purpose::kAuthority,
                                           "OCI Connector " + wanted_.prefix,
                                           {},
                                           {now_ - kClockSkew, now_ + kAuthorityLifetime}};
    Result<x509::CertificatePtr> made =
        x509::IssueCertificate(request, key->get(), nullptr, key->get());
    if (!made) {
      failure_ = std::move(made).error();
      return false;
    }
    out = {*std::move(made), *std::move(key)};
    return true;
  }

  // What peers trust: the authority, and the ones that stand before and behind it.
  Result<Done> ReadBundle() {
    bundle_.clear();
    for (X509* const trusted :
         {authority_.certificate.get(), next_.certificate.get(), previous_.get()}) {
      const Result<std::string> pem =
          trusted == nullptr ? Result<std::string>(std::string()) : x509::CertificatePem(trusted);
      if (!pem) {
        return pem.error();
      }
      bundle_ += *pem;
    }
    return Done{};
  }

  Result<Done> ChangeAuthority(const std::string& name, std::string why) {
    if (Result<Done> read = ReadBundle(); !read) {
      return read;
    }
    Result<Done> changed =
        Change(name, authority_.certificate.get(), authority_.key.get(), std::move(why));
    if (!changed) {
      return changed;
    }
    SecretData& data = changes_.back().data;
    if (next_.certificate) {
      const Result<std::string> pem = x509::CertificatePem(next_.certificate.get());
      Result<Secret> key_pem = x509::PrivateKeyPem(next_.key.get());
      if (!pem || !key_pem) {
        return pem ? key_pem.error() : pem.error();
      }
      data.emplace(kNextCertificateKey, Secret(*pem));
      data.emplace(kNextPrivateKey, *std::move(key_pem));
    }
    if (previous_) {
      const Result<std::string> pem = x509::CertificatePem(previous_.get());
      if (!pem) {
        return pem.error();
      }
      data.emplace(kPreviousCertificateKey, Secret(*pem));
    }
    return Done{};
  }

  // Why the certificate that is there cannot stay; nothing when it can.
  [[nodiscard]] std::optional<std::string> WhyNot(const Leaf& leaf, const SecretData& data) const {
    if (data.empty()) {
      return "was empty";
    }
    const x509::CertificatePtr certificate = x509::ReadCertificate(Find(data, kCertificateKey));
    const x509::KeyPtr key = x509::ReadPrivateKey(Find(data, kPrivateKey));
    if (!certificate || !key || !x509::IsKeyOf(certificate.get(), key.get())) {
      return "was not a certificate and its key";
    }
    if (!x509::IsSignedBy(certificate.get(), authority_.certificate.get())) {
      return "was of another authority";
    }
    if (x509::NamesOf(certificate.get()) != leaf.names) {
      return "had other names";
    }
    if (x509::EndOf(certificate.get()) < now_ + wanted_.renew_before) {
      return "its end was near";
    }
    return std::nullopt;
  }

  Result<Done> PlanLeaf(const Leaf& leaf) {
    const std::string name = NameOf(leaf.suffix);
    const SecretData& data = DataOf(name);
    std::optional<std::string> why = WhyNot(leaf, data);
    if (!why && Find(data, kAuthorityKey) != bundle_) {
      return Change(name,
                    x509::ReadCertificate(Find(data, kCertificateKey)).get(),
                    x509::ReadPrivateKey(Find(data, kPrivateKey)).get(),
                    "trusts what the authority's Secret says");
    }
    if (!why) {
      return Done{};
    }
    const Result<x509::KeyPtr> key = x509::MakeEcKey();
    if (!key) {
      return key.error();
    }
    const Result<x509::CertificatePtr> certificate =
        x509::IssueCertificate({leaf.purpose,
                                "oci-connector " + leaf.suffix,
                                leaf.names,
                                {now_ - kClockSkew, now_ + wanted_.lifetime}},
                               key->get(),
                               authority_.certificate.get(),
                               authority_.key.get());
    return certificate ? Change(name, certificate->get(), key->get(), *std::move(why))
                       : Result<Done>(certificate.error());
  }

  Result<Done> PlanRootKey() {
    const std::string name = NameOf("root-key");
    const SecretData& data = DataOf(name);
    if (!data.empty()) {
      return Find(data, kRootKey).size() >= kRootKeyBytes
                 ? Result<Done>(Done{})
                 : Unusable(name, "root.key is missing or shorter than 32 bytes");
    }
    Result<Secret> key = MakeRootKey();
    if (!key) {
      return std::move(key).error();
    }
    SecretChange change{name, {}, "was empty"};
    change.data.emplace(kRootKey, *std::move(key));
    changes_.push_back(std::move(change));
    return Done{};
  }

  Result<Done> Change(const std::string& name, X509* certificate, EVP_PKEY* key, std::string why) {
    const Result<std::string> pem = x509::CertificatePem(certificate);
    Result<Secret> key_pem = x509::PrivateKeyPem(key);
    if (!pem || !key_pem) {
      return pem ? key_pem.error() : pem.error();
    }
    SecretChange change{name, {}, std::move(why)};
    change.data.emplace(kCertificateKey, Secret(*pem));
    change.data.emplace(kPrivateKey, *std::move(key_pem));
    change.data.emplace(kAuthorityKey, Secret(bundle_));
    changes_.push_back(std::move(change));
    return Done{};
  }

  const ClusterPki& wanted_;
  const std::vector<SecretState>& present_;
  WallTime now_;
  Authority authority_;
  Authority next_;                 // Trusted, and signs nothing yet; empty most of the time.
  x509::CertificatePtr previous_;  // Signed what some peers still show; null most of the time.
  std::string bundle_;             // All of them in PEM.
  Result<Done> failure_ = Done{};
  std::vector<SecretChange> changes_;
};

}  // namespace

std::vector<std::string> SecretNames(const ClusterPki& wanted) {
  std::vector<std::string> names;
  if (!wanted.root_key_only) {
    names.push_back(wanted.prefix + "-ca");
  }
  for (const Leaf& leaf : LeavesOf(wanted)) {
    names.push_back(wanted.prefix + "-" + leaf.suffix);
  }
  names.push_back(wanted.prefix + "-root-key");
  return names;
}

Result<std::vector<SecretChange>> PlanSecrets(const ClusterPki& wanted,
                                              const std::vector<SecretState>& present,
                                              WallTime now) {
  return Planner(wanted, present, now).Plan();
}

}  // namespace connector::cli
