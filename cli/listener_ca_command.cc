#include "cli/commands.h"
#include "cli/operator_client.h"

#include <ostream>

namespace connector::cli {
namespace {

int RunListenerCa(const CommandArguments& arguments, const Console& console) {
  Result<OperatorClient> client = OperatorClient::FromArguments(arguments);
  if (!client) {
    return Fail(console, kExitUsage, client.error().message);
  }
  const Result<std::string> pem = client->ListenerCa();
  if (!pem) {
    return Fail(console, ExitCodeOf(pem.error()), pem.error().message);
  }
  console.out << *pem;
  return kExitOk;
}

constexpr std::string_view kListenerCaDetails =
    R"(Clients verify by it what data planes show for the hosts of connectors. It is public, and the
same on every broker for as long as the root key stays.

Exit codes: 0 printed; 2 wrong usage, or the broker refuses the operator's certificate; 3 the
broker could not be reached, or issues no listener certificates.

Example:
  connectorctl listener-ca --broker 127.0.0.1:7443 --pki pki > ca.crt
)";

}  // namespace

Command ListenerCaCommand() {
  return {{.name = "listener-ca",
           .summary = "Print the CA certificate of the data planes' TLS listeners.",
           .flags = WithBrokerFlags({}),
           .details = kListenerCaDetails},
          RunListenerCa};
}

}  // namespace connector::cli
