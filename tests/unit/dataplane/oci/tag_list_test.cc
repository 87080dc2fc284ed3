#include "dataplane/oci/tag_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {
namespace {

std::string RenamedInPieces(std::string_view body, std::size_t piece) {
  TagListRenamer renamer("ns/x/a/b");
  std::string out;
  while (!body.empty()) {
    renamer.Append(body.substr(0, piece), out);
    body.remove_prefix(std::min(piece, body.size()));
  }
  return out;
}

struct List {
  std::string name;
  std::string body;
  std::string renamed;

  friend void PrintTo(const List& row, std::ostream* os) { *os << row.name; }
};

class ATagListRenamer : public ::testing::TestWithParam<List> {};

TEST_P(ATagListRenamer, TellsTheNameThatTheClientAskedForHoweverTheBytesCome) {
  const std::string& body = GetParam().body;
  for (std::size_t piece = 1; piece <= body.size(); ++piece) {
    ASSERT_EQ(RenamedInPieces(body, piece), GetParam().renamed) << piece << " bytes at once";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ATagListRenamer,
    ::testing::Values(
        List{"OfTheUsualShape",
             R"({"name":"a/b","tags":["v1"]})",
             R"({"name":"ns/x/a/b","tags":["v1"]})"},
        List{"WithTheNameLastAndSpaces",
             "\n{\"tags\": [\"v1\"],\r\n \"name\" :\t\"a/b\"}\n",
             "\n{\"tags\": [\"v1\"],\r\n \"name\" :\t\"ns/x/a/b\"}\n"},
        List{"WithATagCalledName",
             R"({"tags":["name","a"],"name":"a"})",
             R"({"tags":["name","a"],"name":"ns/x/a/b"})"},
        List{"WithNamesFurtherInside",
             R"({"manifest":{"name":"a/b","x":[{"name":"a/b"}]},"name":"a/b","child":[]})",
             R"({"manifest":{"name":"a/b","x":[{"name":"a/b"}]},"name":"ns/x/a/b","child":[]})"},
        List{"WithEscapes",
             R"({"na\"me":"{","name":"a\/\"b\\","tags":["\\","}\""]})",
             R"({"na\"me":"{","name":"ns/x/a/b","tags":["\\","}\""]})"},
        List{"WithAValueThatIsTheKey",
             R"({"tag":"name","name":"name"})",
             R"({"tag":"name","name":"ns/x/a/b"})"},
        List{"WithTwoNames",
             R"({"name":"a/b","tags":[],"name":"a/b"})",
             R"({"name":"ns/x/a/b","tags":[],"name":"a/b"})"},
        List{"WithoutTags", R"({"name":"a/b","tags":null})", R"({"name":"ns/x/a/b","tags":null})"}),
    [](const auto& row) { return row.param.name; });

class ABodyOfAnotherShape : public ::testing::TestWithParam<const char*> {};

TEST_P(ABodyOfAnotherShape, IsLeftAlone) {
  const std::string body = GetParam();
  EXPECT_EQ(RenamedInPieces(body, body.size() + 1), body);
  EXPECT_EQ(RenamedInPieces(body, 1), body);
}

INSTANTIATE_TEST_SUITE_P(Table,
                         ABodyOfAnotherShape,
                         ::testing::Values("",
                                           "{}",
                                           "\"name\"",
                                           "\"name\":\"a\"",
                                           R"({"name":7})",
                                           R"({"name":7,"x":"a"})",
                                           R"({"name":["a"]})",
                                           R"({"name":{"name":"a"}})",
                                           R"({"names":"a","nam":"b","Name":"c"})",
                                           R"({"x":"name","y":"a"})",
                                           R"([{"name":"a"}])",
                                           R"({} {"name":"a"})",
                                           "}}]{\"name\":\"a\"}",
                                           "<html>\"name\":\"a\""));

}  // namespace
}  // namespace connector::dataplane::oci
