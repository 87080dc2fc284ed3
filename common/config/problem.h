#pragma once

// Problem: one thing that is wrong in a file that a person wrote: where, which field, why, and what
// to write instead. Never quotes the value of a text field, which may be a password.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace connector::config {

struct Problem {
  std::string file;
  int line = 0;         // From 1; 0 when the problem is the whole file.
  std::string path;     // "spec.access[0].actions"; empty when it is the document.
  std::string message;  // The reason, then what to write instead.

  bool operator==(const Problem&) const = default;
};

// "file:line: path: message"; the parts that are empty are left out.
[[nodiscard]] std::string Format(const Problem& problem);
// One line per problem.
[[nodiscard]] std::string Format(const std::vector<Problem>& problems);

// True when `path` is `parent` or a part of it ("spec.a[0].b" is a part of "spec.a").
[[nodiscard]] bool IsAtOrUnder(std::string_view path, std::string_view parent);

// "path.key", or "key" at the top. Bytes of `key` outside printable ASCII become "?".
[[nodiscard]] std::string Join(std::string_view path, std::string_view key);
// "path[index]"
[[nodiscard]] std::string Join(std::string_view path, std::size_t index);

}  // namespace connector::config
