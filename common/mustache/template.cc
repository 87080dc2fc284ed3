#include "common/mustache/template.h"

#include "common/base/input_error.h"
#include "common/mustache/prepare.h"
#include "common/mustache/quoting.h"

#include <kainjow/mustache.hpp>
#include <openssl/crypto.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

namespace connector::mustache {
namespace {

namespace engine = kainjow::mustache;
using Kind = Piece::Kind;

// Where a secret belongs the engine writes a mark, so that it makes no copy of one: kMark and the
// secret's place in a list.
constexpr std::size_t kMaxMarks = 100;

// Checks the names of a template against a schema.
class NameCheck {
 public:
  explicit NameCheck(const Names& names) { places_.push_back({"", &names}); }

  Result<Done> Run(const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) {
      Result<Done> checked = Check(piece);
      if (!checked) {
        return checked;
      }
    }
    return Done{};
  }

  std::set<std::string> needed;
  std::set<std::string> needed_once;
  std::set<std::string> used;
  std::set<std::string> sections;

 private:
  // An open section: its name, and its item's names when it is a list's.
  struct Place {
    std::string section;
    const Names* names = nullptr;
  };

  Result<Done> Check(const Piece& piece) {
    const std::string name(piece.text);
    switch (piece.kind) {
      case Kind::kText:
      case Kind::kComment:
        return Done{};
      case Kind::kEnd:
        places_.pop_back();
        return Done{};
      default:
        break;
    }
    used.insert(name);
    const NamedList* list = nullptr;
    for (auto place = places_.rbegin(); place != places_.rend(); ++place) {
      if (place->names == nullptr) {
        continue;
      }
      if (place->names->values.contains(name)) {
        return Enter(piece.kind, name, nullptr);
      }
      if ((list = Find(*place->names, name)) != nullptr) {
        break;
      }
    }
    if (list == nullptr) {
      return Wrong(piece, "is not known here; known: " + Known());
    }
    if (piece.kind == Kind::kVariable) {
      return Wrong(piece, "is a list; write {{#" + name + "}}...{{/" + name + "}}");
    }
    return Enter(piece.kind, name, piece.kind == Kind::kSection ? &list->item : nullptr);
  }

  Result<Done> Enter(Kind kind, const std::string& name, const Names* item) {
    if (kind == Kind::kSection || kind == Kind::kInverted) {
      sections.insert(name);
      // What is written where its own value is absent is not guarded by that.
      places_.push_back({kind == Kind::kSection ? name : "", item});
    } else if (std::none_of(places_.begin(), places_.end(), [&](const Place& place) {
                 return place.section == name;
               })) {
      needed.insert(name);
      // The first place is the template itself.
      if (std::none_of(std::next(places_.begin()), places_.end(), [](const Place& place) {
            return place.names != nullptr;
          })) {
        needed_once.insert(name);
      }
    }
    return Done{};
  }

  static const NamedList* Find(const Names& names, const std::string& name) {
    const auto found = std::find_if(names.lists.begin(), names.lists.end(), [&](const auto& list) {
      return list.name == name;
    });
    return found == names.lists.end() ? nullptr : &*found;
  }

  std::string Known() const {
    std::set<std::string> all;
    for (const Place& place : places_) {
      if (place.names != nullptr) {
        all.insert(place.names->values.begin(), place.names->values.end());
        for (const NamedList& list : place.names->lists) {
          all.insert("#" + list.name);
        }
      }
    }
    std::string out;
    for (const std::string& name : all) {
      out.append(out.empty() ? "" : ", ").append(name);
    }
    return out;
  }

  static Error Wrong(const Piece& piece, const std::string& message) {
    return InvalidInput("line " + std::to_string(piece.line) + ": {{" + std::string(piece.text) +
                        "}} " + message);
  }

  std::vector<Place> places_;
};

struct Insert {
  std::string text;  // Escaped already; empty when it is a secret's.
  const Secret* secret = nullptr;

  bool operator==(const Insert&) const = default;
};

// The engine's values, in which every text is escaped already and every secret is a mark.
class Values {
 public:
  // Only what is in `used` is made: a list of connectors is large, and many templates name none.
  Values(Format format, const std::set<std::string>& used) : format_(format), used_(used) {}

  void Add(const Fields& fields, engine::data& out) {
    for (const auto& [name, text] : fields.texts) {
      if (used_.contains(name)) {
        Set(out, name, MakeText(name, text));
      }
    }
    for (const auto& [name, text] : fields.verbatim) {
      if (used_.contains(name)) {
        Set(out,
            name,
            format_ == Format::kPlain && !text.empty() ? Mark({std::string(text), nullptr})
                                                       : MakeText(name, std::string(text)));
      }
    }
    for (const auto& [name, secret] : fields.secrets) {
      if (used_.contains(name)) {
        Set(out, name, secret->empty() ? engine::data(false) : Mark({{}, secret}));
      }
    }
    for (const auto& [name, items] : fields.lists) {
      if (used_.contains(name)) {
        Set(out, name, MakeList(items));
      }
    }
  }

