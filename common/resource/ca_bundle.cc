#include "common/resource/ca_bundle.h"

#include "common/base/input_error.h"
#include "common/config/options_reader.h"
#include "common/crypto/certificates.h"
#include "common/crypto/digest.h"

#include <memory>
#include <utility>
#include <vector>

namespace connector::resource {
namespace {

const std::string& Nothing() {
  static const std::string nothing;
  return nothing;
}

}  // namespace

CaBundle::CaBundle(std::string pem) {
  if (!pem.empty()) {
    std::string digest = crypto::Sha256Hex(pem);
    content_ = std::make_shared<const Content>(Content{std::move(pem), std::move(digest)});
  }
}

const std::string& CaBundle::pem() const {
  return content_ ? content_->pem : Nothing();
}

const std::string& CaBundle::digest() const {
  return content_ ? content_->digest : Nothing();
}

Result<CaBundle> ReadConnectorCaBundle(std::string_view pem) {
  if (pem.size() > kMaxConnectorCaBundleBytes) {
    return InvalidInput("has " + std::to_string(pem.size()) + " bytes, and at most " +
                        std::to_string(kMaxConnectorCaBundleBytes) +
                        " (64 KiB) are allowed; keep only the CA certificates that this "
                        "registry's own certificate needs");
  }
  const Result<Done> checked = CheckCaBundle(pem);
  if (!checked) {
    return checked.error();
  }
  return CaBundle(std::string(pem));
}

Result<Done> CheckCaBundle(std::string_view pem) {
  if (pem.size() > kMaxCaBundleBytes) {
    return InvalidInput("is larger than 1 MiB; keep only the CA certificates that are needed");
  }
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return InvalidInput("holds a private key; keep only CERTIFICATE blocks");
  }
  const Result<std::vector<crypto::Certificate>> certificates = crypto::ParseCertificates(pem);
  if (!certificates) {
    return certificates.error();
  }
  if (certificates->empty()) {
    return InvalidInput(
        "holds no certificate; write PEM, that is a block that begins with "
        "-----BEGIN CERTIFICATE-----");
  }
  return Done{};
}

std::string ReadCaFile(const std::string& path,
                       const std::string& file,
                       config::OptionsReader& reader) {
  if (file.empty()) {
    return {};
  }
  std::string pem = reader.ReadText(path, file);
  reader.Check(path, file, CheckCaBundle(pem));
  return pem;
}

}  // namespace connector::resource
