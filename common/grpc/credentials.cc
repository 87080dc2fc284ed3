#include "common/grpc/credentials.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/channel_arguments.h>
#include <stdlib.h>

#include <mutex>

namespace connector::grpc_support {
namespace {

// The list governs TLS 1.2 and below; those of TLS 1.3 are chosen elsewhere. This suite needs a
// pre-shared key, and gRPC offers none, so that no TLS 1.2 handshake can succeed.
constexpr const char* kVariable = "GRPC_SSL_CIPHER_SUITES";
constexpr const char* kNothingUsable = "PSK-AES256-GCM-SHA384";

std::shared_ptr<::grpc::experimental::CertificateProviderInterface> Watch(
    const TlsFiles& files, std::chrono::seconds interval) {
  return std::make_shared<::grpc::experimental::FileWatcherCertificateProvider>(
      files.key_file,
      files.certificate_file,
      files.ca_file,
      static_cast<unsigned>(interval.count()));
}

}  // namespace

void RequireTls13ForGrpc() {
  static std::once_flag once;
  std::call_once(once, [] {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before other threads exist, says the header.
    ::setenv(kVariable, kNothingUsable, 1);
  });
}

std::shared_ptr<::grpc::ServerCredentials> MakeServerCredentials(
    const TlsFiles& files, std::chrono::seconds reload_interval) {
  RequireTls13ForGrpc();
  ::grpc::experimental::TlsServerCredentialsOptions options(Watch(files, reload_interval));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  // Verified in the handshake: nobody unknown reaches the HTTP/2 code.
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return ::grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<::grpc::Channel> MakeChannel(const std::string& target,
                                             const TlsFiles& files,
                                             const std::string& server_name,
                                             ::grpc::ChannelArguments arguments) {
  RequireTls13ForGrpc();
  ::grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(files, kReloadInterval));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  if (!server_name.empty()) {
    arguments.SetSslTargetNameOverride(server_name);
  }
  return ::grpc::CreateCustomChannel(
      target, ::grpc::experimental::TlsCredentials(options), arguments);
}

}  // namespace connector::grpc_support
