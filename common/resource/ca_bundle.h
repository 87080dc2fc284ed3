#pragma once

// PEM bundles of CA certificates: checked before anybody trusts one, and shared by all who do.
// Pure.

#include "common/base/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace connector::config {
class OptionsReader;
}  // namespace connector::config

namespace connector::resource {

// Of a file that an operator names.
inline constexpr std::size_t kMaxCaBundleBytes = std::size_t{1024} * 1024;
// Of a Connector: a tenant chooses it, and every data plane holds it.
inline constexpr std::size_t kMaxConnectorCaBundleBytes = std::size_t{64} * 1024;

// A bundle with its digest. Copies share one text: thousands of connectors may trust the same.
class CaBundle {
 public:
  CaBundle() = default;                // None.
  explicit CaBundle(std::string pem);  // None when `pem` is empty. Checks nothing.

  [[nodiscard]] bool empty() const { return content_ == nullptr; }
  [[nodiscard]] const std::string& pem() const;
  // SHA-256 of the text, 64 hexadecimal digits; empty when there is none.
  [[nodiscard]] const std::string& digest() const;

  bool operator==(const CaBundle& other) const { return digest() == other.digest(); }

 private:
  struct Content {
    std::string pem;
    std::string digest;
  };
  std::shared_ptr<const Content> content_;
};

// Fails with kInvalidArgument when there is no CERTIFICATE block, one does not parse, or a private
// key stands among them.
[[nodiscard]] Result<Done> CheckCaBundle(std::string_view pem);

// The text of a configured file, which must pass that check; empty where none is named. `path`: of
// the field, for what is wrong with it.
[[nodiscard]] std::string ReadCaFile(const std::string& path,
                                     const std::string& file,
                                     config::OptionsReader& reader);

// The same of a Connector's, which also has to be small.
[[nodiscard]] Result<CaBundle> ReadConnectorCaBundle(std::string_view pem);

}  // namespace connector::resource
