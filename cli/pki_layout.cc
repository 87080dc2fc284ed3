#include "cli/pki_layout.h"

#include "cli/files.h"
#include "common/base/input_error.h"
#include "common/crypto/random_bytes.h"
#include "common/jose/jws.h"
#include "common/resource/names.h"
#include "common/routing/connector_host.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace connector::cli {
namespace {

bool IsIpAddress(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

Result<std::vector<std::string>> ListenerNames(const PkiRequest& request) {
  std::vector<std::string> names{"DNS:localhost"};
  for (const std::string& suffix : routing::ServiceSuffixes()) {
    names.push_back("DNS:*.default." + suffix);
  }
  names.emplace_back("IP:127.0.0.1");
  for (const std::string& name : request.listener_dns) {
    if (!IsDnsName(name)) {
      return InvalidInput("--dns '" + name + "' is not a DNS name");
    }
    names.push_back("DNS:" + name);
  }
  for (const std::string& address : request.listener_ips) {
    if (!IsIpAddress(address)) {
      return InvalidInput("--ip '" + address + "' is not an IP address");
    }
    names.push_back("IP:" + address);
  }
  return names;
}

// Collects files; after a failure it does nothing more and keeps the first error.
class PkiBuilder {
 public:
  explicit PkiBuilder(x509::Validity validity) : validity_(validity) {
    Result<x509::KeyPtr> key = x509::MakeEcKey();
    if (!key) {
      error_ = std::move(key).error();
      return;
    }
    ca_key_ = *std::move(key);
    ca_ = Certify(
        "ca", {x509::Purpose::kAuthority, "OCI Connector development CA", {}, validity_}, ca_key_);
  }

  void AddPair(const std::string& name, x509::Purpose purpose, std::vector<std::string> names) {
    Result<x509::KeyPtr> key = x509::MakeEcKey();
    if (!key) {
      error_ = std::move(key).error();
    } else {
      Certify(name, {purpose, "oci-connector " + name, std::move(names), validity_}, *key);
    }
  }

  void AddIssuer() {
    Result<jose::EcKey> key = jose::MakeEcKey();
    if (!key) {
      error_ = std::move(key).error();
      return;
    }
    Add("issuer.jwk.json", Result<Secret>(std::move(key->private_jwk)));
    Add("issuer.jwks.json", Result<std::string>(std::move(key->public_jwks)));
  }

  void AddRootKey() { Add("root.key", MakeRootKey()); }

  [[nodiscard]] Result<std::vector<PkiFile>> Take() && {
    return error_ ? Result<std::vector<PkiFile>>(*std::move(error_)) : std::move(files_);
  }

 private:
  void Add(const std::string& name, Result<Secret> content) {
    if (!content) {
      error_ = error_ ? error_ : std::move(content).error();
    } else {
      files_.push_back({name, *std::move(content), kPrivateFile});
    }
  }
  void Add(const std::string& name, const Result<std::string>& content) {
    if (!content) {
      error_ = error_ ? error_ : content.error();
    } else {
      files_.push_back({name, Secret(*content), kPublicFile});
    }
  }

  x509::CertificatePtr Certify(const std::string& name,
                               const x509::CertificateRequest& request,
                               const x509::KeyPtr& key) {
    if (error_) {
      return nullptr;
    }
    Result<x509::CertificatePtr> certificate =
        x509::IssueCertificate(request, key.get(), ca_.get(), ca_key_.get());
    if (!certificate) {
      error_ = std::move(certificate).error();
      return nullptr;
    }
    Add(name + ".crt", x509::CertificatePem(certificate->get()));
    Add(name + ".key", x509::PrivateKeyPem(key.get()));
    return *std::move(certificate);
  }

  x509::Validity validity_;
  x509::KeyPtr ca_key_;
  x509::CertificatePtr ca_;
  std::vector<PkiFile> files_;
  std::optional<Error> error_;
};

}  // namespace

bool IsDnsName(std::string_view name) {
  if (name.starts_with("*.")) {
    name.remove_prefix(2);
  }
  const bool only_name_characters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
  return !name.empty() && name.size() <= 253 && only_name_characters && name.front() != '.' &&
         name.back() != '.' && name.find("..") == std::string_view::npos;
}

Result<Secret> MakeRootKey() {
  std::array<unsigned char, kRootKeyBytes> bytes{};
  if (!crypto::FillRandomBytes(bytes)) {
    return MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "no randomness to be had");
  }
  Secret key(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return key;
}

Result<std::vector<PkiFile>> MakePki(const PkiRequest& request) {
  Result<std::vector<std::string>> listener_names = ListenerNames(request);
  if (!listener_names) {
    return std::move(listener_names).error();
  }
  for (const std::string& name : request.dataplanes) {
    if (!resource::IsDnsLabel(name)) {
      return InvalidInput("--dataplane '" + name +
                          "' is not a name of lower-case letters, digits "
                          "and '-'");
    }
  }
  PkiBuilder builder(request.validity);
  builder.AddPair("broker",
                  x509::Purpose::kServer,
                  {"DNS:connector-broker", "DNS:localhost", "IP:127.0.0.1", "IP:::1"});
  builder.AddPair("dataplane", x509::Purpose::kClient, {"URI:" + std::string(kDataplaneName)});
  for (const std::string& name : request.dataplanes) {
    builder.AddPair("dataplane-" + name,
                    x509::Purpose::kClient,
                    {"URI:" + std::string(kDataplaneName) + "/" + name});
  }
  builder.AddPair("operator", x509::Purpose::kClient, {"URI:" + std::string(kOperatorName)});
  builder.AddPair("listener", x509::Purpose::kServer, *std::move(listener_names));
  builder.AddRootKey();
  builder.AddIssuer();
  return std::move(builder).Take();
}

}  // namespace connector::cli
