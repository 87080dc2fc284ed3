#pragma once

// The class `oci` as this program carries it: deploy/crds/oci-class.yaml, put in by the build.

#include <string_view>

namespace connector::render {

extern const std::string_view kOciClassYaml;

}  // namespace connector::render
