#pragma once

// Where the tests' inputs lie: the source tree that this program was built from.

#include <string>
#include <string_view>

namespace connector::testing_support {

// `path` is relative to the tree's root, as "docs/errors.md". The file need not exist.
std::string SourcePath(std::string_view path);

}  // namespace connector::testing_support
