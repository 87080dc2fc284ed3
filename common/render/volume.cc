#include "common/render/volume.h"

#include "common/base/encoding.h"
#include "common/base/input_error.h"
#include "common/render/configuration_choice.h"
#include "common/render/volume_connector.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <set>
#include <utility>

namespace connector::render {
namespace {

using mustache::Fields;
using mustache::Rendered;
using resource::Configuration;
using resource::ConfigurationFile;
using resource::ConfigurationParam;

constexpr std::string_view kTokenFiles[] = {"token", "context.token"};
constexpr std::string_view kAddressFiles[] = {"address", "connector.status.proxyAddress"};
constexpr std::string_view kCaFile = "ca.crt";
constexpr std::string_view kEnvironmentFile = ".env";

// "Basic " is followed by "connector:TOKEN" in Base64.
Result<Secret> BasicCredential(const Secret& token) {
  const std::string_view bytes = token.Reveal();
  if (bytes.empty()) {
    return Secret();
  }
  // What a header carries as it is.
  if (!std::all_of(bytes.begin(), bytes.end(), [](char c) { return c > 0x20 && c < 0x7F; })) {
    return InvalidInput("the token must be visible ASCII without white space");
  }
  const Secret pair(std::string(kUserName) + ":", bytes, "");
  std::string encoded = Base64Encode(pair.Reveal());
  Secret credential(encoded);
  OPENSSL_cleanse(encoded.data(), encoded.size());
  return credential;
}

class Renderer {
 public:
  explicit Renderer(const VolumeRequest& request) : request_(request) {}

  Result<Volume> Run() {
    for (const auto step : {&Renderer::CheckRequest,
                            &Renderer::MakeFields,
                            &Renderer::Choose,
                            &Renderer::CheckParams,
                            &Renderer::RenderChosen,
                            &Renderer::AddBuiltIns,
                            &Renderer::LeaveOut,
                            &Renderer::CheckTree}) {
      if (const Result<Done> done = (this->*step)(); !done) {
        return done.error();
      }
    }
    return std::move(volume_);
  }

 private:
  Result<Done> CheckRequest() {
    const auto& connectors = request_.connectors;
    if (connectors.empty() || connectors.size() > kMaxVolumeConnectors) {
      return InvalidInput("a volume has 1 to " + std::to_string(kMaxVolumeConnectors) +
                          " connectors");
    }
    for (std::size_t i = 0; i < connectors.size(); ++i) {
      if (Result<Done> checked = CheckConnector(connectors[i]); !checked) {
        return checked;
      }
      for (std::size_t j = 0; j < i; ++j) {
        if (connectors[i].host == connectors[j].host &&
            (connectors[i].ref == connectors[j].ref || connectors[i].tls != connectors[j].tls)) {
          return InvalidInput(connectors[i].ref == connectors[j].ref
                                  ? ConnectorTitle(connectors[i]) + " is named twice; name it once"
                                  : ConnectorTitle(connectors[i]) + " and " +
                                        ConnectorTitle(connectors[j]) +
                                        " have one host, with TLS and without");
        }
      }
    }
    const bool any_tls =
        std::any_of(connectors.begin(), connectors.end(), [](const auto& one) { return one.tls; });
    if (!request_.ca_file.empty() && !(any_tls && request_.ca_file.starts_with('/'))) {
      return InvalidInput(
          any_tls ? "the CA file must be an absolute path: clients resolve it themselves"
                  : "a CA file has no use without TLS");
    }
    return Done{};
  }

  Result<Done> MakeFields() {
    const auto given = request_.params.find(std::string(kMountPathParam));
    const std::string mount_path(given == request_.params.end() ? kMountPath : given->second);
    if (!mount_path.starts_with('/') ||
        !resource::FilePathProblem(std::string_view(mount_path).substr(1)).empty()) {
      return InvalidInput(
          "configuration.params: mountPath is not the absolute path of a folder; write "
          "the container's mountPath, such as " +
          std::string(kMountPath));
    }
    Result<Secret> auth = BasicCredential(request_.token);
    if (!auth) {
      return auth.error();
    }
    auth_ = *std::move(auth);
    for (const VolumeConnector& connector : request_.connectors) {
      if (connector.token && !own_auth_.contains(connector.token.get())) {
        Result<Secret> own = BasicCredential(*connector.token);
        if (!own) {
          return own.error();
        }
        own_auth_.emplace(connector.token.get(), *std::move(own));
      }
    }
    ca_.text = request_.ca_bundle;
    ca_.file = request_.ca_file;
    if (ca_.file.empty() && !ca_.text.empty()) {
      ca_.file = mount_path + "/" + std::string(kCaFile);
    }
    fields_.texts = {
        {"user", std::string(kUserName)}, {"mount_path", mount_path}, {"ca_file", ca_.file}};
    fields_.verbatim = {{"ca", ca_.text}};
    fields_.secrets = {{"token", &request_.token}, {"auth", &auth_}};
    AddLists(request_.connectors, ca_, own_auth_, fields_);
    return Done{};
  }

