#pragma once

// Reads /proc/PID/mountinfo (proc(5)) for what this driver mounted. Its mounts are found by their
// source, "oci-connector:<volume id>", so that a driver that was restarted needs no file of its own
// to know them again. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::csi::files {

inline constexpr std::string_view kSourcePrefix = "oci-connector:";

struct OwnMount {
  std::uint64_t id = 0;  // As statx(2) gives it.
  std::string path;      // Where it is mounted, as mountinfo writes it (octal escapes undone).
  std::string volume_id;

  bool operator==(const OwnMount&) const = default;
};

// The tmpfs mounts whose source has our prefix, in the order of the table. Lines that do not parse
// are skipped.
[[nodiscard]] std::vector<OwnMount> OwnMounts(std::string_view mountinfo);

// Of this process. Empty when it cannot be read.
[[nodiscard]] std::string ReadMountInfo();

}  // namespace connector::csi::files
