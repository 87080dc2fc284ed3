#include "dataplane/oci/tag_list.h"

#include <gtest/gtest.h>

namespace connector::dataplane::oci {
namespace {

TEST(RenameTagList, TellsTheNameThatTheClientAskedFor) {
  EXPECT_EQ(RenameTagList(R"({"name":"a/b","tags":["v1"]})", "a/b", "ns/x/a/b"),
            R"({"name":"ns/x/a/b","tags":["v1"]})");
  EXPECT_EQ(RenameTagList("{\"tags\": [\"v1\"],\n \"name\" : \"a/b\"}", "a/b", "x"),
            "{\"tags\": [\"v1\"],\n \"name\" : \"x\"}");
}

TEST(RenameTagList, IsNotMisledByATagCalledName) {
  EXPECT_EQ(RenameTagList(R"({"tags":["name","a"],"name":"a"})", "a", "x"),
            R"({"tags":["name","a"],"name":"x"})");
}

TEST(RenameTagList, LeavesABodyOfAnotherShapeAlone) {
  for (const char* body :
       {"", "{}", "\"name\"", "\"name\":", R"({"name":"other"})", R"({"name":7})", "<html>"}) {
    EXPECT_EQ(RenameTagList(body, "a", "x"), body);
  }
}

}  // namespace
}  // namespace connector::dataplane::oci
