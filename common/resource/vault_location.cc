#include "common/resource/vault_location.h"

#include <algorithm>

namespace connector::resource {
namespace {

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._~@+=:-").find(c) != std::string_view::npos;
}

// Also counts the segments.
std::string SegmentsProblem(std::string_view path, std::size_t& segments) {
  if (path.size() > kMaxVaultPath) {
    return "is longer than 512 bytes";
  }
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty()) {
      return "has an empty segment; write it without a slash at either end and without //";
    }
    if (segment == "." || segment == "..") {
      return "has a segment of dots alone";
    }
    if (!std::all_of(segment.begin(), segment.end(), IsPlain)) {
      return "holds a character that is not a letter, a digit or one of ._~@+=:-";
    }
    ++segments;
    if (slash == std::string_view::npos) {
      return {};
    }
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

std::string VaultPathProblem(std::string_view path) {
  std::size_t segments = 0;
  if (std::string problem = SegmentsProblem(path, segments); !problem.empty()) {
    return problem;
  }
  if (path.starts_with("v1/")) {
    return "starts with v1/; write the path without it";
  }
  return segments < 2 ? "has no segment after the mount's" : std::string();
}

std::string VaultNamespaceProblem(std::string_view name) {
  std::size_t segments = 0;
  return name.empty() ? std::string() : SegmentsProblem(name, segments);
}

}  // namespace connector::resource