  Result<Done> Choose() {
    Result<ConfigurationChoice> choice = ChooseConfigurations(request_);
    if (!choice) {
      return choice.error();
    }
    choice_ = *std::move(choice);
    return Done{};
  }

  Result<Done> CheckParams() {
    std::set<std::string> known{std::string(kMountPathParam)};
    for (const Configuration* one : choice_.configurations) {
      for (const ConfigurationParam& param : one->params) {
        known.insert(param.name);
      }
    }
    for (const auto& entry : request_.params) {
      if (!known.contains(entry.first)) {
        std::string list;
        for (const std::string& name : known) {
          list.append(list.empty() ? "" : ", ").append(name);
        }
        return InvalidInput("configuration.params: " + QuotedName(entry.first) +
                            " is not a parameter of the chosen configurations; known: " + list);
      }
    }
    return Done{};
  }

  // {{params.NAME}} of one configuration.
  Result<Fields> ParamFields(const Configuration& configuration) const {
    Fields out;
    for (const ConfigurationParam& param : configuration.params) {
      const auto given = request_.params.find(param.name);
      if (given == request_.params.end() && param.required) {
        return InvalidInput("the configuration " + configuration.name + " needs the parameter " +
                            param.name +
                            (param.description.empty() ? "" : " (" + param.description + ")") +
                            "; give it in the volume attribute configuration.params: {\"" +
                            param.name + "\": \"...\"}");
      }
      out.texts["params." + param.name] =
          given == request_.params.end() ? param.default_value : given->second;
    }
    return out;
  }

  Result<Done> RenderChosen() {
    for (const Configuration* one : choice_.configurations) {
      if (const Result<Done> rendered = RenderConfiguration(*one); !rendered) {
        return rendered;
      }
    }
    return Done{};
  }

  Result<Done> RenderConfiguration(const Configuration& configuration) {
    const Result<Fields> params = ParamFields(configuration);
    if (!params) {
      return params.error();
    }
    for (const ConfigurationFile& file : configuration.files) {
      const Source source{configuration, file, *params};
      if (Result<Done> added = file.per_connector
                                   ? RenderForEach(source)
                                   : RenderFile(source, file.path.text(), {&*params, &fields_});
          !added) {
        return added;
      }
    }
    return Done{};
  }

  // What a file is made from.
  struct Source {
    const Configuration& configuration;
    const ConfigurationFile& file;
    const Fields& params;
  };

  // One file for each name of each connector. Of several with one path the first is taken, as in
  // the lists.
  Result<Done> RenderForEach(const Source& source) {
    std::set<std::string> taken;
    for (const VolumeConnector& connector : request_.connectors) {
      for (const VolumeConnector& named : UnderEachName(connector)) {
        if (Result<Done> added = RenderFor(named, source, taken); !added) {
          return added;
        }
      }
    }
    return Done{};
  }

  Result<Done> RenderFor(const VolumeConnector& connector,
                         const Source& source,
                         std::set<std::string>& taken) {
    const Fields own = ConnectorFields(connector, ca_, own_auth_);
    const Result<Rendered> path = source.file.path.Render({&own});
    if (!path) {
      return path.error();
    }
    const std::string text(path->content.Reveal());
    if (IsAbsent(source.file.path, own) || IsAbsent(source.file.content, own) ||
        !taken.insert(text).second) {
      return Done{};
    }
    return RenderFile(source, text, {&own, &source.params, &fields_}, connector.token != nullptr);
  }

  // Whether the template writes a name of a connector, or the CA, that has no value here.
  static bool IsAbsent(const mustache::Template& text, const Fields& fields) {
    return std::any_of(text.needed().begin(), text.needed().end(), [&](const std::string& name) {
      const auto field = fields.texts.find(name);
      const auto verbatim = fields.verbatim.find(name);
      const bool of_connector = resource::ConnectorNames().values.contains(name);
      return of_connector && (field == fields.texts.end() || field->second.empty()) &&
             (verbatim == fields.verbatim.end() || verbatim->second.empty());
    });
  }

