#include "common/config/json_tree.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace connector::config {
namespace {

// The tree in one line: 'text' for what is text, words without quotes for the rest.
std::string Show(const Node& node) {
  std::string out;
  switch (node.kind) {
    case Node::Kind::kNull:
      return "~";
    case Node::Kind::kScalar:
      return node.plain ? node.text : "'" + node.text + "'";
    case Node::Kind::kSequence:
      for (const Node& item : node.items) {
        out.append(Show(item)).append(" ");
      }
      return "[ " + out + "]";
    case Node::Kind::kMap:
      for (const YamlEntry& entry : node.entries) {
        out.append(entry.key).append(": ").append(Show(entry.value)).append(" ");
      }
      return "{ " + out + "}";
  }
  return out;
}

std::string Read(std::string_view json) {
  return Show(NodeOf(boost::json::parse({json.data(), json.size()})));
}

TEST(NodeOf, KeepsOrderNestingAndWhatIsText) {
  EXPECT_EQ(Read(R"({"b": ["x", "5", 5, -5, true, {}, []], "a": {"c": "true"}})"),
            "{ b: [ 'x' '5' 5 -5 true { } [ ] ] a: { c: 'true' } }");
}

TEST(NodeOf, KeepsTheLargestNumbers) {
  EXPECT_EQ(Read("[18446744073709551615, -9223372036854775808]"),
            "[ 18446744073709551615 -9223372036854775808 ]");
}

TEST(NodeOf, LeavesOutAMemberThatIsNull) {
  EXPECT_EQ(Read(R"({"a": null, "b": [null]})"), "{ b: [ ~ ] }");
}

}  // namespace
}  // namespace connector::config
