#include "tests/support/cpp/source_tree.h"

namespace connector::testing_support {

std::string SourcePath(std::string_view path) {
  return std::string(CONNECTOR_SOURCE_DIRECTORY "/").append(path);
}

}  // namespace connector::testing_support
