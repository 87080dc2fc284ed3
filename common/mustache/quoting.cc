#include "common/mustache/quoting.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace connector::mustache {
namespace {

enum class State : std::uint8_t {
  kOutside,
  kDouble,   // In "..."
  kSingle,   // In '...'
  kComment,  // From "#" to the end of the line
};

// Stands for a tag: what is before the next character is not known, for a section may be left out.
constexpr char kTag = '\x01';

bool IsOneOf(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

// Follows the quotes of one format through the text of a template, character by character.
class Quotes {
 public:
  explicit Quotes(Format format) : format_(format) {}

  [[nodiscard]] State state() const { return state_; }

  // Whether a value may stand here.
  [[nodiscard]] bool HoldsValue() const {
    return !HasQuotes() || state_ == (format_ == Format::kShell ? State::kSingle : State::kDouble);
  }
  // Whether a tag may: not after a character that gives the next one another meaning.
  [[nodiscard]] bool HoldsTag() const {
    const bool joins = format_ == Format::kShell && IsOneOf(before_, "$<");
    return !escaped_ && !(state_ == State::kOutside && joins);
  }
  [[nodiscard]] bool AtEnd() const {
    return !escaped_ && (state_ == State::kOutside || state_ == State::kComment);
  }

  void PassTagOfEnd() {
    before_ = kTag;
    opens_value_ = false;
  }

  // What is wrong with the text here, or nullptr.
  const char* Pass(char c) {
    if (!HasQuotes()) {
      return nullptr;
    }
    const char* problem = Step(c);
    before_ = c;
    return problem;
  }

 private:
  [[nodiscard]] bool HasQuotes() const {
    return format_ != Format::kPlain && format_ != Format::kPath;
  }

  const char* Step(char c) {
    if (escaped_) {
      escaped_ = false;
      return nullptr;
    }
    switch (state_) {
      case State::kComment:
        return c == '\n' ? EndLine() : nullptr;
      case State::kOutside:
        return StepOutside(c);
      case State::kDouble:
        escaped_ = c == '\\';
        return StepInside(c, '"');
      case State::kSingle:
        return StepInside(c, '\'');
    }
    return nullptr;
  }

  const char* EndLine() {
    state_ = State::kOutside;
    opens_value_ = true;
    return nullptr;
  }

  const char* StepInside(char c, char quote) {
    if (c == quote) {
      state_ = State::kOutside;
      opens_value_ = false;
      closed_ = true;
    } else if (c == '\n' && format_ != Format::kShell) {
      return "a string goes on over the end of the line; close its quotes";
    }
    return nullptr;
  }

  const char* StepOutside(char c) {
    const bool reopened = closed_ && before_ == c;
    closed_ = false;
    if (c == '"' || c == '\'') {
      return Open(c, reopened);
    }
    if (c == '#' && format_ != Format::kJson) {
      return StepHash();
    }
    if (format_ == Format::kShell) {
      escaped_ = c == '\\';
      if (c == '<' && before_ == '<') {
        return "a here-document is not supported; write '...' instead";
      }
    }
    if (format_ == Format::kYaml) {
      StepYaml(c);
    }
    return nullptr;
  }

  const char* Open(char c, bool reopened) {
    if (reopened && format_ == Format::kToml) {
      return "a string over several lines is not supported; write \"...\" on one line";
    }
    if (format_ == Format::kJson && c == '\'') {
      return "JSON has no single quotes; write \"...\"";
    }
    if (format_ == Format::kShell && before_ == '$') {
      return "$'...' is not supported; write '...'";
    }
    // Within a value YAML takes quotes for a part of the text.
    if (format_ == Format::kYaml && !(opens_value_ && IsOneOf(before_, "\n [{,"))) {
      return "quotes stand within a value; put the whole value in \"...\"";
    }
    state_ = c == '"' ? State::kDouble : State::kSingle;
    return nullptr;
  }

  // TOML takes every "#" outside of strings; a shell and YAML only one that begins a word.
  const char* StepHash() {
    if (format_ != Format::kToml && before_ == kTag) {
      return "a # follows a tag; put a space between them";
    }
    const std::string_view words = format_ == Format::kShell ? " \t\n;&|()<>`" : " \t\n";
    if (format_ == Format::kToml || IsOneOf(before_, words)) {
      state_ = State::kComment;
    }
    opens_value_ = false;
    return nullptr;
  }

  // Keeps whether a value of YAML would begin at the next character.
  void StepYaml(char c) {
    const bool flow = depth_ > 0;
    if (IsOneOf(c, "[{") && (opens_value_ || flow)) {
      ++depth_;
      opens_value_ = true;
    } else if (IsOneOf(c, "]}") && flow) {
      --depth_;
      opens_value_ = false;
    } else if (c == '\n' || c == ':' || (c == ',' && flow)) {
      opens_value_ = true;
    } else if (c != ' ' && !(c == '-' && opens_value_)) {
      opens_value_ = false;
    }
  }

  Format format_;
  State state_ = State::kOutside;
  bool escaped_ = false;  // The next character is taken as it is.
  bool closed_ = false;   // The character before closed a string.
  char before_ = '\n';
  bool opens_value_ = true;
  int depth_ = 0;  // Of [ and {.
};

class Checker {
 public:
  explicit Checker(Format format) : quotes_(format), format_(format) {}

  Result<Done> Run(const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) {
      line_ = piece.line;
      const Result<Done> checked =
          piece.kind == Piece::Kind::kText ? CheckText(piece.text) : CheckTag(piece);
      if (!checked) {
        return checked;
      }
    }
    if (!quotes_.AtEnd()) {
      return Wrong("quotes stay open at the end of the file; close them");
    }
    return Done{};
  }

 private:
  Error Wrong(const std::string& message) const {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kClient,
                     "line " + std::to_string(line_) + ": " + message);
  }

  Result<Done> CheckText(std::string_view text) {
    for (const char c : text) {
      if (const char* problem = quotes_.Pass(c)) {
        return Wrong(problem);
      }
      line_ += c == '\n' ? 1 : 0;
    }
    return Done{};
  }

  Result<Done> CheckTag(const Piece& piece) {
    if (!quotes_.HoldsTag()) {
      return Wrong(
          "a tag follows a character that changes what comes after it, such as a "
          "backslash; put the tag elsewhere");
    }
    switch (piece.kind) {
      case Piece::Kind::kVariable:
        return CheckVariable(std::string(piece.text));
      case Piece::Kind::kSection:
      case Piece::Kind::kInverted:
        states_.push_back(quotes_.state());
        break;
      case Piece::Kind::kEnd:
        if (states_.back() != quotes_.state()) {
          return Wrong("quotes or a comment begin or end within the section {{#" +
                       std::string(piece.text) + "}}; put both ends on the same side of it");
        }
        states_.pop_back();
        quotes_.PassTagOfEnd();
        break;
      case Piece::Kind::kText:
      case Piece::Kind::kComment:
        break;
    }
    return Done{};
  }

  Result<Done> CheckVariable(const std::string& name) const {
    if (quotes_.HoldsValue()) {
      return Done{};
    }
    const std::string quote = format_ == Format::kShell ? "'" : "\"";
    return Wrong("{{" + name +
                 "}} does not stand in quotes, where it could write anything; write " + quote +
                 "{{" + name + "}}" + quote);
  }

  Quotes quotes_;
  Format format_;
  std::size_t line_ = 1;
  std::vector<State> states_;  // At the start of each open section.
};

}  // namespace

Result<Done> CheckQuoting(const std::vector<Piece>& pieces, Format format) {
  return Checker(format).Run(pieces);
}

}  // namespace connector::mustache
