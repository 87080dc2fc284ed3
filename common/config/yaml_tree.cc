#include "common/config/yaml_tree.h"

#include "common/config/long_words.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

namespace connector::config {
namespace {

constexpr std::string_view kStringTag = "tag:yaml.org,2002:str";

// Builds one document from the parser's events. Throws ParserException, as the parser does.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const LongWords& words) : words_(words) {}

  [[nodiscard]] Node Take() { return std::exchange(root_, Node{}); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp 0.7 reads a document that begins with "," as empty, again and again.
    if (mark.pos == last_start_) {
      Refuse(mark, "a document cannot begin with this character; remove it, or quote the value");
    }
    last_start_ = mark.pos;
    root_ = Node{};
    open_.clear();
  }
  void OnDocumentEnd() override {}

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "aliases (*name) are not supported; write the value out, or quote it");
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(Make(Node::Kind::kNull, mark, "?", anchor));
  }
  void OnScalar(const YAML::Mark& mark,
                const std::string& tag,
                YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = Make(Node::Kind::kScalar, mark, tag, anchor);
    node.text = value;
    words_.Restore(node.text);
    node.plain = tag == "?";
    Add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark,
                       const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Make(Node::Kind::kSequence, mark, tag, anchor));
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Make(Node::Kind::kMap, mark, tag, anchor));
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    Node node;
    bool wants_key = true;  // Of a map.
  };

  [[noreturn]] static void Refuse(const YAML::Mark& mark, const std::string& reason) {
    throw YAML::ParserException(mark, reason);
  }

  static Node Make(Node::Kind kind,
                   const YAML::Mark& mark,
                   const std::string& tag,
                   YAML::anchor_t anchor) {
    if (anchor != 0) {
      Refuse(mark, "anchors (&name) are not supported; leave it out, or quote the value");
    }
    const bool text = kind == Node::Kind::kScalar && tag == kStringTag;
    if (tag != "?" && tag != "!" && !tag.empty() && !text) {
      Refuse(mark, "tags (!name) are not supported; leave it out, or quote the value");
    }
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    return node;
  }

  void Open(Node node) {
    if (open_.size() >= kMaxYamlDepth) {
      Refuse(YAML::Mark::null_mark(), "more than 32 levels are nested");
    }
    if (!open_.empty() && open_.back().node.kind == Node::Kind::kMap && open_.back().wants_key) {
      RefuseKey(node.line);
    }
    open_.push_back({std::move(node)});
  }

  void Close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    Add(std::move(node));
  }

  void Add(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.kind == Node::Kind::kSequence) {
      frame.node.items.push_back(std::move(node));
    } else if (frame.wants_key) {
      if (node.kind != Node::Kind::kScalar) {
        RefuseKey(node.line);
      }
      frame.node.entries.push_back({std::move(node.text), node.line, {}});
      frame.wants_key = false;
    } else {
      YamlEntry& entry = frame.node.entries.back();
      if (node.kind == Node::Kind::kMap || node.kind == Node::Kind::kSequence) {
        node.line = entry.line;  // Where a reader looks for what is missing inside.
      }
      entry.value = std::move(node);
      frame.wants_key = true;
    }
  }

  [[noreturn]] static void RefuseKey(int line) {
    YAML::Mark mark;
    mark.line = line - 1;
    Refuse(mark, "a key must be plain text, such as `name:`");
  }

  const LongWords& words_;
  Node root_;
  std::vector<Frame> open_;
  int last_start_ = -1;
};

int LineAt(std::string_view text, std::size_t offset) {
  return 1 +
         static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(offset), '\n'));
}

// What the parser says after ": " repeats text of the file, which may be a password.
std::string Reason(const YAML::ParserException& error) {
  const std::string reason = error.msg.substr(0, error.msg.find(": "));
  return "not valid YAML: " + reason;
}

std::string_view NextStep(std::string_view path) {
  return path.substr(0, path.find_first_of(".[", 1));
}

// With its mark, or by the zero byte beside the first character.
bool IsUtf16(std::string_view text) {
  return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
         (text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0'));
}

}  // namespace

const Node* Node::Find(std::string_view key) const {
  const auto found = std::find_if(
      entries.begin(), entries.end(), [&](const YamlEntry& e) { return e.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

YamlDocuments ParseYaml(std::string_view text, std::string_view file) {
  YamlDocuments out;
  const auto fail = [&](int line, std::string message) {
    out.problems.push_back({std::string(file), line, {}, std::move(message)});
  };
  if (text.size() > kMaxYamlBytes) {
    fail(0, "larger than 4 MiB; split the file");
    return out;
  }
  if (IsUtf16(text)) {
    fail(1, "is UTF-16; save it as UTF-8");
    return out;
  }
  const auto control = std::find_if(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
  if (control != text.end()) {
    fail(LineAt(text, static_cast<std::size_t>(control - text.begin())),
         "not valid YAML: a control character; remove it, or escape it in double quotes");
    return out;
  }
  const LongWords words(text);
  TreeBuilder builder(words);
  try {
    std::istringstream stream{words.shortened()};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
      Node root = builder.Take();
      if (root.kind != Node::Kind::kNull) {
        out.roots.push_back(std::move(root));
      }
    }
  } catch (const YAML::ParserException& error) {
    fail(error.mark.is_null() ? 0 : error.mark.line + 1, Reason(error));
  } catch (const YAML::Exception&) {
    fail(0, "not valid YAML");
  }
  return out;
}

int LineOf(const Node& root, std::string_view path) {
  const Node* node = &root;
  int line = root.line;
  while (!path.empty()) {
    const std::string_view step = NextStep(path);
    path.remove_prefix(step.size());
    if (step.starts_with('[')) {
      std::size_t index = 0;
      std::from_chars(step.data() + 1, step.data() + step.size(), index);
      if (index >= node->items.size()) {
        return line;
      }
      node = &node->items[index];
      line = node->line;
      continue;
    }
    const std::string_view key = step.starts_with('.') ? step.substr(1) : step;
    const auto found = std::find_if(node->entries.begin(),
                                    node->entries.end(),
                                    [&](const YamlEntry& e) { return e.key == key; });
    if (found == node->entries.end()) {
      return line;
    }
    line = found->line;
    node = &found->value;
  }
  return line;
}

void Wipe(Node& node) {
  // Through volatile, so that the stores stay although nobody reads them.
  volatile char* bytes = node.text.data();
  for (std::size_t i = 0; i < node.text.size(); ++i) {
    bytes[i] = '\0';
  }
  node.text.clear();
  for (Node& item : node.items) {
    Wipe(item);
  }
  for (YamlEntry& entry : node.entries) {
    Wipe(entry.value);
  }
}

}  // namespace connector::config
