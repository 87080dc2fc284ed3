#include "tests/integration/dataplane/framing/rows.h"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace connector::framing {
namespace {

class Parser {
 public:
  Parser(std::string path, const Macros& macros)
      : path_(std::move(path)), macros_(macros), input_(path_) {
    if (!input_) {
      throw std::runtime_error("no table " + path_);
    }
  }

  std::vector<Row> Read() {
    std::string line;
    while (std::getline(input_, line)) {
      ++number_;
      if (line.starts_with("== ")) {
        Start(line.substr(3));
      } else if (rows_.empty()) {
        Require(line.empty() || line.starts_with('#'), "text before the first row");
      } else if (in_bytes_ && !line.starts_with("=> ") && !IsSection(line)) {
        Bytes().append(Expand(line));
      } else {
        Directive(line);
      }
    }
    Require(!in_bytes_, "the last row has no '=>'");
    return std::move(rows_);
  }

 private:
  void Require(bool held, const std::string& what) const {
    if (!held) {
      throw std::runtime_error(path_ + ":" + std::to_string(number_) + ": " + what);
    }
  }

  void Start(std::string name) {
    Require(!in_bytes_, "the row before has no '=>'");
    Row row;
    row.name = std::move(name);
    row.file = path_.substr(path_.rfind('/') + 1) + ":" + std::to_string(number_);
    rows_.push_back(std::move(row));
    in_bytes_ = true;
    section_ = Section::kRequest;
  }

  enum class Section { kRequest, kEarly, kAnswer, kLater, kRest };

  static bool IsSection(const std::string& line) {
    return line.starts_with("<- ") || line == "-> rest";
  }

  std::string& Bytes() {
    Row& row = rows_.back();
    switch (section_) {
      case Section::kEarly:
        return row.scripts.back().early;
      case Section::kAnswer:
        return row.scripts.back().answer;
      case Section::kLater:
        return row.later;
      case Section::kRest:
        return row.rest;
      case Section::kRequest:
        break;
    }
    return row.bytes;
  }

  void Directive(const std::string& line) {
    Row& row = rows_.back();
    if (line.empty() || line.starts_with('#')) {
      return;
    }
    if (line == "-> rest") {
      section_ = Section::kRest;
    } else if (line.starts_with("<- ")) {
      OpenSection(line.substr(3));
    } else if (line.starts_with("=> ")) {
      in_bytes_ = false;
      ReadAnswers(line.substr(3), row);
    } else if (line.starts_with("up ")) {
      row.upstream.push_back(ReadExpected(line.substr(3)));
    } else if (line.starts_with("at most ")) {
      row.upstream.push_back(ReadExpected(line.substr(8)));
      row.upstream.back().unfinished = true;
    } else if (line.starts_with("with ")) {
      const std::size_t colon = line.find(": ");
      Require(colon != std::string::npos && !row.upstream.empty(), "with NAME: VALUE, after up");
      row.upstream.back().with.emplace_back(line.substr(5, colon - 5), line.substr(colon + 2));
    } else if (line == "next reused" || line == "next fresh") {
      row.checks_next = true;
      row.next_is_reused = line == "next reused";
    } else {
      Require(false, "not understood: " + line);
    }
  }

  void OpenSection(const std::string& text) {
    Row& row = rows_.back();
    std::istringstream words(text);
    std::string word;
    std::string option;
    words >> word >> option;
    if (word == "later") {
      section_ = Section::kLater;
      return;
    }
    Require(word == "early" || word == "answer", "<- early, <- answer or <- later");
    // The answer that follows an early one belongs to the same request.
    const bool joins = word == "answer" && !row.scripts.empty() &&
                       !row.scripts.back().early.empty() && row.scripts.back().answer.empty();
    if (!joins) {
      row.scripts.emplace_back();
    }
    row.scripts.back().close = option == "close";
    section_ = word == "early" ? Section::kEarly : Section::kAnswer;
  }

