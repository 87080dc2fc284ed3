#include "common/resource/configuration.h"

#include "common/config/problem.h"
#include "common/resource/names.h"

#include "proto/connector/config/v1/resource.pb.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace connector::resource {
namespace {

using config::Join;
using mustache::Format;
using mustache::Names;
using mustache::Template;
namespace v1 = config::v1;

constexpr std::size_t kMaxPathParts = 8;
constexpr std::size_t kMaxPartBytes = 255;

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsParamName(std::string_view text) {
  return !text.empty() && text.size() <= 63 && IsLetter(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsLetter(c) || IsDigit(c) || c == '_';
         });
}

std::string PartProblem(std::string_view part) {
  if (part.empty() || part == "." || part.starts_with("..")) {
    return "has a part that is empty, is . or begins with ..";
  }
  if (part.size() > kMaxPartBytes) {
    return "has a part of more than 255 bytes";
  }
  if (!std::all_of(part.begin(), part.end(), [](char c) {
        return IsLetter(c) || IsDigit(c) ||
               std::string_view("._-:[]").find(c) != std::string_view::npos;
      })) {
    return "has a character other than letters, digits and ._-:[]";
  }
  return {};
}

std::optional<Format> FormatOf(v1::FileFormat format) {
  switch (format) {
    case v1::FILE_FORMAT_JSON:
      return Format::kJson;
    case v1::FILE_FORMAT_TOML:
      return Format::kToml;
    case v1::FILE_FORMAT_YAML:
      return Format::kYaml;
    case v1::FILE_FORMAT_SHELL:
      return Format::kShell;
    case v1::FILE_FORMAT_PLAIN:
      return Format::kPlain;
    default:
      return std::nullopt;
  }
}

Names Joined(Names names, const Names& more) {
  names.values.insert(more.values.begin(), more.values.end());
  names.lists.insert(names.lists.end(), more.lists.begin(), more.lists.end());
  return names;
}

// One configuration of a class.
class Reader {
 public:
  Reader(const v1::ClientConfiguration& file, std::string path, ProblemReport& report)
      : file_(file), path_(std::move(path)), report_(report) {}

  Configuration Read() {
    out_.name = file_.name();
    if (!out_.name.empty() && !IsDnsSubdomain(out_.name)) {
      report_.Add(
          Join(path_, "name"),
          "is not a name; write lower-case letters, digits, '-' and '.', such as buildkitd");
    }
    for (int i = 0; i < file_.params_size(); ++i) {
      ReadParam(file_.params(i), Join(Join(path_, "params"), static_cast<std::size_t>(i)));
    }
    ReadFiles();
    return std::move(out_);
  }

 private:
  void ReadParam(const v1::ConfigurationParam& file, const std::string& path) {
    const bool taken = std::any_of(out_.params.begin(), out_.params.end(), [&](const auto& param) {
      return param.name == file.name();
    });
    if (!IsParamName(file.name())) {
      report_.Add(
          Join(path, "name"),
          "is not a parameter's name; write letters, digits and _, beginning with a letter");
    } else if (taken) {
      report_.Add(Join(path, "name"), "is given twice; keep one of them");
    }
    if (file.required() && !file.default_().empty()) {
      report_.Add(Join(path, "required"), "excludes default; keep one of them");
    }
    out_.params.push_back({file.name(), file.default_(), file.required(), file.description()});
  }

  void ReadFiles() {
    const std::string files_path = Join(path_, "files");
    for (const auto& [name, format] : file_.formats()) {
      if (!file_.files().contains(name)) {
        report_.Add(Join(Join(path_, "formats"), name), "names no file of files; remove it");
      }
    }
    Names params;
    for (const ConfigurationParam& param : out_.params) {
      params.values.insert("params." + param.name);
    }
    for (const auto& [name, text] : file_.files()) {
      ReadFile(name, text, params);
    }
    std::sort(out_.files.begin(), out_.files.end(), [](const auto& a, const auto& b) {
      return a.path.text() < b.path.text();
    });
  }

