#include "common/render/built_in.h"

#include "common/render/volume.h"
#include "common/resource/documents.h"

namespace connector::render {

std::shared_ptr<const Configurations> BuiltInConfigurations() {
  static const auto configurations = [] {
    resource::FileDocuments documents = resource::ParseDocuments(kOciClassYaml, "oci-class.yaml");
    // A mistake in the file is one of this release; its test finds it.
    return std::make_shared<const Configurations>(
        documents.classes.empty()
            ? Configurations{}
            : std::move(documents.classes.front().connector_class.configurations));
  }();
  return configurations;
}

}  // namespace connector::render
