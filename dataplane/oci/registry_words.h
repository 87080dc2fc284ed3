#pragma once

// What a registry says of its refusal, for users and our log: code and message of the first error
// of a body in the distribution format. Pure. Whether it holds a credential is for the caller to
// ask (no_echo.h).

#include <cstddef>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {

inline constexpr std::size_t kMaxRegistryWordsBytes = 400;

// "DENIED: quota exceeded", one line of printable ASCII, without a final full stop; empty when the
// body says nothing.
[[nodiscard]] std::string RegistryWords(std::string_view body);

}  // namespace connector::dataplane::oci
