#include "common/config/problem.h"

namespace connector::config {
namespace {

constexpr std::size_t kMaxKeyBytesShown = 80;

}  // namespace

std::string Format(const Problem& problem) {
  std::string out = problem.file;
  if (problem.line > 0) {
    out.append(":").append(std::to_string(problem.line));
  }
  for (const std::string* part : {&problem.path, &problem.message}) {
    if (!part->empty()) {
      out.append(out.empty() ? "" : ": ").append(*part);
    }
  }
  return out;
}

std::string Format(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems) {
    out.append(out.empty() ? "" : "\n").append(Format(problem));
  }
  return out;
}

bool IsAtOrUnder(std::string_view path, std::string_view parent) {
  return path.starts_with(parent) && (path.size() == parent.size() || parent.empty() ||
                                      path[parent.size()] == '.' || path[parent.size()] == '[');
}

std::string Join(std::string_view path, std::string_view key) {
  std::string out(path);
  if (!out.empty()) {
    out.push_back('.');
  }
  for (const char c : key.substr(0, kMaxKeyBytesShown)) {
    out.push_back(c >= 0x20 && c < 0x7F ? c : '?');
  }
  return out;
}

std::string Join(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

}  // namespace connector::config
