#pragma once

// Names one Connector: its namespace and its name. Used by every program, as a key and in messages.

#include <compare>
#include <string>

namespace connector {

struct ConnectorRef {
  std::string ns;
  std::string name;

  bool operator==(const ConnectorRef&) const = default;
  auto operator<=>(const ConnectorRef&) const = default;

  // "namespace/name", as people write it.
  [[nodiscard]] std::string ToString() const { return ns + "/" + name; }
};

}  // namespace connector
