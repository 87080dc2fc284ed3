#pragma once

// NoEcho: does a text that a registry sent hold the credential that we sent it? Promise P1: such a
// header is dropped and such an error body replaced. Blob and manifest bytes are never looked at.
//
// It finds the credential as sent, the password inside a Basic credential, and both behind percent
// or JSON escapes. A password under kMinPasswordBytes is not searched alone: it would match by
// chance; the whole Basic value always is.

#include "common/base/secret.h"

#include <cstddef>
#include <string_view>

namespace connector::dataplane::oci {

inline constexpr std::size_t kMinPasswordBytes = 6;

// Built once per credential and kept beside it.
class NoEcho {
 public:
  NoEcho() = default;  // No credential was sent: finds nothing.
  // What follows "Bearer " or "Basic " in the Authorization field.
  explicit NoEcho(std::string_view credential);

  [[nodiscard]] bool Found(std::string_view text) const;

 private:
  [[nodiscard]] bool FoundPlain(std::string_view text) const;

  Secret credential_;
  Secret password_;  // Of a Basic credential; empty when too short to search.
};

}  // namespace connector::dataplane::oci
