#include "cli/commands.h"
#include "cli/files.h"
#include "cli/operator_client.h"
#include "cli/values.h"
#include "common/base/input_error.h"
#include "common/oci/reference.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <optional>
#include <ostream>
#include <utility>

namespace connector::cli {
namespace {

std::optional<broker::v1::Action> ActionFromName(std::string_view name) {
  if (name == "pull") {
    return broker::v1::ACTION_PULL;
  }
  if (name == "push") {
    return broker::v1::ACTION_PUSH;
  }
  return name == "delete" ? std::optional(broker::v1::ACTION_DELETE) : std::nullopt;
}

Result<Done> AddActions(const std::vector<std::string>& values, broker::v1::Scope& scope) {
  for (std::string_view list : values) {
    while (!list.empty()) {
      const std::string_view name = list.substr(0, list.find(','));
      list.remove_prefix(std::min(list.size(), name.size() + 1));
      const auto action = ActionFromName(name);
      if (!action) {
        return InvalidInput("--action '" + std::string(name) + "' is none of pull, push, delete");
      }
      scope.add_actions(*action);
    }
  }
  return Done{};
}

Result<broker::v1::ExplainAccessRequest> ReadExplainRequest(const CommandArguments& arguments,
                                                            const Console& console) {
  const Result<ConnectorRef> connector =
      ParsePair(arguments.ValueOr("connector", ""), "--connector");
  if (!connector) {
    return connector.error();
  }
  broker::v1::ExplainAccessRequest request;
  request.mutable_connector()->set_namespace_(connector->ns);
  request.mutable_connector()->set_name(connector->name);
  broker::v1::Scope& scope = *request.add_scopes();
  scope.set_repository(arguments.ValueOr("repository", ""));
  if (!oci::IsRepository(scope.repository())) {
    return InvalidInput(
        "--repository must be a repository's name without host and tag, as team-a/app");
  }
  if (const Result<Done> added = AddActions(arguments.Values("action"), scope); !added) {
    return added.error();
  }
  const Result<Secret> token = ReadToken(arguments.ValueOr("token-file", ""), console.in);
  if (!token) {
    return token.error();
  }
  request.set_caller_token(std::string(token->Reveal()));
  return request;
}

int RunExplain(const CommandArguments& arguments, const Console& console) {
  const Result<broker::v1::ExplainAccessRequest> request = ReadExplainRequest(arguments, console);
  if (!request) {
    return Fail(console, kExitUsage, request.error().message);
  }
  Result<OperatorClient> client = OperatorClient::FromArguments(arguments);
  if (!client) {
    return Fail(console, kExitUsage, client.error().message);
  }
  const Result<broker::v1::ExplainAccessResponse> answer = client->Explain(*request);
  if (!answer) {
    return Fail(console, ExitCodeOf(answer.error()), answer.error().message);
  }
  const auto or_none = [](const std::string& text) { return text.empty() ? "-" : text.c_str(); };
  console.out << (answer->allowed() ? "allowed\n" : "denied\n")
              << "subject: " << or_none(answer->subject()) << "\n"
              << "rule:    " << or_none(answer->rule()) << "\n"
              << "reason:  " << or_none(answer->reason()) << "\n";
  return answer->allowed() ? kExitOk : kExitFailed;
}

constexpr std::string_view kExplainDetails =
    R"(Asks the broker what it would decide for this caller, and why; no token is issued. The
repository is named as the registry names it: for Docker Hub with library/.

Exit codes: 0 allowed; 1 denied; 2 wrong usage, or the broker refuses the operator's
certificate; 3 the broker could not be reached.

Example:
  connectorctl explain --broker 127.0.0.1:7443 --pki pki --connector default/harbor \
      --token-file token --repository team-a/app --action pull --action push
)";

}  // namespace

Command ExplainCommand() {
  return {{.name = "explain",
           .summary = "Explain why a caller may or may not do something.",
           .flags = WithBrokerFlags({{.name = "connector",
                                      .value_name = "NAMESPACE/NAME",
                                      .help = "The connector.",
                                      .required = true},
                                     {.name = "token-file",
                                      .value_name = "FILE",
                                      .help = "The caller's token; '-' is standard input.",
                                      .required = true},
                                     {.name = "repository",
                                      .value_name = "NAME",
                                      .help = "The repository.",
                                      .required = true},
                                     {.name = "action",
                                      .value_name = "ACTION",
                                      .help = "pull, push or delete.",
                                      .required = true,
                                      .repeated = true}}),
           .details = kExplainDetails},
          RunExplain};
}

}  // namespace connector::cli
