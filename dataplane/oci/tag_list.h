#pragma once

// A tag list tells the repository's name in its body: the only body that is rewritten, so that a
// client reads the name that it asked for (docs/rules.md "Bodies").
//
// Pure. Blob and manifest bytes are never touched.

#include <cstddef>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {

// A longer list cannot be renamed; clients then ask for pages.
inline constexpr std::size_t kMaxTagListBytes = 8 * 1024 * 1024;

// Replaces the value of `"name"` where it is `registry_name`; a body of another shape is returned
// as it is. Both names match the repository grammar, so neither needs escaping, and no tag can hold
// a quote.
[[nodiscard]] std::string RenameTagList(std::string_view body,
                                        std::string_view registry_name,
                                        std::string_view client_name);

}  // namespace connector::dataplane::oci
