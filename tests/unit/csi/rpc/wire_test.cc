// Our csi.proto against the released one, whose numbers are recorded in tests/data/csi/fields.txt.

#include "tests/support/cpp/source_tree.h"

#include "proto/csi/v1/csi.pb.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace connector::csi::rpc {
namespace {

namespace pb = ::google::protobuf;

std::string Short(const std::string& full_name) {
  const std::string package = "csi.v1.";
  return full_name.starts_with(package) ? full_name.substr(package.size()) : full_name;
}

void Describe(const pb::EnumDescriptor& type, std::vector<std::string>& out) {
  for (int i = 0; i < type.value_count(); ++i) {
    out.push_back("value " + Short(type.full_name()) + "." + type.value(i)->name() + " " +
                  std::to_string(type.value(i)->number()));
  }
}

void Describe(const pb::Descriptor& message, std::vector<std::string>& out) {
  for (int i = 0; i < message.field_count(); ++i) {
    const pb::FieldDescriptor& field = *message.field(i);
    std::string line = "field " + Short(message.full_name()) + "." + field.name() + " " +
                       std::to_string(field.number()) +
                       (field.is_repeated() ? " repeated " : " single ") + field.type_name();
    if (field.message_type() != nullptr) {
      line += " " + Short(field.message_type()->full_name());
    } else if (field.enum_type() != nullptr) {
      line += " " + Short(field.enum_type()->full_name());
    }
    out.push_back(std::move(line));
  }
  for (int i = 0; i < message.nested_type_count(); ++i) {
    Describe(*message.nested_type(i), out);
  }
  for (int i = 0; i < message.enum_type_count(); ++i) {
    Describe(*message.enum_type(i), out);
  }
}

std::vector<std::string> DescribeOurs() {
  const pb::FileDescriptor& file = *::csi::v1::ProbeRequest::descriptor()->file();
  std::vector<std::string> out;
  for (int i = 0; i < file.message_type_count(); ++i) {
    Describe(*file.message_type(i), out);
  }
  for (int i = 0; i < file.service_count(); ++i) {
    const pb::ServiceDescriptor& service = *file.service(i);
    for (int k = 0; k < service.method_count(); ++k) {
      const pb::MethodDescriptor& method = *service.method(k);
      out.push_back("call " + service.name() + "." + method.name() + " " +
                    method.input_type()->name() + " " + method.output_type()->name());
    }
  }
  return out;
}

TEST(CsiProto, SaysNothingThatTheReleasedOneDoesNotSay) {
  std::ifstream file(testing_support::SourcePath("tests/data/csi/fields.txt"));
  std::set<std::string> released;
  for (std::string line; std::getline(file, line);) {
    released.insert(line);
  }
  ASSERT_GT(released.size(), 60U);

  std::vector<std::string> unknown;
  for (const std::string& line : DescribeOurs()) {
    if (!released.contains(line)) {
      unknown.push_back(line);
    }
  }
  EXPECT_EQ(unknown, std::vector<std::string>());
}

}  // namespace
}  // namespace connector::csi::rpc
