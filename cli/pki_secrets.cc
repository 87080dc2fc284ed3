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

struct Leaf {
  std::string suffix;
  Purpose purpose;
  std::vector<std::string> names;
};

struct Authority {
  CertificatePtr certificate;
  KeyPtr key;
  std::string pem;
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
      {"broker-tls", Purpose::kServer, DnsNames(wanted.broker_dns)},
      {"dataplane-tls", Purpose::kClient, {"URI:" + std::string(kDataplaneName)}},
      {"controller-tls", Purpose::kClient, {"URI:" + std::string(kControllerName)}},
      {"operator-tls", Purpose::kClient, {"URI:" + std::string(kOperatorName)}}};
  if (!wanted.listener_dns.empty()) {
    leaves.push_back({"listener-tls", Purpose::kServer, DnsNames(wanted.listener_dns)});
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

  Result<Done> PlanAuthority() {
    const std::string name = NameOf("ca");
    const SecretData& data = DataOf(name);
    if (data.empty()) {
      Result<KeyPtr> key = MakeEcKey();
      if (!key) {
        return std::move(key).error();
      }
      authority_.key = *std::move(key);
      return CertifyAuthority(name, "was empty");
    }
    authority_.certificate = ReadCertificate(Find(data, kCertificateKey));
    authority_.key = ReadPrivateKey(Find(data, kPrivateKey));
    if (!authority_.certificate || !authority_.key) {
      return Unusable(name, "tls.crt and tls.key are not a certificate and its key in PEM");
    }
    if (!IsKeyOf(authority_.certificate.get(), authority_.key.get())) {
      return Unusable(name, "tls.key is not the key of tls.crt");
    }
    if (EndOf(authority_.certificate.get()) < now_ + 2 * wanted_.lifetime) {
      return CertifyAuthority(name, "its end was near");
    }
    authority_.pem = std::string(Find(data, kCertificateKey));
    return Done{};
  }

  Result<Done> CertifyAuthority(const std::string& name, std::string why) {
    const CertificateRequest request{Purpose::kAuthority,
                                     "OCI Connector " + wanted_.prefix,
                                     {},
                                     {now_ - kClockSkew, now_ + kAuthorityLifetime}};
    Result<CertificatePtr> made =
        IssueCertificate(request, authority_.key.get(), nullptr, authority_.key.get());
    if (!made) {
      return std::move(made).error();
    }
    authority_.certificate = *std::move(made);
    Result<std::string> pem = CertificatePem(authority_.certificate.get());
    if (!pem) {
      return std::move(pem).error();
    }
    authority_.pem = *std::move(pem);
    return Change(name, authority_.certificate.get(), authority_.key.get(), std::move(why));
  }

  // Why the certificate that is there cannot stay; nothing when it can.
  [[nodiscard]] std::optional<std::string> WhyNot(const Leaf& leaf, const SecretData& data) const {
    if (data.empty()) {
      return "was empty";
    }
    const CertificatePtr certificate = ReadCertificate(Find(data, kCertificateKey));
    const KeyPtr key = ReadPrivateKey(Find(data, kPrivateKey));
    if (!certificate || !key || !IsKeyOf(certificate.get(), key.get())) {
      return "was not a certificate and its key";
    }
    if (!IsSignedBy(certificate.get(), authority_.certificate.get()) ||
        Find(data, kAuthorityKey) != authority_.pem) {
      return "was of another authority";
    }
    if (NamesOf(certificate.get()) != leaf.names) {
      return "had other names";
    }
    if (EndOf(certificate.get()) < now_ + wanted_.renew_before) {
      return "its end was near";
    }
    return std::nullopt;
  }

  Result<Done> PlanLeaf(const Leaf& leaf) {
    const std::string name = NameOf(leaf.suffix);
    std::optional<std::string> why = WhyNot(leaf, DataOf(name));
    if (!why) {
      return Done{};
    }
    const Result<KeyPtr> key = MakeEcKey();
    if (!key) {
      return key.error();
    }
    const Result<CertificatePtr> certificate =
        IssueCertificate({leaf.purpose,
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
    const Result<std::string> pem = CertificatePem(certificate);
    Result<Secret> key_pem = PrivateKeyPem(key);
    if (!pem || !key_pem) {
      return pem ? key_pem.error() : pem.error();
    }
    SecretChange change{name, {}, std::move(why)};
    change.data.emplace(kCertificateKey, Secret(*pem));
    change.data.emplace(kPrivateKey, *std::move(key_pem));
    change.data.emplace(kAuthorityKey, Secret(authority_.pem));
    changes_.push_back(std::move(change));
    return Done{};
  }

  const ClusterPki& wanted_;
  const std::vector<SecretState>& present_;
  WallTime now_;
  Authority authority_;
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
