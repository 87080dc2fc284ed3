#pragma once

// A Mustache template for one format of file: parsed and checked once, then rendered with any
// values, none of which can leave the place that the template gives it.
//
// Pure, and safe to use from several threads. A value that is missing is a mistake in the program:
// Parse refuses names that the schema does not have.

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/mustache/escape.h"
#include "common/mustache/scan.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace connector::mustache {

struct NamedList;

// What a template may name at one place. Within a list's section its item's names come first.
struct Names {
  std::set<std::string> values;  // {{x}}, and as a condition {{#x}} and {{^x}}
  std::vector<NamedList> lists;  // {{#x}} for each item, {{^x}} when there is none
};
struct NamedList {
  std::string name;
  Names item;
};

// The values for the names of one place.
struct Fields {
  std::map<std::string, std::string> texts;          // Empty: false as a condition.
  std::map<std::string, std::vector<Fields>> lists;  // Of NamedList.
  std::map<std::string, std::string_view> verbatim;  // Of kPlain: written as they are.
  std::map<std::string, const Secret*> secrets;      // Never null. Empty: false as a condition.
};

struct Rendered {
  Secret content;
  bool holds_secret = false;
};

class Template {
 public:
  // Fails with kInvalidArgument and the line as scan.h and quoting.h say, and for a name that is
  // not in `names`, with the ones that are.
  [[nodiscard]] static Result<Template> Parse(std::string text, Format format, const Names& names);

  // A name is looked up in one after the other. Fails with kInvalidArgument, and names the value,
  // when Escape refuses one that the template uses.
  [[nodiscard]] Result<Rendered> Render(const std::vector<const Fields*>& layers) const;

  // The names that it writes where no {{#name}} stands around them: without a value it has no use.
  [[nodiscard]] const std::set<std::string>& needed() const { return needed_; }
  // Those of them that it writes where no list's section stands around them either.
  [[nodiscard]] const std::set<std::string>& needed_once() const { return needed_once_; }
  // All names in it.
  [[nodiscard]] const std::set<std::string>& used() const { return used_; }
  // Those of them that stand in {{#name}} or {{^name}}.
  [[nodiscard]] const std::set<std::string>& sections() const { return sections_; }
  [[nodiscard]] const std::string& text() const { return text_; }

  bool operator==(const Template& other) const {
    return format_ == other.format_ && text_ == other.text_;
  }

 private:
  Template(std::string text, Format format) : text_(std::move(text)), format_(format) {}

  std::string text_;
  std::string prepared_;  // What the engine gets.
  Format format_;
  std::set<std::string> needed_;
  std::set<std::string> needed_once_;
  std::set<std::string> used_;
  std::set<std::string> sections_;
};

}  // namespace connector::mustache
