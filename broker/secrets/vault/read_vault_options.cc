#include "broker/secrets/vault/read_vault_options.h"

#include "broker/secrets/vault/path_policy.h"
#include "common/config/duration.h"
#include "common/grpc/tls_check.h"
#include "common/resource/names.h"
#include "common/resource/vault_location.h"

#include "proto/connector/config/v1/broker.pb.h"

#include <utility>

namespace connector::broker::secrets {
namespace {

namespace pb = ::connector::config::v1;
using config::Join;
using std::chrono::milliseconds;

constexpr milliseconds kLeastInterval{100};
constexpr milliseconds kLongestPoll{std::chrono::hours(1)};
constexpr milliseconds kLongestTimeout{std::chrono::minutes(1)};

void ReadAddresses(const pb::Vault& from, config::OptionsReader& reader, VaultOptions& out) {
  for (int i = 0; i < from.addresses_size(); ++i) {
    const std::string path = Join("vault.addresses", static_cast<std::size_t>(i));
    Result<http::Origin> origin = http::ParseOrigin(from.addresses(i));
    if (!origin) {
      reader.Complain(path, "is not an address; write https://HOST[:PORT], without a path");
      continue;
    }
    if (!origin->tls && !from.allow_insecure()) {
      reader.Complain(path,
                      "is plain http, so that Vault's tokens could be read on the way; write "
                      "https, or set vault.allowInsecure: true for development");
    }
    out.addresses.push_back(*std::move(origin));
  }
}

void ReadTransport(const pb::Vault& from, config::OptionsReader& reader, VaultOptions& out) {
  out.ca_file = from.ca_file();
  if (!out.ca_file.empty()) {
    reader.Check("vault.caFile", out.ca_file, grpc_support::CheckCaFile(out.ca_file));
  }
  out.server_name = from.server_name();
  out.proxy = from.proxy();
  if (!out.proxy.empty() && !http::ParseOrigin(out.proxy)) {
    reader.Complain("vault.proxy", "is not an address; write http://HOST:PORT");
  }
  out.client_certificate_file = from.client_certificate_file();
  out.client_key_file = from.client_key_file();
  if (out.client_certificate_file.empty() != out.client_key_file.empty()) {
    reader.Complain("vault.clientCertificateFile", "goes with clientKeyFile; write both or none");
  } else if (!out.client_certificate_file.empty()) {
    reader.Check("vault.clientCertificateFile",
                 out.client_certificate_file,
                 grpc_support::CheckCertificateFile(out.client_certificate_file));
    reader.Check("vault.clientKeyFile",
                 out.client_key_file,
                 grpc_support::CheckKeyFile(out.client_key_file, out.client_certificate_file));
  }
}

std::string ReadMount(const std::string& text,
                      const char* otherwise,
                      const std::string& path,
                      config::OptionsReader& reader) {
  // The grammar of a mount is a namespace's: segments of plain characters.
  const std::string problem = resource::VaultNamespaceProblem(text);
  if (!problem.empty()) {
    reader.Complain(path, problem);
  }
  return text.empty() ? otherwise : text;
}

VaultLoginMethod ReadCertLogin(const pb::VaultCertLogin& from, config::OptionsReader& reader) {
  reader.Check("vault.login.cert.certificateFile",
               from.certificate_file(),
               grpc_support::CheckCertificateFile(from.certificate_file()));
  reader.Check("vault.login.cert.keyFile",
               from.key_file(),
               grpc_support::CheckKeyFile(from.key_file(), from.certificate_file()));
  return CertLogin{from.certificate_file(),
                   from.key_file(),
                   from.role(),
                   ReadMount(from.mount(), "cert", "vault.login.cert.mount", reader)};
}

VaultLoginMethod ReadLogin(const pb::VaultLogin& from, config::OptionsReader& reader) {
  switch (from.method_case()) {
    case pb::VaultLogin::kKubernetes:
      return KubernetesLogin{
          from.kubernetes().role(),
          from.kubernetes().token_file(),
          ReadMount(
              from.kubernetes().mount(), "kubernetes", "vault.login.kubernetes.mount", reader)};
    case pb::VaultLogin::kAppRole:
      return AppRoleLogin{
          from.app_role().role_id(),
          from.app_role().secret_id_file(),
          from.app_role().secret_id_wrapped(),
          ReadMount(from.app_role().mount(), "approle", "vault.login.appRole.mount", reader)};
    case pb::VaultLogin::kCert:
      return ReadCertLogin(from.cert(), reader);
    case pb::VaultLogin::kTokenFile:
      return TokenFileLogin{from.token_file()};
    case pb::VaultLogin::METHOD_NOT_SET:
      break;
  }
  reader.Complain("vault.login", "names no method; write kubernetes, appRole, cert or tokenFile");
  return {};
}

void ReadPaths(const pb::Vault& from, config::OptionsReader& reader, VaultOptions& out) {
  for (int i = 0; i < from.paths_size(); ++i) {
    const pb::VaultPathRule& rule = from.paths(i);
    const std::string at = Join("vault.paths", static_cast<std::size_t>(i));
    for (int j = 0; j < rule.namespaces_size(); ++j) {
      if (rule.namespaces(j) != "*" && !resource::IsDnsLabel(rule.namespaces(j))) {
        reader.Complain(Join(at + ".namespaces", static_cast<std::size_t>(j)),
                        "is not a namespace's name; write one, or \"*\" for any");
      }
    }
    for (int j = 0; j < rule.paths_size(); ++j) {
      const std::string problem = PathPatternProblem(rule.paths(j));
      if (!problem.empty()) {
        reader.Complain(Join(at + ".paths", static_cast<std::size_t>(j)), problem);
      }
    }
    for (int j = 0; j < rule.vault_namespaces_size(); ++j) {
      const std::string problem = resource::VaultNamespaceProblem(rule.vault_namespaces(j));
      if (rule.vault_namespaces(j) != "*" && !problem.empty()) {
        reader.Complain(Join(at + ".vaultNamespaces", static_cast<std::size_t>(j)), problem);
      }
    }
    out.paths.push_back({{rule.namespaces().begin(), rule.namespaces().end()},
                         {rule.paths().begin(), rule.paths().end()},
                         {rule.vault_namespaces().begin(), rule.vault_namespaces().end()}});
  }
}

milliseconds ReadInterval(const google::protobuf::Duration& from,
                          const std::string& path,
                          milliseconds longest,
                          config::OptionsReader& reader) {
  const milliseconds value = config::ToMilliseconds(from);
  if (value < kLeastInterval || value > longest) {
    reader.Complain(path,
                    "must be between 100ms and " +
                        std::to_string(std::chrono::ceil<std::chrono::seconds>(longest).count()) +
                        "s");
  }
  return value;
}

}  // namespace

VaultOptions ReadVault(const pb::Vault& from, config::OptionsReader& reader) {
  VaultOptions out;
  ReadAddresses(from, reader, out);
  ReadTransport(from, reader, out);
  out.vault_namespace = from.namespace_();
  if (const std::string problem = resource::VaultNamespaceProblem(out.vault_namespace);
      !problem.empty()) {
    reader.Complain("vault.namespace", problem);
  }
  out.login = ReadLogin(from.login(), reader);
  ReadPaths(from, reader, out);
  if (from.has_poll_interval()) {
    out.poll_interval =
        ReadInterval(from.poll_interval(), "vault.pollInterval", kLongestPoll, reader);
  }
  if (from.has_timeout()) {
    out.timeout = ReadInterval(from.timeout(), "vault.timeout", kLongestTimeout, reader);
  }
  return out;
}

}  // namespace connector::broker::secrets