  Result<Done> RenderFile(const Source& source,
                          const std::string& path,
                          const std::vector<const Fields*>& layers,
                          bool own_token = false) {
    const auto wrong = [&](const std::string& problem) {
      return InvalidInput("the file " + QuotedName(path) + " of the configuration " +
                          source.configuration.name + " " + problem);
    };
    if (const std::string problem = resource::FilePathProblem(path); !problem.empty()) {
      return wrong(problem);
    }
    // In the section of a list each connector may have its own.
    const std::set<std::string>& needed =
        EachHasToken() ? source.file.content.needed_once() : source.file.content.needed();
    if (request_.token.empty() && !own_token &&
        (needed.contains("token") || needed.contains("auth"))) {
      return wrong(EachHasToken()
                       ? "needs one token for all connectors, and each has its own; name one "
                         "connector for each volume, or write {{token}} and {{auth}} within "
                         "{{#connectors}} or {{#hosts}}"
                       : "needs a token");
    }
    Result<Rendered> rendered = source.file.content.Render(layers);
    if (!rendered) {
      return wrong("cannot be written: " + rendered.error().message);
    }
    return Put(path, {std::move(rendered->content), rendered->holds_secret});
  }

  [[nodiscard]] bool EachHasToken() const {
    return std::all_of(request_.connectors.begin(),
                       request_.connectors.end(),
                       [](const VolumeConnector& one) { return one.token != nullptr; });
  }

  Result<Done> Put(const std::string& path, VolumeFile file) {
    bytes_ += file.content.Reveal().size();
    if (bytes_ > kMaxVolumeBytes) {
      return InvalidInput("the files have more than " + std::to_string(kMaxVolumeBytes) +
                          " bytes; name fewer connectors or configurations");
    }
    const auto [at, fresh] = volume_.try_emplace(path);
    if (!fresh && at->second.content.Reveal() != file.content.Reveal()) {
      return InvalidInput("two configurations write different files " + QuotedName(path) +
                          "; leave one of them out of configuration.names");
    }
    at->second = std::move(file);
    return Done{};
  }

  Result<Done> AddBuiltIns() {
    std::string addresses;
    for (const VolumeConnector& connector : request_.connectors) {
      addresses.append(addresses.empty() ? "" : "\n").append(ImageAddress(connector));
    }
    for (const std::string_view path : kAddressFiles) {
      if (Result<Done> put = Put(std::string(path), {Secret(addresses), false}); !put) {
        return put;
      }
    }
    if (!request_.token.empty()) {
      for (const std::string_view path : kTokenFiles) {
        if (Result<Done> put = Put(std::string(path), {request_.token.Clone(), true}); !put) {
          return put;
        }
      }
    }
    if (!request_.ca_bundle.empty()) {
      if (Result<Done> put = Put(std::string(kCaFile), {Secret(request_.ca_bundle), false}); !put) {
        return put;
      }
    }
    if (volume_.contains(std::string(kEnvironmentFile))) {
      return Done{};
    }
    const Configuration* environment = FindEnvironment(request_.connectors.front());
    return environment == nullptr ? Done{} : RenderConfiguration(*environment);
  }

  static bool Covers(std::string_view left_out, std::string_view path) {
    return path == left_out ||
           (path.starts_with(left_out) && path.substr(left_out.size()).starts_with('/'));
  }

  Result<Done> LeaveOut() {
    for (const std::string& left_out : choice_.left_out) {
      if (std::erase_if(volume_, [&](const auto& file) { return Covers(left_out, file.first); }) ==
              0 &&
          !MayBe(left_out)) {
        std::string files;
        for (const auto& file : volume_) {
          files.append(files.empty() ? "" : ", ").append(file.first);
        }
        return InvalidInput("configuration.names: " + QuotedName("!" + left_out) +
                            " leaves out nothing; the files are " + files);
      }
    }
    return Done{};
  }

  // A file that is not always there, such as the CA's, may always be left out.
  [[nodiscard]] bool MayBe(std::string_view left_out) const {
    if (left_out == kCaFile || left_out == kTokenFiles[0] || left_out == kTokenFiles[1]) {
      return true;
    }
    for (const Configuration* one : choice_.configurations) {
      for (const ConfigurationFile& file : one->files) {
        const std::string& path = file.path.text();
        const std::size_t tag = path.find("{{");
        if (tag != std::string::npos &&
            (Covers(left_out, path.substr(0, tag)) || left_out.starts_with(path.substr(0, tag)))) {
          return true;
        }
      }
    }
    return false;
  }

  // A path is a file or a folder.
  Result<Done> CheckTree() {
    for (const auto& file : volume_) {
      const auto next = volume_.lower_bound(file.first + "/");
      if (next != volume_.end() && next->first.starts_with(file.first + "/")) {
        return InvalidInput(QuotedName(file.first) + " would be a file, and the folder of " +
                            QuotedName(next->first) + "; leave one of them out");
      }
    }
    return Done{};
  }

  const VolumeRequest& request_;
  Ca ca_;
  Secret auth_;
  OwnCredentials own_auth_;
  Fields fields_;
  ConfigurationChoice choice_;
  Volume volume_;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<Volume> RenderVolume(const VolumeRequest& request) {
  return Renderer(request).Run();
}

}  // namespace connector::render
