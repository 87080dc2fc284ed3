#include "cli/commands.h"
#include "common/config/yaml.h"
#include "common/resource/directory.h"

#include "proto/connector/config/v1/broker.pb.h"
#include "proto/connector/config/v1/dataplane.pb.h"

#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <utility>

namespace connector::cli {
namespace {

namespace json = boost::json;

// What was found in all that was named.
struct ValidationFindings {
  std::vector<config::Problem> problems;
  std::vector<std::string> connectors;  // One line each.
  std::vector<std::string> skipped;     // Files and folders that were not read.
  std::size_t secrets = 0;
  std::size_t classes = 0;
  std::size_t configurations = 0;

  [[nodiscard]] bool nothing() const {
    return problems.empty() && connectors.empty() && secrets + classes + configurations == 0;
  }
};

template <typename Message>
void CheckConfigs(const std::vector<std::string>& paths, ValidationFindings& findings) {
  for (const std::string& path : paths) {
    Message message;
    std::vector<config::Problem> problems = config::LoadConfigFile(path, message);
    findings.problems.insert(findings.problems.end(), problems.begin(), problems.end());
    ++findings.configurations;
  }
}

Result<ValidationFindings> Examine(const CommandArguments& arguments) {
  ValidationFindings findings;
  for (const std::string& path : arguments.positionals()) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      return MakeError(
          ErrorCode::kNotFound, ErrorOrigin::kClient, path + ": no such file or directory");
    }
  }
  if (!arguments.positionals().empty()) {
    Result<resource::DirectoryContent> content = resource::LoadPaths(arguments.positionals());
    if (!content) {
      return std::move(content).error();
    }
    findings.problems = std::move(content->problems);
    findings.skipped = std::move(content->skipped);
    findings.secrets = content->secrets.size();
    findings.classes =
        static_cast<std::size_t>(std::ranges::count_if(content->classes, [](const auto& each) {
          return !each.second.file.empty();  // Not the one that is built in.
        }));
    for (const auto& [ref, loaded] : content->connectors) {
      const resource::Connector& found = *loaded.connector;
      findings.connectors.push_back(
          ref.ToString() + "  " + found.address.ToString() + "  secret class " +
          std::string(resource::ToString(resource::ClassOf(found.auth.kind))));
    }
  }
  CheckConfigs<config::v1::BrokerConfig>(arguments.Values("broker-config"), findings);
  CheckConfigs<config::v1::DataplaneConfig>(arguments.Values("dataplane-config"), findings);
  return findings;
}

void PrintJson(const ValidationFindings& findings, std::ostream& out) {
  json::array problems;
  for (const config::Problem& problem : findings.problems) {
    problems.push_back(json::object{{"file", problem.file},
                                    {"line", problem.line},
                                    {"path", problem.path},
                                    {"message", problem.message}});
  }
  json::array skipped;
  for (const std::string& name : findings.skipped) {
    skipped.push_back(json::string(name));
  }
  out << json::serialize(json::object{{"ok", problems.empty() && !findings.nothing()},
                                      {"problems", problems},
                                      {"skipped", skipped}})
      << "\n";
}

std::string Count(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

void PrintText(const ValidationFindings& findings, std::ostream& out) {
  for (const std::string& skipped : findings.skipped) {
    out << "not read: " << skipped << "\n";
  }
  if (findings.nothing()) {
    out << "nothing to validate: the paths hold no resource; of a directory *.yaml and *.yml are "
           "read, and no folder below it\n";
    return;
  }
  if (!findings.problems.empty()) {
    for (const config::Problem& problem : findings.problems) {
      out << config::Format(problem) << "\n";
    }
    out << Count(findings.problems.size(), "problem") << "\n";
    return;
  }
  for (const std::string& connector : findings.connectors) {
    out << connector << "\n";
  }
  out << "ok: " << Count(findings.connectors.size(), "connector") << ", "
      << Count(findings.secrets, "secret") << ", "
      << Count(findings.configurations, "configuration file") << "\n";
}

int RunValidate(const CommandArguments& arguments, const Console& console) {
  const std::string format = arguments.ValueOr("output", "text");
  if (format != "text" && format != "json") {
    return Fail(console, kExitUsage, "--output must be text or json");
  }
  if (arguments.positionals().empty() && !arguments.Has("broker-config") &&
      !arguments.Has("dataplane-config")) {
    return Fail(
        console,
        kExitUsage,
        "nothing to validate: name a PATH, --broker-config FILE or --dataplane-config FILE");
  }
  const Result<ValidationFindings> findings = Examine(arguments);
  if (!findings) {
    return Fail(console, kExitUsage, findings.error().message);
  }
  format == "json" ? PrintJson(*findings, console.out) : PrintText(*findings, console.out);
  return findings->problems.empty() && !findings->nothing() ? kExitOk : kExitFailed;
}

constexpr std::size_t kMaxPaths = 1000;

constexpr std::string_view kValidateDetails =
    R"(Checks Connectors, ConnectorClasses and Secrets exactly as the broker does, without contacting
anything. A PATH is a file, or a directory of *.yaml and *.yml files as the broker reads it.
Every problem is one line: file:line: field: the reason, and what to write instead. The value of
a field is never printed: it might be a password.

Name all files that belong together in one call: a Secret in a file that is not named is missing.

What a directory holds besides is named as not read. To read nothing at all is an error.

Exit codes: 0 no problem; 1 problems were found, or nothing to validate; 2 wrong usage, or a PATH is
not there.

Examples:
  connectorctl validate connectors/
  connectorctl validate harbor.yaml harbor-secret.yaml -o json
  connectorctl validate --broker-config broker.yaml --dataplane-config dataplane.yaml
)";

}  // namespace

Command ValidateCommand() {
  return {{.name = "validate",
           .summary = "Check Connectors, Secrets and configuration files.",
           .positionals = "[PATH...]",
           .max_positionals = kMaxPaths,
           .flags = {{.name = "broker-config",
                      .value_name = "FILE",
                      .help = "A configuration of connector-broker.",
                      .repeated = true},
                     {.name = "dataplane-config",
                      .value_name = "FILE",
                      .help = "A configuration of connector-dataplane.",
                      .repeated = true},
                     {.name = "output",
                      .value_name = "FORMAT",
                      .help = "text or json; default: text.",
                      .short_name = 'o'}},
           .details = kValidateDetails},
          RunValidate};
}

}  // namespace connector::cli
