#include "common/render/configuration_choice.h"

#include "common/base/input_error.h"
#include "common/config/problem.h"
#include "common/render/volume_connector.h"

#include <algorithm>
#include <utility>

namespace connector::render {
namespace {

using resource::Configuration;

constexpr std::string_view kDefaultConfiguration = "registry-config";

const Configurations& BuiltInOnce() {
  static const auto built_in = BuiltInConfigurations();
  return *built_in;
}

const Configurations& Of(const VolumeConnector& connector) {
  return connector.configurations == nullptr ? BuiltInOnce() : *connector.configurations;
}

// By the name that older manifests use, or by that of a file: "docker-config", "buildkitd.toml".
bool HasFile(const Configuration& configuration, std::string_view name) {
  return std::any_of(configuration.files.begin(), configuration.files.end(), [&](const auto& file) {
    const std::string_view path = file.path.text();
    return path.substr(path.rfind('/') + 1) == name;
  });
}

const Configuration* Find(const Configurations& all, std::string_view name) {
  const auto named = [&](std::string_view wanted) {
    return std::find_if(
        all.begin(), all.end(), [&](const auto& one) { return one.name == wanted; });
  };
  auto found = named(name);
  if (found == all.end() && name == "docker-config") {
    found = named(kDefaultConfiguration);
  }
  if (found == all.end()) {
    found =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return HasFile(one, name); });
  }
  return found == all.end() ? nullptr : &*found;
}

Error Unknown(std::string_view name, const VolumeConnector& connector) {
  std::string known;
  for (const Configuration& one : Of(connector)) {
    known.append(known.empty() ? "" : ", ").append(one.name);
  }
  return InvalidInput(
      "configuration.names: " + QuotedName(name) + " is not a configuration of " +
      (connector.class_name.empty() ? "the built-in class" : "the class " + connector.class_name) +
      (known.empty() ? ", which has none" : "; known: " + known));
}

Result<Done> Add(const VolumeRequest& request, std::string_view name, ConfigurationChoice& out) {
  const VolumeConnector& first = request.connectors.front();
  const Configuration* chosen = Find(Of(first), name);
  if (chosen == nullptr) {
    return Unknown(name, first);
  }
  for (const VolumeConnector& other : request.connectors) {
    const Configuration* own = Find(Of(other), name);
    if (own == nullptr) {
      return Unknown(name, other);
    }
    if (!(*own == *chosen)) {
      return InvalidInput("the classes " + first.class_name + " and " + other.class_name + " of " +
                          ConnectorTitle(first) + " and " + ConnectorTitle(other) +
                          " have different configurations " + QuotedName(name) +
                          "; mount them in two volumes");
    }
  }
  if (std::find(out.configurations.begin(), out.configurations.end(), chosen) ==
      out.configurations.end()) {
    out.configurations.push_back(chosen);
  }
  return Done{};
}

}  // namespace

Result<ConfigurationChoice> ChooseConfigurations(const VolumeRequest& request) {
  ConfigurationChoice out;
  for (const std::string& name : request.configurations) {
    if (name.starts_with('!')) {
      out.left_out.insert(name.substr(1));
    } else if (const Result<Done> added = Add(request, name, out); !added) {
      return added.error();
    }
  }
  if (out.configurations.empty()) {
    if (const Result<Done> added = Add(request, kDefaultConfiguration, out); !added) {
      return added.error();
    }
  }
  return out;
}

const Configuration* FindEnvironment(const VolumeConnector& connector) {
  const Configuration* own = Find(Of(connector), "env");
  return own == nullptr ? Find(BuiltInOnce(), "env") : own;
}

std::string QuotedName(std::string_view name) {
  return '"' + config::Join("", name) + '"';
}

}  // namespace connector::render
