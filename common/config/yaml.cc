#include "common/config/yaml.h"

#include "common/config/read_file.h"
#include "common/config/yaml_scalar.h"

#include "proto/connector/config/v1/options.pb.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>

namespace connector::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
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

bool IsDuration(const FieldDescriptor& field) {
  return field.message_type() == google::protobuf::Duration::descriptor();
}

// "REDIRECT_MODE_" of RedirectMode.
std::string ValuePrefix(const EnumDescriptor& type) {
  std::string out;
  for (const char c : type.name()) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty()) {
      out.push_back('_');
    }
    out.push_back(upper ? c : static_cast<char>(c - 'a' + 'A'));
  }
  return out + "_";
}

// The values a file may name; the zero value means that nothing was written.
std::vector<std::pair<std::string, const EnumValueDescriptor*>> ValuesOf(
    const EnumDescriptor& type) {
  std::vector<std::pair<std::string, const EnumValueDescriptor*>> out;
  const std::string prefix = ValuePrefix(type);
  for (int i = 0; i < type.value_count(); ++i) {
    const EnumValueDescriptor* value = type.value(i);
    if (value->number() != 0) {
      const std::string_view name = value->name();
      out.emplace_back(CamelCase(name.starts_with(prefix) ? name.substr(prefix.size()) : name),
                       value);
    }
  }
  return out;
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

class Loader {
 public:
  Loader(std::string_view file, std::vector<Problem>& problems)
      : file_(file), problems_(problems) {}

  void FillMessage(const Node& node, const std::string& path, Message& out) {
    if (!Expect(node, Node::Kind::kMap, path, "a mapping (key: value)")) {
      return;
    }
    std::set<std::string> seen;
    for (const Entry& entry : node.entries) {
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
                   const Entry& entry,
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

  void FillField(const Entry& entry,
                 const std::string& path,
                 const FieldDescriptor& field,
                 Message& out) {
    const Node& node = entry.value;
    if (field.is_map()) {
      FillMap(node, path, field, out);
    } else if (field.is_repeated()) {
      if (Expect(node, Node::Kind::kSequence, path, "a list")) {
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
    if (!Expect(node, Node::Kind::kMap, path, "a mapping (key: value)")) {
      return;
    }
    const Descriptor& type = *field.message_type();
    std::set<std::string> seen;
    for (const Entry& entry : node.entries) {
      const std::string key_path = Join(path, entry.key);
      if (!seen.insert(entry.key).second) {
        Report(entry.line, key_path, "the key is given twice; keep one of them");
        continue;
      }
      Message* added = out.GetReflection()->AddMessage(&out, &field);
      added->GetReflection()->SetString(added, type.map_key(), entry.key);
      FillValue(entry.value, key_path, *type.map_value(), *added);
    }
  }

  void FillValue(const Node& node,
                 const std::string& path,
                 const FieldDescriptor& field,
                 Message& out) {
    const Reflection& reflection = *out.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !IsDuration(field)) {
      FillMessage(node,
                  path,
                  field.is_repeated() ? *reflection.AddMessage(&out, &field)
                                      : *reflection.MutableMessage(&out, &field));
      return;
    }
    if (Expect(node, Node::Kind::kScalar, path, "a single value")) {
      const Result<Done> done = SetScalar(node, field, out);
      if (!done) {
        Report(node.line, path, done.error().message);
      }
    }
  }

  static Result<Done> SetScalar(const Node& node, const FieldDescriptor& field, Message& out) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return SetText(node, field, out);
      case FieldDescriptor::CPPTYPE_ENUM:
        return SetEnum(node, field, out);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return SetDuration(node, field, out);
      default:
        break;
    }
    if (!node.plain) {
      return Wrong("is text; remove the quotes");
    }
    return field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL ? SetBool(node, field, out)
                                                             : SetInteger(node, field, out);
  }

  static Error Wrong(std::string message) {
    return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kClient, std::move(message));
  }

  static Result<Done> SetText(const Node& node, const FieldDescriptor& field, Message& out) {
    if (node.plain && IsAmbiguousPlain(node.text)) {
      return Wrong("is a number, a boolean or nothing to YAML; put it in quotes");
    }
    const Reflection& reflection = *out.GetReflection();
    field.is_repeated() ? reflection.AddString(&out, &field, node.text)
                        : reflection.SetString(&out, &field, node.text);
    return Done{};
  }

  static Result<Done> SetEnum(const Node& node, const FieldDescriptor& field, Message& out) {
    const Reflection& reflection = *out.GetReflection();
    std::string list;
    for (const auto& [name, value] : ValuesOf(*field.enum_type())) {
      if (name == node.text) {
        field.is_repeated() ? reflection.AddEnum(&out, &field, value)
                            : reflection.SetEnum(&out, &field, value);
        return Done{};
      }
      list.append(list.empty() ? "" : ", ").append(name);
    }
    return Wrong("is not one of the known values; write one of: " + list);
  }

  static Result<Done> SetDuration(const Node& node, const FieldDescriptor& field, Message& out) {
    const Result<std::chrono::nanoseconds> duration = ParseDuration(node.text);
    if (!duration) {
      return duration.error();
    }
    google::protobuf::Duration value;
    value.set_seconds(duration->count() / 1'000'000'000);
    value.set_nanos(static_cast<std::int32_t>(duration->count() % 1'000'000'000));
    const Reflection& reflection = *out.GetReflection();
    (field.is_repeated() ? reflection.AddMessage(&out, &field)
                         : reflection.MutableMessage(&out, &field))
        ->CopyFrom(value);
    return Done{};
  }

  static Result<Done> SetBool(const Node& node, const FieldDescriptor& field, Message& out) {
    const Result<bool> value = ParseBool(node.text);
    if (!value) {
      return value.error();
    }
    const Reflection& reflection = *out.GetReflection();
    field.is_repeated() ? reflection.AddBool(&out, &field, *value)
                        : reflection.SetBool(&out, &field, *value);
    return Done{};
  }

  // Schemas use uint32 and int32 only; another type is a mistake in the schema, found by its test.
  static Result<Done> SetInteger(const Node& node, const FieldDescriptor& field, Message& out) {
    const Reflection& reflection = *out.GetReflection();
    const bool is_unsigned = field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32;
    if (!is_unsigned && field.cpp_type() != FieldDescriptor::CPPTYPE_INT32) {
      return Wrong("has a type that configuration files do not know");
    }
    const std::int64_t lowest = is_unsigned ? 0 : std::numeric_limits<std::int32_t>::min();
    const std::int64_t highest = is_unsigned
                                     ? std::int64_t{std::numeric_limits<std::uint32_t>::max()}
                                     : std::int64_t{std::numeric_limits<std::int32_t>::max()};
    const Result<std::int64_t> value = ParseInteger(node.text, lowest, highest);
    if (!value) {
      return value.error();
    }
    if (is_unsigned) {
      const auto number = static_cast<std::uint32_t>(*value);
      field.is_repeated() ? reflection.AddUInt32(&out, &field, number)
                          : reflection.SetUInt32(&out, &field, number);
    } else {
      const auto number = static_cast<std::int32_t>(*value);
      field.is_repeated() ? reflection.AddInt32(&out, &field, number)
                          : reflection.SetInt32(&out, &field, number);
    }
    return Done{};
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
  Documents documents = ParseYaml(text, file);
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
