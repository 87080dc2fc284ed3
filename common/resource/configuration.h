#pragma once

// The client configurations of a ConnectorClass: templates of files, checked when the class is
// read, so that nothing but a missing parameter can fail when a volume is made from them
// (common/render/volume.h). Pure.

#include "common/mustache/template.h"
#include "common/resource/problem_report.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace connector::config::v1 {
class ClientConfiguration;
class ConnectorClassSpec;
}  // namespace connector::config::v1

namespace connector::resource {

// Of a value that a volume gives; the schema bounds what a class may say.
inline constexpr std::size_t kMaxParamBytes = 4096;

struct ConfigurationFile {
  mustache::Template path;
  mustache::Template content;
  bool per_connector = false;  // The path names the connector: one file for each.

  bool operator==(const ConfigurationFile&) const = default;
};

struct ConfigurationParam {
  std::string name;
  std::string default_value;
  bool required = false;
  std::string description;

  bool operator==(const ConfigurationParam&) const = default;
};

struct Configuration {
  std::string name;
  std::vector<ConfigurationFile> files;  // Sorted by path.
  std::vector<ConfigurationParam> params;

  bool operator==(const Configuration&) const = default;
};

// What templates may name besides {{params.NAME}}: see docs/configurations.md. In a file whose path
// names its connector, the connector's names are known outside of {{#connectors}} as well.
[[nodiscard]] const mustache::Names& VolumeNames();
[[nodiscard]] const mustache::Names& ConnectorNames();

// A path that stays below its folder: at most 8 components joined by "/", of at most 255 bytes of
// letters, digits and "._-:[]", none of them "." or beginning with "..". Otherwise what is wrong.
[[nodiscard]] std::string FilePathProblem(std::string_view path);

// Reports every problem below "spec.configurations".
[[nodiscard]] std::vector<Configuration> ValidateConfigurations(
    const config::v1::ConnectorClassSpec& file, ProblemReport& report);

}  // namespace connector::resource
