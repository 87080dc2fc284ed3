#include "cli/commands.h"
#include "cli/files.h"
#include "cli/values.h"
#include "common/base/input_error.h"
#include "common/config/problem.h"
#include "common/render/volume.h"
#include "common/resource/documents.h"

#include <algorithm>
#include <ostream>
#include <utility>

namespace connector::cli {
namespace {

using render::Volume;
using render::VolumeConnector;

constexpr std::string_view kAll = "all";

// The files that the command makes, and the configurations of the class `oci` that have them.
constexpr std::pair<std::string_view, std::string_view> kFormats[] = {
    {"config.json", "registry-config"},
    {"auth.json", "auth"},
    {"buildkitd.toml", "buildkitd"},
    {"daemon.json", "dockerd"},
    {"hosts.toml", "containerd"},
    {"registries.conf", "registries"},
    {"regctl.json", "regctl"},
};

std::vector<std::string_view> Choices() {
  std::vector<std::string_view> names{kAll};
  for (const auto& [format, configuration] : kFormats) {
    names.push_back(format);
  }
  return names;
}

Result<VolumeConnector> ReadConnector(const CommandArguments& arguments) {
  VolumeConnector connector;
  connector.host = arguments.ValueOr("host", "");
  connector.tls = arguments.Has("tls");
  connector.upstream_host = arguments.ValueOr("upstream-host", "");
  connector.path_form = arguments.Has("path-form");
  if (connector.path_form != arguments.Has("connector")) {
    return InvalidInput(
        arguments.Has("connector")
            ? "--connector needs --path-form; the host form names the connector in --host"
            : "--path-form needs --connector NAMESPACE/NAME");
  }
  if (const auto name = arguments.Value("connector")) {
    Result<ConnectorRef> ref = ParsePair(*name, "--connector");
    if (!ref) {
      return std::move(ref).error();
    }
    connector.ref = *std::move(ref);
  }
  return connector;
}

// The class in the file, or nothing without one.
Result<Done> ReadClass(const CommandArguments& arguments, VolumeConnector& connector) {
  const auto path = arguments.Value("class");
  if (!path) {
    return Done{};
  }
  const Result<std::string> text = ReadFile(*path);
  if (!text) {
    return text.error();
  }
  resource::FileDocuments parsed = resource::ParseDocuments(*text, *path);
  if (!parsed.problems.empty()) {
    return InvalidInput(config::Format(parsed.problems.front()));
  }
  if (parsed.classes.size() != 1) {
    return InvalidInput("--class " + *path + " holds " + std::to_string(parsed.classes.size()) +
                        " ConnectorClasses; write one");
  }
  resource::ConnectorClass& found = parsed.classes.front().connector_class;
  connector.class_name = found.name;
  connector.configurations =
      std::make_shared<const render::Configurations>(std::move(found.configurations));
  return Done{};
}

Result<Done> ReadParams(const CommandArguments& arguments, render::VolumeRequest& request) {
  for (const std::string& param : arguments.Values("param")) {
    const std::size_t equals = param.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidInput("--param must be NAME=VALUE");
    }
    request.params[param.substr(0, equals)] = param.substr(equals + 1);
  }
  return Done{};
}

// A volume without what only a pod's has.
void ChooseFiles(const std::string& format,
                 std::vector<std::string> named,
                 bool mirror,
                 render::VolumeRequest& request) {
  request.configurations = std::move(named);
  mirror = mirror && request.configurations.empty();
  if (request.configurations.empty()) {
    for (const auto& [file, configuration] : kFormats) {
      if (format == file || format == kAll) {
        request.configurations.emplace_back(configuration);
      }
    }
  }
  for (const char* built_in :
       {"token", "context.token", "address", "connector.status.proxyAddress", "ca.crt", ".env"}) {
    request.configurations.push_back(std::string("!") + built_in);
  }
  if (mirror && (format == kAll || format == "buildkitd.toml" || format == "registries.conf")) {
    request.params["mirror"] = "true";
  }
}

Result<render::VolumeRequest> ReadVolumeRequest(const CommandArguments& arguments,
                                                const Console& console) {
  Result<VolumeConnector> connector = ReadConnector(arguments);
  if (!connector) {
    return std::move(connector).error();
  }
  if (arguments.Has("token-file") && arguments.Has("token-stdin")) {
    return InvalidInput("--token-file and --token-stdin exclude each other");
  }
  render::VolumeRequest request;
  const std::string format(arguments.positionals()[0]);
  const std::vector<std::string> named = arguments.Values("configuration");
  if (!named.empty() && format != kAll) {
    return InvalidInput("--configuration needs the format 'all'");
  }
  ChooseFiles(format, named, !connector->upstream_host.empty(), request);
  if (const Result<Done> read = ReadParams(arguments, request); !read) {
    return read.error();
  }
  if (const Result<Done> read = ReadClass(arguments, *connector); !read) {
    return read.error();
  }
  request.connectors.push_back(*std::move(connector));
  request.ca_file = arguments.ValueOr("ca-file", "");
  if (arguments.Has("token-file") || arguments.Has("token-stdin")) {
    Result<Secret> token = ReadToken(arguments.ValueOr("token-file", "-"), console.in);
    if (!token) {
      return std::move(token).error();
    }
    request.token = *std::move(token);
  } else if (named.empty() &&
             (format == kAll || format == "config.json" || format == "auth.json")) {
    return InvalidInput((format == kAll ? "config.json" : format) +
                        " needs --token-file FILE or --token-stdin");
  }
  // Only a whole tree holds the CA; another file names it.
  if (format == kAll && !request.ca_file.empty()) {
    Result<std::string> ca = ReadFile(request.ca_file);
    if (!ca) {
      return std::move(ca).error();
    }
    request.ca_bundle = *std::move(ca);
  }
  return request;
}

// The file of the format that was asked. Of several hosts.toml the mirror's is meant, else that of
// the host that was given.
const render::VolumeFile* FindFile(const Volume& files,
                                   std::string_view format,
                                   const VolumeConnector& connector) {
  const std::string& host =
      connector.upstream_host.empty() ? connector.host : connector.upstream_host;
  const std::string below = "/" + render::HostDirectory(host) + "/" + std::string(format);
  for (const auto& [path, file] : files) {
    if (path == format || path.ends_with(below)) {
      return &file;
    }
  }
  return nullptr;
}

Result<Done> WriteTree(const std::string& directory, const Volume& files, const Console& console) {
  for (const auto& [name, file] : files) {
    const std::string path = directory + "/" + name;
    if (Result<Done> made = MakeDirectory(path.substr(0, path.rfind('/')), kPrivateDirectory);
        !made) {
      return made;
    }
    const mode_t mode = file.holds_token ? kPrivateFile : kPublicFile;
    if (Result<Done> written = WriteFile(path, file.content.Reveal(), mode); !written) {
      return written;
    }
    console.out << path << (file.holds_token ? "  (holds the token)" : "") << "\n";
  }
  return Done{};
}

int RunRender(const CommandArguments& arguments, const Console& console) {
  const std::string_view format = arguments.positionals()[0];
  const auto directory = arguments.Value("out");
  if (format == kAll && !directory) {
    return Fail(console, kExitUsage, "'all' writes several files: --out DIR is missing");
  }
  const Result<render::VolumeRequest> request = ReadVolumeRequest(arguments, console);
  if (!request) {
    return Fail(console, kExitUsage, request.error().message);
  }
  const Result<Volume> files = render::RenderVolume(*request);
  if (!files) {
    return Fail(console, kExitUsage, files.error().message);
  }
  const VolumeConnector& connector = request->connectors.front();
  if (!directory) {
    console.out << FindFile(*files, format, connector)->content.Reveal();
    return kExitOk;
  }
  if (const Result<Done> written = WriteTree(*directory, *files, console); !written) {
    return Fail(console, kExitUsage, written.error().message);
  }
  console.out << (connector.upstream_host.empty()
                      ? "images are now named " + render::ImageAddress(connector)
                      : "images keep their names: " + connector.upstream_host)
              << "/REPOSITORY:TAG\n";
  return kExitOk;
}

constexpr std::string_view kRenderDetails =
    R"(Formats: config.json (docker, buildkit, ko, kaniko, crane, helm, oras, regctl), auth.json (podman,
buildah, skopeo), buildkitd.toml, daemon.json, hosts.toml (containerd), registries.conf,
regctl.json, and 'all', which writes a tree into --out. One format without --out goes to standard
output.