  void ReadAnswers(const std::string& text, Row& row) {
    std::size_t at = 0;
    bool says = false;
    while (at < text.size()) {
      if (text[at] == ' ') {
        ++at;
        continue;
      }
      if (text[at] == '"') {
        Require(!row.answers.empty(), "a body without a status");
        Answer& answer = row.answers.back();
        answer.has_body = !says;
        (says ? answer.says : answer.body) = Quoted(text, at);
        says = false;
        continue;
      }
      const std::string word = text.substr(at, text.find(' ', at) - at);
      at += word.size();
      if (word == "close") {
        row.closes = true;
      } else if (word == "cut") {
        Require(!row.answers.empty(), "cut without a status");
        row.answers.back().cut = true;
        row.closes = true;
      } else if (word == "says") {
        says = true;
      } else if (word == "silence") {
        row.silence = true;
      } else {
        Require(word.size() >= 3 && word.find_first_not_of("0123456789") >= 3, "a status");
        Answer answer;
        answer.status = std::stoi(word);
        answer.head_only = word.ends_with('h');
        row.answers.push_back(std::move(answer));
      }
    }
  }

  Expected ReadExpected(const std::string& text) {
    Expected out;
    std::istringstream words(text);
    words >> out.method >> out.target;
    out.target = Substitute(out.target);
    std::string kind;
    words >> kind;
    if (!kind.empty()) {
      Require(kind == "length" || kind == "chunked", "length or chunked, and a body");
      out.kind = kind == "length" ? BodyKind::kLength : BodyKind::kChunked;
      std::size_t quote = text.find('"');
      Require(quote != std::string::npos, "a body in quotes");
      out.body = Quoted(text, quote);
    }
    return out;
  }

  // The text in quotes at `at`, which moves behind it.
  std::string Quoted(const std::string& text, std::size_t& at) {
    const std::size_t end = text.find('"', at + 1);
    Require(end != std::string::npos, "a quote without an end");
    const std::string inside = text.substr(at + 1, end - at - 1);
    at = end + 1;
    return Unescape(Substitute(inside));
  }

  // A line of the table as bytes: macros, repetition, escapes, and CRLF unless '\' ends it.
  std::string Expand(const std::string& line) {
    std::string text = line;
    std::size_t times = 1;
    if (text.starts_with('@')) {
      const std::size_t space = text.find(' ');
      times = std::stoul(text.substr(1, space - 1));
      text = text.substr(space + 1);
    }
    const bool joined = text.ends_with('\\') && !text.ends_with("\\\\");
    if (joined) {
      text.pop_back();
    }
    text = Unescape(Substitute(text));
    if (!joined) {
      text.append("\r\n");
    }
    std::string out;
    for (std::size_t i = 0; i < times; ++i) {
      out.append(text);
    }
    return out;
  }

  // {name}; {a*300} is three hundred times "a".
  std::string Substitute(std::string text) {
    std::size_t at = 0;
    while ((at = text.find('{', at)) != std::string::npos) {
      const std::size_t end = text.find('}', at);
      if (end == std::string::npos) {
        break;
      }
      const std::string name = text.substr(at + 1, end - at - 1);
      const auto found = macros_.find(name);
      std::string value;
      if (found != macros_.end()) {
        value = found->second;
      } else if (name.size() > 2 && name[1] == '*') {
        value = std::string(std::stoul(name.substr(2)), name[0]);
      } else {
        ++at;  // Just a brace.
        continue;
      }
      text.replace(at, end - at + 1, value);
      at += found != macros_.end() ? 0 : value.size();  // A macro may hold macros.
    }
    return text;
  }

  std::string Unescape(const std::string& text) const {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        out.push_back(text[i]);
        continue;
      }
      Require(i + 1 < text.size(), "an escape without an end");
      const char c = text[++i];
      const std::string_view known = "rnt0s\\\"";
      const std::string_view meant{"\r\n\t\0 \\\"", 7};
      if (c == 'x') {
        out.push_back(static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16)));
        i += 2;
      } else {
        const std::size_t found = known.find(c);
        Require(found != std::string_view::npos, std::string("escape \\") + c);
        out.push_back(meant[found]);
      }
    }
    return out;
  }

  std::string path_;
  const Macros& macros_;
  std::ifstream input_;
  std::vector<Row> rows_;
  bool in_bytes_ = false;
  Section section_ = Section::kRequest;
  int number_ = 0;
};

}  // namespace

std::vector<Row> ReadRows(const std::string& path, const Macros& macros) {
  return Parser(path, macros).Read();
}

}  // namespace connector::framing
