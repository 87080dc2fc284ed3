#include "cli/commands.h"
#include "cli/files.h"
#include "cli/kubelet_credentials.h"
#include "cli/values.h"

#include <openssl/crypto.h>

#include <istream>
#include <ostream>
#include <string>
#include <utility>

namespace connector::cli {
namespace {

constexpr std::string_view kDefaultCache = "5m";

// Standard input up to a size that no request has. Holds the token: the caller wipes it.
std::string ReadAll(std::istream& in) {
  std::string text(kMaxInputBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

int RunCredentialProvider(const CommandArguments& arguments, const Console& console) {
  const ProviderHosts hosts{arguments.Values("host-suffix"),
                            arguments.Values("path-host"),
                            arguments.Values("mirror-host")};
  if (const Result<Done> checked = CheckHosts(hosts); !checked) {
    return Fail(console, kExitUsage, checked.error().message);
  }
  const Result<std::chrono::seconds> longest =
      ParseDuration(arguments.ValueOr("cache-duration", kDefaultCache));
  if (!longest) {
    return Fail(console, kExitUsage, longest.error().message);
  }
  std::string request = ReadAll(console.in);
  const Result<Secret> answer = AnswerKubelet(request, hosts, *longest, SystemClock().Now());
  OPENSSL_cleanse(request.data(), request.size());
  if (!answer) {
    const bool refused = answer.error().code == ErrorCode::kUnauthenticated;
    return Fail(console, refused ? kExitFailed : kExitUsage, answer.error().message);
  }
  console.out << answer->Reveal();
  return kExitOk;
}

constexpr std::string_view kCredentialProviderDetails =
    R"(The kubelet starts this command for an image that matches its CredentialProviderConfig, writes a
CredentialProviderRequest to standard input and reads the answer. The credential is the token of
the pod's own ServiceAccount, and goes to these hosts alone:

  c-NAME.NAMESPACE.svc[.DOMAIN]                 the host form, under any domain
  c-NAME.NAMESPACE.SUFFIX                       the same, for every --host-suffix
  HOST[:PORT]/namespaces/NS/connectors/NAME/    the path form, for every --path-host
  HOST[:PORT]                                   a registry that the node mirrors: --mirror-host

For any other image the answer holds no credential. matchImages says under which domains this
command is started at all: write there those that the node resolves to a data plane.

A mirrored registry's hosts.toml must name the data plane as `server` too: containerd would else
show the token to the registry itself.

Exit codes: 0 answered; 1 the token is not one or has ended; 2 wrong usage or a request of another
kind.

Example:
  connectorctl credential-provider --mirror-host harbor.example.com < request.json

In a CredentialProviderConfig (docs/clients/kubelet.md has it whole):
  - name: connectorctl
    apiVersion: credentialprovider.kubelet.k8s.io/v1
    args: [credential-provider, --mirror-host, harbor.example.com]
    matchImages: ["c-*.*.svc", "c-*.*.svc.local", "harbor.example.com"]
    defaultCacheDuration: 0s
    tokenAttributes:
      serviceAccountTokenAudience: oci-connector
      cacheType: Token
      requireServiceAccount: true
)";

}  // namespace

Command CredentialProviderCommand() {
  return {{.name = "credential-provider",
           .summary = "Give the kubelet the pod's own token for pulling.",
           .flags = {{.name = "host-suffix",
                      .value_name = "SUFFIX",
                      .help = "What else ends a host, beside svc and svc.DOMAIN.",
                      .repeated = true},
                     {.name = "path-host",
                      .value_name = "HOST[:PORT]",
                      .help = "A data plane that images name, with the path form.",
                      .repeated = true},
                     {.name = "mirror-host",
                      .value_name = "HOST[:PORT]",
                      .help = "A registry that the node pulls through a mirror.",
                      .repeated = true},
                     {.name = "cache-duration",
                      .value_name = "DURATION",
                      .help = "How long the kubelet may remember an answer; default: 5m."}},
           .details = kCredentialProviderDetails},
          RunCredentialProvider};
}

}  // namespace connector::cli
