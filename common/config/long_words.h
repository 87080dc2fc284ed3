#pragma once

// LongWords: takes what costs most out of YAML before it is parsed. yaml-cpp matches several
// expressions for every character (100 ns each), and most of a file of Secrets is base64: letters,
// digits, "+", "/" and "=", which mean nothing to YAML. A word of 1,024 or more of these is
// replaced by a short one, and put back into what the parser found. A text with a backslash stays
// as it is.
//
// Pure. Lines stay what they were; columns do not.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace connector::config {

inline constexpr std::size_t kLeastLongWord = 1024;

class LongWords {
 public:
  // `text` must outlive this object.
  explicit LongWords(std::string_view text);

  [[nodiscard]] const std::string& shortened() const { return shortened_; }

  // Puts back what stands for long words in `scalar`, a value or a key of the shortened text.
  void Restore(std::string& scalar) const;

 private:
  std::vector<std::string_view> words_;
  std::string mark_;  // With its number behind it: what stands for a word. Not in the text.
  std::string shortened_;
};

}  // namespace connector::config