--host is the data plane as it stands in image references, with its port: clients look their
credential up by exactly this text. A host c-NAME.NAMESPACE.svc, with any domain behind it, is
written as itself and under .svc, .svc.local and .svc.cluster.local.

With --upstream-host names stay as they are and the data plane is a mirror; hosts.toml then holds
the token, because containerd has none for a mirror.

Files that hold the token get mode 0600. All are replaced atomically, so a running client sees
the old token or the new.

The files are those that the CSI driver mounts, made from the same templates: the class `oci` of
this release, or the one of --class.

Exit codes: 0 written; 2 wrong usage or bad input.

Examples:
  connectorctl render config.json --host c-harbor.default.svc --token-file token
  connectorctl token mint ... | connectorctl render all --host 127.0.0.1:5080 --path-form \
      --connector default/harbor --token-stdin --out ~/oci-connector
  connectorctl render registries.conf --host proxy.example.com --tls --upstream-host docker.io \
      --path-form --connector default/hub
  connectorctl render all --class my-class.yaml --configuration my-tool --param proxy=p:8080 \
      --host c-harbor.default.svc --out my-tool
)";

}  // namespace

Command RenderCommand() {
  return {{.name = "render",
           .summary = "Write a client's configuration for a connector.",
           .positionals = "FORMAT",
           .min_positionals = 1,
           .max_positionals = 1,
           .choices = Choices(),
           .flags = {{.name = "host",
                      .value_name = "HOST[:PORT]",
                      .help = "The data plane, as in image references.",
                      .required = true},
                     {.name = "path-form", .help = "Name the connector in the image's path."},
                     {.name = "connector",
                      .value_name = "NAMESPACE/NAME",
                      .help = "The connector, with --path-form."},
                     {.name = "tls", .help = "The data plane speaks TLS; default: plain HTTP."},
                     {.name = "ca-file",
                      .value_name = "FILE",
                      .help = "Absolute path of the CA; default: the system's trust."},
                     {.name = "token-file",
                      .value_name = "FILE",
                      .help = "The caller's token; '-' is standard input."},
                     {.name = "token-stdin", .help = "Read the token from standard input."},
                     {.name = "upstream-host",
                      .value_name = "HOST[:PORT]",
                      .help = "Render as a mirror of this registry: image names stay as they are."},
                     {.name = "class",
                      .value_name = "FILE",
                      .help = "A ConnectorClass whose configurations to render."},
                     {.name = "configuration",
                      .value_name = "NAME",
                      .help = "With 'all': this one only; '!FILE' leaves a file out.",
                      .repeated = true},
                     {.name = "param",
                      .value_name = "NAME=VALUE",
                      .help = "A parameter of the configurations.",
                      .repeated = true},
                     {.name = "out",
                      .value_name = "DIR",
                      .help = "Write below this directory instead of printing."}},
           .details = kRenderDetails},
          RunRender};
}

}  // namespace connector::cli
