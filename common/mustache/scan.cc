#include "common/mustache/scan.h"

#include "common/mustache/escape.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace connector::mustache {
namespace {

using Kind = Piece::Kind;

bool IsSpace(char c) {
  return c == ' ' || c == '\t';
}

bool IsPrintable(char c) {
  return c >= 0x20 && c < 0x7F;
}

// name, or name.name: letters, digits and "_", beginning with a letter.
bool IsName(std::string_view text) {
  bool begins = true;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool inside = (c >= '0' && c <= '9') || c == '_' || c == '.';
    if (!letter && (begins || !inside)) {
      return false;
    }
    begins = c == '.';
  }
  return !begins;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && IsSpace(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  Result<std::vector<Piece>> Run() {
    while (!rest_.empty()) {
      const std::size_t open = rest_.find("{{");
      if (const std::string_view text = rest_.substr(0, open); !text.empty()) {
        pieces_.push_back({Kind::kText, text, line_});
        line_ += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
        rest_.remove_prefix(text.size());
      }
      if (open == std::string_view::npos) {
        break;
      }
      if (const Result<Done> tag = ReadTag(); !tag) {
        return tag.error();
      }
      if (pieces_.size() > 2 * kMaxTags) {
        return Wrong("the template has more than " + std::to_string(kMaxTags) + " tags");
      }
    }
    if (!sections_.empty()) {
      return Wrong("the section {{#" + std::string(sections_.back()) + "}} is not closed; add {{/" +
                   std::string(sections_.back()) + "}}");
    }
    return std::move(pieces_);
  }

 private:
  Error Wrong(std::string message) const {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kClient,
                     "line " + std::to_string(line_) + ": " + std::move(message));
  }

  Result<Done> ReadTag() {
    if (rest_.starts_with("{{{")) {
      return Wrong(
          "{{{ would write a value without escaping it; write {{NAME}} for a value, and a space or "
          "a new line between a brace and a tag");
    }
    const std::size_t close = rest_.find("}}");
    if (close == std::string_view::npos) {
      return Wrong("a tag is not closed; add }}");
    }
    std::string_view content = Trim(rest_.substr(2, close - 2));
    rest_.remove_prefix(close + 2);
    if (!std::all_of(
            content.begin(), content.end(), [](char c) { return IsPrintable(c) || c == '\t'; })) {
      return Wrong("a tag holds a line break or a character that is not ASCII; remove it");
    }
    return content.empty() ? Wrong("a tag is empty; write {{NAME}}") : AddTag(content);
  }

  Result<Done> AddTag(std::string_view content) {
    const Kind kind = KindOf(content.front());
    switch (content.front()) {
      case '&':
        return Wrong("{{& would write a value without escaping it; write {{NAME}}");
      case '>':
        return Wrong("{{> would include another template, and there are none; write it out");
      case '=':
        return Wrong("{{= would change what a tag looks like; remove it");
      default:
        break;
    }
    if (kind == Kind::kComment) {
      pieces_.push_back({kind, content, line_});
      return Done{};
    }
    const std::string_view name = kind == Kind::kVariable ? content : Trim(content.substr(1));
    if (!IsName(name)) {
      return Wrong("a tag has no proper name; write letters, digits, _ and ., as in {{host}}");
    }
    pieces_.push_back({kind, name, line_});
    return Nest(kind, name);
  }

  static Kind KindOf(char first) {
    switch (first) {
      case '#':
        return Kind::kSection;
      case '^':
        return Kind::kInverted;
      case '/':
        return Kind::kEnd;
      case '!':
        return Kind::kComment;
      default:
        return Kind::kVariable;
    }
  }

  Result<Done> Nest(Kind kind, std::string_view name) {
    if (kind == Kind::kSection || kind == Kind::kInverted) {
      if (sections_.size() == kMaxSections) {
        return Wrong("sections stand more than " + std::to_string(kMaxSections) +
                     " deep in each other");
      }
      sections_.push_back(name);
    } else if (kind == Kind::kEnd) {
      if (sections_.empty() || sections_.back() != name) {
        return Wrong(
            "{{/" + std::string(name) + "}} closes no open section" +
            (sections_.empty() ? "" : "; {{/" + std::string(sections_.back()) + "}} is due"));
      }
      sections_.pop_back();
    }
    return Done{};
  }

  std::string_view rest_;
  std::size_t line_ = 1;
  std::vector<Piece> pieces_;
  std::vector<std::string_view> sections_;
};

}  // namespace

Result<std::vector<Piece>> Scan(std::string_view text) {
  const auto refuse = [](std::string message) {
    return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kClient, std::move(message));
  };
  if (text.size() > kMaxTemplateBytes) {
    return refuse("the template has more than " + std::to_string(kMaxTemplateBytes) + " bytes");
  }
  // A NUL, above all: the renderer marks with one where a secret belongs.
  if (!IsUtf8(text) || std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
      })) {
    return refuse("the template holds a control character or is not UTF-8");
  }
  return Scanner(text).Run();
}

}  // namespace connector::mustache
