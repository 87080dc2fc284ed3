#pragma once

// Reads what an API server answered. A member that is absent, or of another type than asked for, is
// absent: what must be there is decided by who asks.

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace connector::controller {

// Null when it is not there.
[[nodiscard]] const boost::json::object* ObjectAt(const boost::json::object& in,
                                                  std::string_view key);
[[nodiscard]] const boost::json::array* ArrayAt(const boost::json::object& in,
                                                std::string_view key);
// Empty when it is not there.
[[nodiscard]] std::string TextAt(const boost::json::object& in, std::string_view key);
[[nodiscard]] std::optional<std::int64_t> NumberAt(const boost::json::object& in,
                                                   std::string_view key);
[[nodiscard]] bool TrueAt(const boost::json::object& in, std::string_view key);

// metadata.labels[key], or empty.
[[nodiscard]] std::string LabelOf(const boost::json::object& resource, std::string_view key);

}  // namespace connector::controller
