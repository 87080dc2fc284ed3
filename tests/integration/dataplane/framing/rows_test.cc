// The attack tables of tests/data/framing, row by row, over real sockets.

#include "tests/integration/dataplane/framing/framing_world.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::framing {
namespace {

std::string NameOf(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(info.param.rfind('/') + 1);
  name = name.substr(0, name.find('.'));
  for (char& c : name) {
    c = c == '-' ? '_' : c;
  }
  return name;
}

void Report(const Row& row, const RowResult& result, const char* how) {
  for (const std::string& problem : result.problems) {
    ADD_FAILURE() << row.file << " \"" << row.name << "\"" << how << ": " << problem;
  }
}

class TheRequestTable : public ::testing::TestWithParam<std::string> {};

TEST_P(TheRequestTable, LetsNothingThroughButWhatWasAuthorized) {
  FramingWorld world;
  const std::vector<Row> rows = ReadRows(GetParam(), world.MakeMacros());
  std::size_t wrong = 0;
  for (const Row& row : rows) {
    const RowResult whole = RunRequestRow(world, row, Delivery::kWhole);
    Report(row, whole, "");
    const RowResult pieces = RunRequestRow(world, row, Delivery::kByteByByte);
    Report(row, pieces, " byte by byte");
    wrong += whole.reached_wrongly || pieces.reached_wrongly ? 1U : 0U;
  }
  Count("request rows", rows.size(), wrong);
}

INSTANTIATE_TEST_SUITE_P(Of, TheRequestTable, ::testing::ValuesIn(TableFiles("requests")), NameOf);

class TheResponseTable : public ::testing::TestWithParam<std::string> {};

TEST_P(TheResponseTable, LetsNoAnswerReachAnotherRequest) {
  FramingWorld world;
  const std::vector<Row> rows = ReadRows(GetParam(), world.MakeMacros());
  std::size_t wrong = 0;
  for (const Row& row : rows) {
    const RowResult result = RunResponseRow(world, row);
    Report(row, result, "");
    wrong += result.reached_wrongly ? 1U : 0U;
  }
  Count("response rows", rows.size(), wrong);
}

INSTANTIATE_TEST_SUITE_P(Of,
                         TheResponseTable,
                         ::testing::ValuesIn(TableFiles("responses")),
                         NameOf);

}  // namespace
}  // namespace connector::framing
