#include "common/kube/answers.h"
#include "common/kube/watch_lines.h"
#include "tests/fuzz/check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// A watch reads the same lines however its bytes are cut; a line never crashes, and an event that
// is taken has what later code relies upon: a version, and an object with a name unless it is a
// bookmark.
namespace {

using connector::fuzz::Check;
namespace kube = connector::kube;

constexpr std::size_t kMaxLine = 4096;

std::vector<std::string> Lines(std::string_view input, std::size_t piece) {
  kube::WatchLines lines(kMaxLine);
  std::vector<std::string> seen;
  const auto keep = [&](std::string_view line) {
    Check(!line.empty() && line.size() <= kMaxLine && line.find('\n') == std::string_view::npos);
    seen.emplace_back(line);
    return true;
  };
  for (std::size_t at = 0; at < input.size(); at += piece) {
    if (!lines.Feed(input.substr(at, piece), keep)) {
      break;
    }
  }
  return seen;
}

void CheckLine(std::string_view text) {
  const auto line = kube::ParseWatchLine(text, kube::kSecrets);
  if (!line) {
    Check(!line.error().message.empty());
    return;
  }
  Check(!line->event || (!line->expired && !line->refused));
  if (line->event) {
    const kube::WatchEvent& event = *line->event;
    Check(!event.resource_version.empty());
    Check((event.object == nullptr) == (event.kind == kube::WatchEventKind::kBookmark));
    Check(event.object == nullptr || !event.object->name().name.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> whole = Lines(input, std::max<std::size_t>(size, 1));
  Check(Lines(input, 1) == whole);
  Check(Lines(input, 7) == whole);
  for (const std::string& line : whole) {
    CheckLine(line);
  }
  const auto page = kube::ParsePage(input, kube::kSecrets);
  Check(!page || !page->resource_version.empty());
  static_cast<void>(kube::ErrorFromStatus(422, input, "x"));
  static_cast<void>(kube::IsExpired(504, input));
  return 0;
}
