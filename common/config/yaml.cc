#include "common/config/yaml.h"

#include "common/config/read_file.h"
#include "common/config/scalar_field.h"
#include "common/config/yaml_scalar.h"

#include "proto/connector/config/v1/options.pb.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

namespace connector::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

bool IsRequired(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::required);
}

bool IsIgnored(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::ignored);
}

std::string_view KindName(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "a single value";
    case Node::Kind::kSequence:
      return "a list";
    case Node::Kind::kMap:
      return "a mapping";
  }
  return "nothing";
}

// Of UTF-8 text, as JSON schema counts: not the bytes that continue a character.
std::size_t Characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

class Loader {
 public:
  Loader(std::string_view file, std::vector<Problem>& problems)
      : file_(file), problems_(problems) {}

  void FillMessage(const Node& node, const std::string& path, Message& out) {
    if (!Expect(node, Node::Kind::kMap, path, "a mapping (key: value)")) {
      return;
    }
    std::set<std::string> seen;
    for (const YamlEntry& entry : node.entries) {
      const std::string key_path = Join(path, entry.key);
      const FieldDescriptor* field = FindField(*out.GetDescriptor(), entry.key);
      if (field == nullptr) {
        Report(entry.line, key_path, UnknownKey(*out.GetDescriptor(), entry.key));
      } else if (!seen.insert(entry.key).second) {
        Report(entry.line, key_path, "the key is given twice; keep one of them");
      } else if (!IsIgnored(*field) && OneofIsFree(*field, entry, key_path, out)) {
        FillField(entry, key_path, *field, out);
      }
    }
    CheckRequired(node, path, seen, out);
  }

 private:
  void Report(int line, const std::string& path, std::string message) {
    problems_.push_back({std::string(file_), line, path, std::move(message)});
  }

  bool Expect(const Node& node, Node::Kind kind, const std::string& path, std::string_view wanted) {
    if (node.kind == kind) {
      return true;
    }
    if (node.kind == Node::Kind::kNull) {
      Report(node.line, path, "has no value; write " + std::string(wanted) + ", or remove the key");
    } else {
      Report(node.line,
             path,
             "is " + std::string(KindName(node.kind)) + "; write " + std::string(wanted));
    }
    return false;
  }

  static const FieldDescriptor* FindField(const Descriptor& type, const std::string& key) {
    for (int i = 0; i < type.field_count(); ++i) {
      if (type.field(i)->json_name() == key) {
        return type.field(i);
      }
    }
    return nullptr;
  }

  static std::string UnknownKey(const Descriptor& type, const std::string& key) {
    std::vector<std::string> known;
    std::string list;
    for (int i = 0; i < type.field_count(); ++i) {
      if (!IsIgnored(*type.field(i))) {
        known.push_back(type.field(i)->json_name());
        list.append(list.empty() ? "" : ", ").append(known.back());
      }
    }
    const std::string nearest = Nearest(key, known);
    return "unknown key; " +
           (nearest.empty() ? "known here: " + list : "did you mean " + nearest + "?");
  }

  bool OneofIsFree(const FieldDescriptor& field,
                   const YamlEntry& entry,
                   const std::string& path,
                   const Message& out) {
    const OneofDescriptor* oneof = field.real_containing_oneof();
    if (oneof == nullptr || !out.GetReflection()->HasOneof(out, oneof)) {
      return true;
    }
    const FieldDescriptor* other = out.GetReflection()->GetOneofFieldDescriptor(out, oneof);
    Report(entry.line, path, "excludes " + other->json_name() + "; keep one of them");
    return false;
  }

