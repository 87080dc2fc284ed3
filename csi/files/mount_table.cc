#include "csi/files/mount_table.h"

#include <charconv>
#include <fstream>
#include <iterator>

namespace connector::csi::files {
namespace {

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

bool IsOctal(std::string_view digits) {
  return digits.size() == 3 && digits.find_first_not_of("01234567") == std::string_view::npos;
}

// "\040" is a space, and so on.
std::string Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && IsOctal(text.substr(i + 1, 3))) {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// ID PARENT MAJOR:MINOR ROOT PATH OPTIONS [OPTIONAL...] - TYPE SOURCE SUPER_OPTIONS
std::optional<OwnMount> ParseLine(std::string_view line) {
  constexpr std::size_t kFixed = 6;
  const std::vector<std::string_view> words = Words(line);
  std::size_t dash = kFixed;
  while (dash < words.size() && words[dash] != "-") {
    ++dash;
  }
  if (dash + 2 >= words.size() || words[dash + 1] != "tmpfs" ||
      !words[dash + 2].starts_with(kSourcePrefix)) {
    return std::nullopt;
  }
  OwnMount mount;
  const auto parsed = std::from_chars(words[0].data(), words[0].data() + words[0].size(), mount.id);
  if (parsed.ec != std::errc()) {
    return std::nullopt;
  }
  mount.path = Unescape(words[4]);
  mount.volume_id = std::string(words[dash + 2].substr(kSourcePrefix.size()));
  return mount;
}

}  // namespace

std::vector<OwnMount> OwnMounts(std::string_view mountinfo) {
  std::vector<OwnMount> found;
  while (!mountinfo.empty()) {
    const std::size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    if (std::optional<OwnMount> mount = ParseLine(mountinfo.substr(0, end))) {
      found.push_back(std::move(*mount));
    }
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
  }
  return found;
}

std::string ReadMountInfo() {
  std::ifstream file("/proc/self/mountinfo", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace connector::csi::files
