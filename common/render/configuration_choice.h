#pragma once

// Which configurations of the connectors' classes a volume has, and what it leaves out: what the
// attribute configuration.names says. Internal to common/render. Pure.

#include "common/render/volume.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace connector::render {

struct ConfigurationChoice {
  std::vector<const resource::Configuration*> configurations;  // Of the request's classes.
  std::set<std::string> left_out;                              // Files and folders.
};

// Every connector's class must have each configuration, and have the same: what makes one file of
// all connectors is one template. Fails with kInvalidArgument and the class that has not. A name
// may also be that of a file, or docker-config. `request` has a connector, and outlives the choice.
[[nodiscard]] Result<ConfigurationChoice> ChooseConfigurations(const VolumeRequest& request);

// What makes .env, which every volume has: the class's own, else the built-in one.
[[nodiscard]] const resource::Configuration* FindEnvironment(const VolumeConnector& connector);

// A name that somebody wrote, for a message.
[[nodiscard]] std::string QuotedName(std::string_view name);

}  // namespace connector::render
