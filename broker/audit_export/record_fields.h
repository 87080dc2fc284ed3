#pragma once

// What an export tells of a record beside the record itself. Pure.

#include <cstdint>
#include <string>
#include <string_view>

namespace connector::broker::audit_export {

enum class RecordKind : std::uint8_t { kGranted, kDenied, kLost };

struct RecordFields {
  RecordKind kind = RecordKind::kDenied;
  std::string time = {};     // RFC 3339; empty when the line is no record.
  std::string replica = {};  // Empty when it names none.
};

[[nodiscard]] RecordFields ReadFields(std::string_view record);

}  // namespace connector::broker::audit_export
