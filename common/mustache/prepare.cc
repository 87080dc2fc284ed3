#include "common/mustache/prepare.h"

#include <cstddef>

namespace connector::mustache {
namespace {

using Kind = Piece::Kind;

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t") == std::string_view::npos;
}

std::string_view SignOf(Kind kind) {
  switch (kind) {
    case Kind::kSection:
      return "#";
    case Kind::kInverted:
      return "^";
    case Kind::kEnd:
      return "/";
    default:
      return "";
  }
}

// Whether the tag stands alone on its line.
class Lines {
 public:
  explicit Lines(const std::vector<Piece>& pieces) : pieces_(pieces) {}

  [[nodiscard]] bool Standalone(std::size_t i) const {
    if (i >= pieces_.size()) {
      return false;
    }
    const Kind kind = pieces_[i].kind;
    return kind != Kind::kText && kind != Kind::kVariable && BeginsLine(i) && EndsLine(i);
  }

 private:
  [[nodiscard]] bool BeginsLine(std::size_t i) const {
    if (i == 0) {
      return true;
    }
    const std::string_view text = pieces_[i - 1].text;
    const std::size_t line = text.rfind('\n');
    const bool whole = line != std::string_view::npos || i == 1;
    return pieces_[i - 1].kind == Kind::kText && whole && IsBlank(text.substr(line + 1));
  }

  [[nodiscard]] bool EndsLine(std::size_t i) const {
    if (i + 1 == pieces_.size()) {
      return true;
    }
    const std::string_view text = pieces_[i + 1].text;
    const std::size_t line = text.find('\n');
    const bool whole = line != std::string_view::npos || i + 2 == pieces_.size();
    return pieces_[i + 1].kind == Kind::kText && whole && IsBlank(text.substr(0, line));
  }

  const std::vector<Piece>& pieces_;
};

}  // namespace

std::string Prepare(const std::vector<Piece>& pieces) {
  const Lines lines(pieces);
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string_view text = pieces[i].text;
    if (pieces[i].kind == Kind::kComment) {
      continue;
    }
    if (pieces[i].kind != Kind::kText) {
      out.append("{{").append(SignOf(pieces[i].kind)).append(text).append("}}");
      continue;
    }
    if (i > 0 && lines.Standalone(i - 1)) {
      const std::size_t end = text.find('\n');
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (lines.Standalone(i + 1)) {
      text = text.substr(0, text.rfind('\n') + 1);
    }
    for (const char c : text) {
      if (c == '\n') {
        out.append(kNothing);
      }
      out.push_back(c);
    }
  }
  return out.append(kNothing);
}

}  // namespace connector::mustache
