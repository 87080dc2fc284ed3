#pragma once

// One scalar of a tree into one field of a message: the part of the strict loader (yaml.h) that
// knows how each type is written. Pure.

#include "common/base/result.h"
#include "common/config/yaml_tree.h"

namespace google::protobuf {
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace connector::config {

// Texts, booleans, numbers, enum values, and durations, which protobuf keeps as messages.
[[nodiscard]] bool IsScalar(const google::protobuf::FieldDescriptor& field);

// Sets `field` of `out`, or adds to it when it is repeated. `node` is a scalar. The error's message
// says what is wrong and what to write instead.
[[nodiscard]] Result<Done> SetScalar(const Node& node,
                                     const google::protobuf::FieldDescriptor& field,
                                     google::protobuf::Message& out);

}  // namespace connector::config