  void CheckRequired(const Node& node,
                     const std::string& path,
                     const std::set<std::string>& seen,
                     const Message& out) {
    const Descriptor& type = *out.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (!IsRequired(field)) {
        continue;
      }
      const bool present = seen.contains(field.json_name());
      const bool filled = field.is_repeated() ? out.GetReflection()->FieldSize(out, &field) > 0
                                              : out.GetReflection()->HasField(out, &field);
      const std::string field_path = Join(path, field.json_name());
      // A value that could not be read has its own problem already.
      const bool reported = std::any_of(problems_.begin(), problems_.end(), [&](const Problem& p) {
        return IsAtOrUnder(p.path, field_path);
      });
      if (!filled && !reported) {
        Report(present ? node.Find(field.json_name())->line : node.line,
               field_path,
               present ? "is empty; give it a value" : "is missing; add it");
      }
    }
  }

  void FillField(const YamlEntry& entry,
                 const std::string& path,
                 const FieldDescriptor& field,
                 Message& out) {
    const Node& node = entry.value;
    if (field.is_map()) {
      FillMap(node, path, field, out);
    } else if (field.is_repeated()) {
      if (Expect(node, Node::Kind::kSequence, path, "a list") &&
          Fits(node, node.items.size(), path, field)) {
        for (std::size_t i = 0; i < node.items.size(); ++i) {
          FillValue(node.items[i], Join(path, i), field, out);
        }
      }
    } else {
      FillValue(node, path, field, out);
    }
  }

  // map<string, string>, as protobuf keeps it: a list of entries with the fields 1 and 2.
  void FillMap(const Node& node,
               const std::string& path,
               const FieldDescriptor& field,
               Message& out) {
    if (!Expect(node, Node::Kind::kMap, path, "a mapping (key: value)") ||
        !Fits(node, node.entries.size(), path, field)) {
      return;
    }
    const Descriptor& type = *field.message_type();
    std::set<std::string> seen;
    for (const YamlEntry& entry : node.entries) {
      const std::string key_path = Join(path, entry.key);
      if (!seen.insert(entry.key).second) {
        Report(entry.line, key_path, "the key is given twice; keep one of them");
        continue;
      }
      Message* added = out.GetReflection()->AddMessage(&out, &field);
      added->GetReflection()->SetString(added, type.map_key(), entry.key);
      if (CheckLength(entry.value, key_path, field)) {
        FillValue(entry.value, key_path, *type.map_value(), *added);
      }
    }
  }

  bool Fits(const Node& node,
            std::size_t entries,
            const std::string& path,
            const FieldDescriptor& field) {
    const std::uint32_t most = field.options().GetExtension(v1::max_items);
    if (most == 0 || entries <= most) {
      return true;
    }
    Report(node.line,
           path,
           "has more than " + std::to_string(most) + " entries; keep at most so many");
    return false;
  }

  bool CheckLength(const Node& node, const std::string& path, const FieldDescriptor& field) {
    const std::uint32_t most = field.options().GetExtension(v1::max_length);
    if (most == 0 || Characters(node.text) <= most) {
      return true;
    }
    Report(node.line, path, "is longer than " + std::to_string(most) + " characters; shorten it");
    return false;
  }

  void FillValue(const Node& node,
                 const std::string& path,
                 const FieldDescriptor& field,
                 Message& out) {
    const Reflection& reflection = *out.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !IsScalar(field)) {
      FillMessage(node,
                  path,
                  field.is_repeated() ? *reflection.AddMessage(&out, &field)
                                      : *reflection.MutableMessage(&out, &field));
      return;
    }
    if (Expect(node, Node::Kind::kScalar, path, "a single value") &&
        CheckLength(node, path, field)) {
      const Result<Done> done = SetScalar(node, field, out);
      if (!done) {
        Report(node.line, path, done.error().message);
      }
    }
  }

  std::string_view file_;
  std::vector<Problem>& problems_;
};

}  // namespace

std::vector<Problem> LoadNode(const Node& root, std::string_view file, Message& out) {
  std::vector<Problem> problems;
  Loader(file, problems).FillMessage(root, "", out);
  return problems;
}

std::vector<Problem> LoadYaml(std::string_view text, std::string_view file, Message& out) {
  YamlDocuments documents = ParseYaml(text, file);
  if (!documents.problems.empty()) {
    return std::move(documents.problems);
  }
  if (documents.roots.size() > 1) {
    return {{std::string(file),
             documents.roots[1].line,
             {},
             "a second document; this file holds one, so remove `---` and what follows"}};
  }
  if (documents.roots.empty()) {
    Node empty;
    empty.kind = Node::Kind::kMap;
    empty.line = 1;
    documents.roots.push_back(std::move(empty));
  }
  return LoadNode(documents.roots.front(), file, out);
}

std::vector<Problem> LoadConfigFile(const std::string& path, Message& out) {
  const Result<std::string> text = ReadFile(path, kMaxYamlBytes);
  if (!text) {
    return {{path, 0, {}, text.error().message}};
  }
  return LoadYaml(*text, path, out);
}

}  // namespace connector::config
