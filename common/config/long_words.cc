#include "common/config/long_words.h"

#include <charconv>

namespace connector::config {
namespace {

// How many marks are tried. A text that has them all is parsed as it is.
constexpr int kMarks = 8;

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '=';
}

std::vector<std::string_view> FindLongWords(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && IsWordCharacter(text[i])) {
      continue;
    }
    if (i - begin >= kLeastLongWord) {
      out.push_back(text.substr(begin, i - begin));
    }
    begin = i + 1;
  }
  return out;
}

// Empty when there is none. An escape could be a part of a word, or spell a mark.
std::string MarkNotIn(std::string_view text) {
  if (text.find('\\') != std::string_view::npos) {
    return {};
  }
  for (int i = 0; i < kMarks; ++i) {
    std::string mark = "long" + std::to_string(i) + "word";
    if (text.find(mark) == std::string_view::npos) {
      return mark;
    }
  }
  return {};
}

}  // namespace

LongWords::LongWords(std::string_view text) : words_(FindLongWords(text)) {
  mark_ = words_.empty() ? std::string() : MarkNotIn(text);
  if (mark_.empty()) {
    words_.clear();
  }
  std::size_t done = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const auto begin = static_cast<std::size_t>(words_[i].data() - text.data());
    shortened_.append(text.substr(done, begin - done)).append(mark_).append(std::to_string(i));
    done = begin + words_[i].size();
  }
  shortened_.append(text.substr(done));
}

void LongWords::Restore(std::string& scalar) const {
  if (words_.empty()) {
    return;
  }
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = scalar.find(mark_); at != std::string::npos;
       at = scalar.find(mark_, done)) {
    std::size_t number = 0;
    const char* const digits = scalar.data() + at + mark_.size();
    const auto [end, error] = std::from_chars(digits, scalar.data() + scalar.size(), number);
    out.append(scalar, done, at - done);
    done = static_cast<std::size_t>(end - scalar.data());
    out.append(error == std::errc() && number < words_.size() ? words_[number] : "");
  }
  if (done > 0) {
    scalar = out.append(scalar, done);
  }
}

}  // namespace connector::config
