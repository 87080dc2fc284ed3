#pragma once

// Checks a PEM bundle of CA certificates before a connector trusts it. Pure.

#include "common/base/result.h"

#include <cstddef>
#include <string_view>

namespace connector::resource {

inline constexpr std::size_t kMaxCaBundleBytes = std::size_t{1024} * 1024;

// Fails with kInvalidArgument when there is no CERTIFICATE block, one does not parse, or a private
// key stands among them.
[[nodiscard]] Result<Done> CheckCaBundle(std::string_view pem);

}  // namespace connector::resource
