#pragma once

// Page state: the query by which a registry wants to be asked for the next page of a list, when it
// is more than `n` and `last`. It is sealed together with who may go on with it, and stands as
// ?page= in the Link that the client gets; no client can make one or change one.
//
// Pure but for the nonce. The query comes back to the registry as it was; that it is one of a page
// is decided again when it is opened (sealed_target.h).

#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/http/origin.h"
#include "dataplane/oci/sealed.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace connector::dataplane::oci {

inline constexpr std::size_t kMaxPageQueryBytes = 4 * 1024;

struct PageState {
  ConnectorRef connector;
  std::string path = {};  // The registry's path of the list: repository and operation in one.
  std::string subject = {};
  std::int64_t expires_at = 0;  // Seconds since 1970.
  std::string query = {};

  bool operator==(const PageState&) const = default;
};

// What an opened page must have been sealed for.
struct PageExpectation {
  const ConnectorRef& connector;
  const http::Origin& origin;  // Of the registry, now.
  std::string_view path = {};
  std::string_view subject = {};
  std::int64_t now = 0;
};

// In [A-Za-z0-9_-]. Fails with kUnavailable without a key (503), kInvalidArgument when a field is
// longer than 64 KiB.
[[nodiscard]] Result<std::string> SealPage(const crypto::SealKeys& keys, const PageState& state);

// The query.
[[nodiscard]] std::variant<std::string, SealRefusal> OpenPage(const crypto::SealKeys& keys,
                                                              std::string_view sealed,
                                                              const PageExpectation& expectation);

}  // namespace connector::dataplane::oci
