#include "cli/commands.h"
#include "cli/operator_client.h"
#include "cli/values.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <ostream>

namespace connector::cli {
namespace {

constexpr std::size_t kStepColumn = 12;
constexpr std::int64_t kMillisecondsPerSecond = 1000;
constexpr std::int64_t kNanosecondsPerMillisecond = 1000000;

std::string StepLine(const broker::v1::ProbeStep& step) {
  const std::size_t padding = kStepColumn - std::min(kStepColumn - 1, step.name().size());
  const std::int64_t milliseconds = step.took().seconds() * kMillisecondsPerSecond +
                                    step.took().nanos() / kNanosecondsPerMillisecond;
  std::string line = (step.ok() ? "ok      " : "FAILED  ") + step.name() +
                     std::string(padding, ' ') + std::to_string(milliseconds) + " ms";
  if (!step.reason().empty()) {
    line += "  " + step.reason();
  }
  if (!step.message().empty()) {
    line += ": " + step.message();
  }
  return line + "\n";
}

int RunCheck(const CommandArguments& arguments, const Console& console) {
  const Result<ConnectorRef> connector = ParsePair(arguments.positionals()[0], "CONNECTOR");
  if (!connector) {
    return Fail(console, kExitUsage, connector.error().message);
  }
  Result<OperatorClient> client = OperatorClient::FromArguments(arguments);
  if (!client) {
    return Fail(console, kExitUsage, client.error().message);
  }
  broker::v1::CheckConnectorRequest request;
  request.mutable_connector()->set_namespace_(connector->ns);
  request.mutable_connector()->set_name(connector->name);
  const Result<broker::v1::CheckConnectorResponse> answer = client->Check(request);
  if (!answer) {
    return Fail(console, ExitCodeOf(answer.error()), answer.error().message);
  }
  // An answer without a step has checked nothing, which is not success.
  bool all_ok = answer->steps_size() > 0;
  for (const broker::v1::ProbeStep& step : answer->steps()) {
    all_ok = all_ok && step.ok();
    console.out << StepLine(step);
  }
  return all_ok ? kExitOk : kExitFailed;
}

constexpr std::string_view kCheckDetails =
    R"(The broker probes the connector's registry: is the Secret there, does the registry answer, does
it accept the Secret, can the repository of auth.params be read. With a credential in Vault, the
first steps are vault-login, vault-read (may the broker read the path) and vault-keys (is what is
there a credential). Stops at the first failure.

Exit codes: 0 every step is ok; 1 one failed; 2 wrong usage, or the broker refuses the
operator's certificate or does not know the connector; 3 the broker could not be reached.

Example:
  connectorctl check default/harbor --broker 127.0.0.1:7443 --pki pki
)";

}  // namespace

Command CheckCommand() {
  return {{.name = "check",
           .summary = "Probe a connector's registry and its credential.",
           .positionals = "CONNECTOR",
           .min_positionals = 1,
           .max_positionals = 1,
           .flags = WithBrokerFlags({}),
           .details = kCheckDetails},
          RunCheck};
}

}  // namespace connector::cli
