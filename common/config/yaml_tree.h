#pragma once

// YAML text as a tree that keeps what a strict reader needs: the line of every value, the order and
// the duplicates of keys, and whether a scalar was quoted. Pure.
//
// Deliberately knows no anchors, aliases, tags (but !!str) and keys that are not plain text: each
// is a problem. So a small file cannot grow, and no value means two things.

#include "common/config/problem.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace connector::config {

inline constexpr std::size_t kMaxYamlBytes = std::size_t{4} * 1024 * 1024;
inline constexpr std::size_t kMaxYamlDepth = 32;

struct YamlEntry;

struct Node {
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  int line = 0;  // From 1; of a map or a list, the line of its key where it has one.
  std::string text;
  bool plain = false;  // A scalar without quotes, which YAML may read as a number or a boolean.
  std::vector<Node> items;
  std::vector<YamlEntry> entries;  // In the order of the file, duplicates included.

  // The value of the first entry `key` of a map; null when there is none.
  [[nodiscard]] const Node* Find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  int line = 0;
  Node value;
};

struct YamlDocuments {
  std::vector<Node> roots;  // Documents that hold nothing are left out.
  // At most one: what follows a syntax error cannot be read. `roots` then has what came before it.
  std::vector<Problem> problems;
};

[[nodiscard]] YamlDocuments ParseYaml(std::string_view text, std::string_view file);

// The line on which `path` ("spec.from[1].name") stands, or the deepest part of it that exists.
[[nodiscard]] int LineOf(const Node& root, std::string_view path);

// Overwrites every scalar of the tree: for documents that hold passwords.
void Wipe(Node& node);

}  // namespace connector::config
