#include "common/config/scalar_field.h"

#include "common/base/input_error.h"
#include "common/config/yaml_scalar.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace connector::config {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

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

Result<Done> SetText(const Node& node, const FieldDescriptor& field, Message& out) {
  if (node.plain && IsAmbiguousPlain(node.text)) {
    return InvalidInput("is a number, a boolean or nothing to YAML; put it in quotes");
  }
  const Reflection& reflection = *out.GetReflection();
  field.is_repeated() ? reflection.AddString(&out, &field, node.text)
                      : reflection.SetString(&out, &field, node.text);
  return Done{};
}

Result<Done> SetEnum(const Node& node, const FieldDescriptor& field, Message& out) {
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
  return InvalidInput("is not one of the known values; write one of: " + list);
}

Result<Done> SetDuration(const Node& node, const FieldDescriptor& field, Message& out) {
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

Result<Done> SetBool(const Node& node, const FieldDescriptor& field, Message& out) {
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
Result<Done> SetInteger(const Node& node, const FieldDescriptor& field, Message& out) {
  const Reflection& reflection = *out.GetReflection();
  const bool is_unsigned = field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32;
  if (!is_unsigned && field.cpp_type() != FieldDescriptor::CPPTYPE_INT32) {
    return InvalidInput("has a type that configuration files do not know");
  }
  const std::int64_t lowest = is_unsigned ? 0 : std::numeric_limits<std::int32_t>::min();
  const std::int64_t highest = is_unsigned ? std::int64_t{std::numeric_limits<std::uint32_t>::max()}
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

}  // namespace

bool IsScalar(const FieldDescriptor& field) {
  return field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || IsDuration(field);
}

Result<Done> SetScalar(const Node& node, const FieldDescriptor& field, Message& out) {
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
    return InvalidInput("is text; remove the quotes");
  }
  return field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL ? SetBool(node, field, out)
                                                           : SetInteger(node, field, out);
}

}  // namespace connector::config
