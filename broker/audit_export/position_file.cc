#include "broker/audit_export/position_file.h"

#include "broker/audit/head_file.h"
#include "common/config/read_file.h"

#include <charconv>
#include <filesystem>
#include <system_error>

namespace connector::broker::audit_export {

Result<std::uint64_t> ReadPosition(const std::string& path) {
  constexpr std::size_t kMaxBytes = 32;
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) {
    return std::uint64_t{0};
  }
  const Result<std::string> text = config::ReadFile(path, kMaxBytes);
  if (!text) {
    return MakeError(
        ErrorCode::kUnavailable, ErrorOrigin::kSelf, path + ": " + text.error().message);
  }
  std::uint64_t seq = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, bad] = std::from_chars(text->data(), end, seq);
  if (bad != std::errc() || std::string_view(stop, end) != "\n") {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kSelf,
                     path +
                         " does not hold the number of an audit record; remove it, and all records "
                         "that are here are sent again");
  }
  return seq;
}

Result<Done> WritePosition(const std::string& path, std::uint64_t seq) {
  return audit::WriteHeadFile(path, std::to_string(seq) + "\n");
}

}  // namespace connector::broker::audit_export
