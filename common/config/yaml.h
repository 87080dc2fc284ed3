#pragma once

// Loads a YAML document into a protobuf message, strictly: the message's fields, by their JSON
// names (camelCase), are the schema. All problems of a document are reported, not only the first.
//
// Deliberately applies no defaults and no rules beyond the schema's: a program does that.
//
// A problem is: an unknown key (with the nearest known one), a key given twice, a value of another
// type, an empty value, a field marked (required) that is absent or empty, two members of one
// oneof, more than (max_length) characters or (max_items) entries. A field marked (ignored) takes
// any value, which is dropped. Text fields want quotes around what YAML may read as a number or a
// boolean. Durations are written "1m30s". An enum value is written without its enum's name, in
// camelCase: AUTH_NAME_TOKEN_AUTH of AuthName is "tokenAuth".

#include "common/config/problem.h"
#include "common/config/yaml_tree.h"

#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace connector::config {

// Loads exactly one document. No problems: `out` holds it. Otherwise `out` holds what could be
// read.
[[nodiscard]] std::vector<Problem> LoadYaml(std::string_view text,
                                            std::string_view file,
                                            google::protobuf::Message& out);

// The same from a file; one that cannot be read is a problem.
[[nodiscard]] std::vector<Problem> LoadConfigFile(const std::string& path,
                                                  google::protobuf::Message& out);

// The same from a tree, for files of several documents.
[[nodiscard]] std::vector<Problem> LoadNode(const Node& root,
                                            std::string_view file,
                                            google::protobuf::Message& out);

}  // namespace connector::config
