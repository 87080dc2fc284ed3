#include "tests/fuzz/operation_check.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

// The first byte chooses the method, the rest is the target.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto method = static_cast<connector::http::Method>(data[0] % 6);
  connector::fuzz::CheckOperation(method, {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
