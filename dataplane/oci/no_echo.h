#pragma once

// NoEcho: does a text that a registry sent hold the credential that we sent it? Promise P1: such a
// header is dropped and such an error body replaced. Blob and manifest bytes are never looked at.
//
// It finds the credential as sent, the password inside a Basic credential, and both behind percent
// or JSON escapes. A password under kMinPasswordBytes is not searched alone: it would match by
// chance; the whole Basic value always is. A password that the question itself holds is no secret
// in its answer (EchoSearch).

#include "common/base/secret.h"
#include "common/http/origin.h"

#include <cstddef>
#include <span>
#include <string>
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
  // As it was sent, so without the password alone.
  [[nodiscard]] bool FoundWhole(std::string_view text) const;
  [[nodiscard]] bool FoundPassword(std::string_view text) const;

 private:
  Secret credential_;
  Secret password_;  // Of a Basic credential; empty when too short to search.
};

// What was asked: the URL that the client's own names went into, and the hosts that the connector's
// configuration names.
struct Asked {
  const http::Origin& origin;
  std::string_view target;  // Path and query.
  std::span<const std::string> hosts = {};
};

// NoEcho for one answer. A word of the question comes back in each Location and in most errors;
// whoever asked with it knows it already.
class EchoSearch {
 public:
  EchoSearch() = default;  // No credential was sent: finds nothing.
  // Both live as long as this does.
  EchoSearch(const NoEcho& no_echo, const Asked& asked) : no_echo_(&no_echo), asked_(&asked) {}

  [[nodiscard]] bool Found(std::string_view text) const;

 private:
  [[nodiscard]] bool IsPasswordAsked() const;

  const NoEcho* no_echo_ = nullptr;
  const Asked* asked_ = nullptr;
};

}  // namespace connector::dataplane::oci