  void ReadFile(const std::string& name, const std::string& text, const Names& params) {
    const std::string path = Join(Join(path_, "files"), name);
    Result<Template> file_path = Template::Parse(name, Format::kPath, ConnectorNames());
    if (!file_path) {
      report_.Add(path, "has no proper name: " + file_path.error().message);
      return;
    }
    if (!file_path->sections().empty()) {
      report_.Add(path, "has a section in its name; write {{NAME}} only");
      return;
    }
    const bool per_connector = !file_path->used().empty();
    if (const std::string problem = FilePathProblem(Sample(*file_path)); !problem.empty()) {
      report_.Add(path, problem + "; write a relative path such as containerd/hosts.toml");
      return;
    }
    const auto chosen = file_.formats().find(name);
    const std::optional<Format> format =
        chosen == file_.formats().end() ? mustache::FormatOfFile(name) : FormatOf(chosen->second);
    if (!format) {
      report_.Add(path,
                  "has an extension that says nothing of its format; add formats: {" + name +
                      ": json, toml, yaml, shell or plain}");
      return;
    }
    const Names known =
        Joined(per_connector ? Joined(ConnectorNames(), VolumeNames()) : VolumeNames(), params);
    Result<Template> content = Template::Parse(text, *format, known);
    if (!content) {
      report_.Add(path, content.error().message);
      return;
    }
    out_.files.push_back({*std::move(file_path), *std::move(content), per_connector});
  }

  // The path with something in the place of every value.
  static std::string Sample(const Template& path) {
    mustache::Fields fields;
    for (const std::string& name : path.used()) {
      fields.texts[name] = "x";
    }
    const Result<mustache::Rendered> sample = path.Render({&fields});
    return sample ? std::string(sample->content.Reveal()) : std::string();
  }

  const v1::ClientConfiguration& file_;
  std::string path_;
  ProblemReport& report_;
  Configuration out_;
};

}  // namespace

const Names& ConnectorNames() {
  static const Names names{{"name",
                            "namespace",
                            "host",
                            "host_directory",
                            "url",
                            "address",
                            "tls",
                            "plain_http",
                            "path_form",
                            "ca",
                            "ca_file",
                            "upstream_host",
                            "upstream_directory",
                            "mirror_url",
                            "first",
                            "last"},
                           {}};
  return names;
}

const Names& VolumeNames() {
  static const Names names = [] {
    Names host = ConnectorNames();
    for (const char* of_connector : {"name",
                                     "namespace",
                                     "address",
                                     "path_form",
                                     "upstream_host",
                                     "upstream_directory",
                                     "mirror_url"}) {
      host.values.erase(of_connector);
    }
    return Names{{"token", "auth", "user", "ca", "ca_file", "mount_path"},
                 {{"connectors", ConnectorNames()},
                  {"mirrors", ConnectorNames()},
                  {"hosts", host},
                  {"plain_hosts", host}}};
  }();
  return names;
}

std::string FilePathProblem(std::string_view path) {
  for (std::size_t parts = 1;; ++parts) {
    const std::size_t end = path.find('/');
    if (std::string problem = PartProblem(path.substr(0, end)); !problem.empty()) {
      return problem;
    }
    if (parts > kMaxPathParts) {
      return "has more than 8 parts";
    }
    if (end == std::string_view::npos) {
      return {};
    }
    path.remove_prefix(end + 1);
  }
}

std::vector<Configuration> ValidateConfigurations(const v1::ConnectorClassSpec& file,
                                                  ProblemReport& report) {
  const std::string path = "spec.configurations";
  std::vector<Configuration> out;
  std::set<std::string> seen;
  for (int i = 0; i < file.configurations_size(); ++i) {
    const std::string own = Join(path, static_cast<std::size_t>(i));
    out.push_back(Reader(file.configurations(i), own, report).Read());
    if (!seen.insert(out.back().name).second) {
      report.Add(Join(own, "name"), "is given twice; rename or remove one of them");
    }
  }
  return out;
}

}  // namespace connector::resource
