#include "common/render/render.h"

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/values.h"

#include <ostream>
#include <utility>

namespace connector::cli {
namespace {

using render::Format;

// One file, ready to be written or printed.
struct Rendered {
  std::string path;  // Below --out.
  Secret content;
  bool holds_token = false;
};

struct Request {
  std::vector<Format> formats;
  render::Target target;
  Secret token;  // Empty when none was given.
};

Error Wrong(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kClient, std::move(message));
}

// `name` is one of the command's choices.
std::vector<Format> FormatsOf(const std::string& name) {
  if (const auto format = render::FormatFromName(name)) {
    return {*format};
  }
  return {std::begin(render::kFormats), std::end(render::kFormats)};
}

std::vector<std::string_view> Choices() {
  std::vector<std::string_view> names{"all"};
  for (const Format format : render::kFormats) {
    names.push_back(render::Name(format));
  }
  return names;
}

Result<render::Target> ReadTarget(const Arguments& arguments) {
  render::Target target;
  target.authority = arguments.ValueOr("host", "");
  target.tls = arguments.Has("tls");
  target.ca_file = arguments.ValueOr("ca-file", "");
  target.mirror_of = arguments.ValueOr("upstream-host", "");
  if (arguments.Has("path-form") != arguments.Has("connector")) {
    return Wrong(arguments.Has("connector")
                     ? "--connector needs --path-form; the host form names the connector in --host"
                     : "--path-form needs --connector NAMESPACE/NAME");
  }
  if (const auto connector = arguments.Value("connector")) {
    Result<ConnectorRef> ref = ParsePair(*connector, "--connector");
    if (!ref) {
      return std::move(ref).error();
    }
    target.path_form = *std::move(ref);
  }
  return render::MakeTarget(std::move(target));
}

Result<Request> ReadRequest(const Arguments& arguments, const Console& console) {
  Result<render::Target> target = ReadTarget(arguments);
  if (!target) {
    return std::move(target).error();
  }
  if (arguments.Has("token-file") && arguments.Has("token-stdin")) {
    return Wrong("--token-file and --token-stdin exclude each other");
  }
  Request request{FormatsOf(arguments.positionals()[0]), *std::move(target), {}};
  if (arguments.Has("token-file") || arguments.Has("token-stdin")) {
    Result<Secret> token = ReadToken(arguments.ValueOr("token-file", "-"), console.in);
    if (!token) {
      return std::move(token).error();
    }
    request.token = *std::move(token);
  }
  return request;
}

Result<Rendered> RenderOne(Format format, const Request& request) {
  Rendered rendered{render::RelativePath(format, request.target), {}, false};
  const bool with_header =
      format == Format::kHostsToml && !request.target.mirror_of.empty() && !request.token.empty();
  if (render::HoldsCredential(format) && request.token.empty()) {
    return Wrong(std::string(render::Name(format)) + " needs --token-file FILE or --token-stdin");
  }
  if (!render::HoldsCredential(format) && !with_header) {
    rendered.content = Secret(render::RenderConfiguration(format, request.target));
    return rendered;
  }
  Result<Secret> content = with_header
                               ? render::RenderMirrorHostsToml(request.target, request.token)
                               : render::RenderCredential(request.target, request.token);
  if (!content) {
    return std::move(content).error();
  }
  rendered.content = *std::move(content);
  rendered.holds_token = true;
  return rendered;
}

Result<std::vector<Rendered>> RenderAll(const Request& request, bool whole_tree) {
  std::vector<Rendered> files;
  for (const Format format : request.formats) {
    Result<Rendered> file = RenderOne(format, request);
    if (!file) {
      return std::move(file).error();
    }
    files.push_back(*std::move(file));
  }
  if (whole_tree && !request.target.ca_file.empty()) {
    const Result<std::string> ca = ReadFile(request.target.ca_file);
    if (!ca) {
      return ca.error();
    }
    files.push_back({render::RelativeCaPath(request.target), Secret(*ca), false});
  }
  return files;
}

Result<Done> WriteTree(const std::string& directory,
                       const std::vector<Rendered>& files,
                       const Console& console) {
  for (const Rendered& file : files) {
    const std::string path = directory + "/" + file.path;
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

int Run(const Arguments& arguments, const Console& console) {
  const bool whole_tree = arguments.positionals()[0] == "all";
  const auto directory = arguments.Value("out");
  if (whole_tree && !directory) {
    return Fail(console, kExitUsage, "'all' writes several files: --out DIR is missing");
  }
  const Result<Request> request = ReadRequest(arguments, console);
  if (!request) {
    return Fail(console, kExitUsage, request.error().message);
  }
  const Result<std::vector<Rendered>> files = RenderAll(*request, whole_tree);
  if (!files) {
    return Fail(console, kExitUsage, files.error().message);
  }
  if (!directory) {
    console.out << files->front().content.Reveal();
    return kExitOk;
  }
  if (const Result<Done> written = WriteTree(*directory, *files, console); !written) {
    return Fail(console, kExitUsage, written.error().message);
  }
  const render::Target& target = request->target;
  console.out << (target.mirror_of.empty() ? "images are now named " + target.ReferencePrefix()
                                           : "images keep their names: " + target.mirror_of)
              << "/REPOSITORY:TAG\n";
  return kExitOk;
}

constexpr std::string_view kDetails =
    R"(Formats: config.json (docker, buildkit, ko, kaniko, crane, helm, oras, regctl), auth.json (podman,
buildah, skopeo), buildkitd.toml, daemon.json, hosts.toml (containerd), registries.conf,
regctl.json, and 'all', which writes a tree into --out. One format without --out goes to standard
output.

--host is the data plane as it stands in image references, with its port: clients look their
credential up by exactly this text. With --upstream-host names stay as they are and the data
plane is a mirror; hosts.toml then holds the token, because containerd has none for a mirror.

Files that hold the token get mode 0600. All are replaced atomically, so a running client sees
the old token or the new.

Exit codes: 0 written; 2 wrong usage or bad input.

Examples:
  connectorctl render config.json --host c-harbor.default.svc --token-file token
  connectorctl token mint ... | connectorctl render all --host 127.0.0.1:5080 --path-form \
      --connector default/harbor --token-stdin --out ~/oci-connector
  connectorctl render registries.conf --host proxy.example.com --tls --upstream-host docker.io \
      --path-form --connector default/hub
)";

}  // namespace

Command Render() {
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
                      .help = "The registry whose image names stay: render as a mirror."},
                     {.name = "out",
                      .value_name = "DIR",
                      .help = "Write below this directory instead of printing."}},
           .details = kDetails},
          Run};
}

}  // namespace connector::cli