  [[nodiscard]] const std::vector<Insert>& inserts() const { return inserts_; }
  // Why a value cannot be written, by its name.
  [[nodiscard]] const std::map<std::string, std::string>& problems() const { return problems_; }

 private:
  static void Set(engine::data& out, const std::string& name, const engine::data& value) {
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) {
      out.set(name, value);
    } else {
      // The engine looks "a.b" up as b of a.
      out[name.substr(0, dot)].set(name.substr(dot + 1), value);
    }
  }

  engine::data MakeList(const std::vector<Fields>& items) {
    engine::data list(engine::data::type::list);
    for (const Fields& item : items) {
      engine::data made;
      Add(item, made);
      list.push_back(made);
    }
    return list;
  }

  engine::data MakeText(const std::string& name, const std::string& text) {
    // To the engine an empty text would be true.
    if (text.empty()) {
      return false;
    }
    Result<std::string> escaped = Escape(format_, text);
    if (!escaped) {
      problems_.emplace(name, escaped.error().message);
      return false;
    }
    return *std::move(escaped);
  }

  // The CA stands in every connector: the same is marked once.
  engine::data Mark(Insert insert) {
    auto at = std::find(inserts_.begin(), inserts_.end(), insert);
    if (at == inserts_.end()) {
      at = inserts_.insert(at, std::move(insert));
    }
    return std::string{kMark, static_cast<char>(at - inserts_.begin() + 1)};
  }

  Format format_;
  const std::set<std::string>& used_;
  std::vector<Insert> inserts_;
  std::map<std::string, std::string> problems_;
};

// Puts in what the marks stand for.
Result<Rendered> Fill(std::string_view text, const std::vector<Insert>& inserts, Format format) {
  Rendered out;
  std::string whole;
  // So that no growing leaves a copy of a secret behind.
  std::size_t size = text.size();
  for (std::size_t at = text.find(kMark); at != std::string_view::npos;
       at = text.find(kMark, at + 1)) {
    if (text.substr(at, 2) == kNothing) {
      continue;
    }
    const Insert& insert = inserts.at(static_cast<std::size_t>(text[at + 1]) - 1);
    size += insert.secret == nullptr ? insert.text.size() : 4 * insert.secret->Reveal().size();
  }
  whole.reserve(size);
  while (!text.empty()) {
    const std::size_t at = text.find(kMark);
    whole.append(text.substr(0, at));
    if (at == std::string_view::npos) {
      break;
    }
    const std::string_view mark = text.substr(at, 2);
    text.remove_prefix(at + 2);
    if (mark == kNothing) {
      continue;
    }
    const Insert& insert = inserts.at(static_cast<std::size_t>(mark[1]) - 1);
    if (insert.secret == nullptr) {
      whole.append(insert.text);
      continue;
    }
    Result<std::string> escaped = Escape(format, insert.secret->Reveal());
    if (!escaped) {
      OPENSSL_cleanse(whole.data(), whole.size());
      return InvalidInput("a secret " + escaped.error().message);
    }
    whole.append(*escaped);
    OPENSSL_cleanse(escaped->data(), escaped->size());
    out.holds_secret = true;
  }
  out.content = Secret(whole);
  OPENSSL_cleanse(whole.data(), whole.size());
  return out;
}

}  // namespace

Result<Template> Template::Parse(std::string text, Format format, const Names& names) {
  Template out(std::move(text), format);
  const Result<std::vector<Piece>> pieces = Scan(out.text_);
  if (!pieces) {
    return pieces.error();
  }
  NameCheck check(names);
  if (const Result<Done> named = check.Run(*pieces); !named) {
    return named.error();
  }
  if (const Result<Done> quoted = CheckQuoting(*pieces, format); !quoted) {
    return quoted.error();
  }
  out.prepared_ = Prepare(*pieces);
  // Cannot fail after Scan, but is the one that renders.
  if (const engine::mustache parsed(out.prepared_); !parsed.is_valid()) {
    return InvalidInput("is not a template: " + parsed.error_message());
  }
  out.needed_ = std::move(check.needed);
  out.needed_once_ = std::move(check.needed_once);
  out.used_ = std::move(check.used);
  out.sections_ = std::move(check.sections);
  return out;
}

Result<Rendered> Template::Render(const std::vector<const Fields*>& layers) const {
  Values values(format_, used_);
  engine::data data;
  // What is added later replaces.
  std::for_each(
      layers.rbegin(), layers.rend(), [&](const Fields* layer) { values.Add(*layer, data); });
  if (!values.problems().empty()) {
    const auto& [name, problem] = *values.problems().begin();
    return InvalidInput(name + " " + problem);
  }
  if (values.inserts().size() > kMaxMarks) {
    return InvalidInput("has too many values that are written as they are");
  }
  // Parsed again, because the engine changes a template while it renders it.
  engine::mustache parsed(prepared_);
  // Every value is escaped already; the engine's own escaping is HTML's.
  parsed.set_custom_escape([](const std::string& text) { return text; });
  return Fill(parsed.render(data), values.inserts(), format_);
}

}  // namespace connector::mustache
