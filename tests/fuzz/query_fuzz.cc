#include "tests/fuzz/operation_check.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

// The first byte chooses an endpoint that knows query keys, the rest is the query: what reaches the
// registry of it is known, single and valid.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using connector::http::Method;
  static const std::string kDigest = "sha256:" + std::string(64, 'a');
  static const std::array<std::pair<Method, std::string>, 6> kEndpoints = {{
      {Method::kPost, "/v2/a/blobs/uploads/"},
      {Method::kPut, "/v2/a/blobs/uploads/session"},
      {Method::kGet, "/v2/a/tags/list"},
      {Method::kPut, "/v2/a/manifests/" + kDigest},
      {Method::kGet, "/v2/a/referrers/" + kDigest},
      {Method::kGet, "/v2/a/blobs/" + kDigest},
  }};
  if (size == 0) {
    return 0;
  }
  const auto& [method, path] = kEndpoints[data[0] % kEndpoints.size()];
  const std::string query(reinterpret_cast<const char*>(data) + 1, size - 1);
  connector::fuzz::CheckOperation(method, path + "?" + query);
  return 0;
}
