#include "common/auditlog/chain_head.h"

#include "tests/support/cpp/chain_keys.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gtest/gtest.h>

#include <fstream>

namespace connector::auditlog {
namespace {

using ::testing::HasSubstr;
using testing_support::ChainKeyOf;
using testing_support::ChainKeysOf;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

const ChainPosition kTwelve{12, std::string(64, 'a'), true};

TEST(Head, IsReadAsItWasWritten) {
  EXPECT_THAT(ReadHead(FormatHead(kTwelve, ChainKeyOf()), *ChainKeysOf()),
              HasValue(Head{kTwelve, ChainKeyOf().id(), true}));
}

TEST(Head, OfAKeyThatTheReaderHasNotIsNotProven) {
  EXPECT_FALSE(ReadHead(FormatHead(kTwelve, ChainKeyOf('o')), *ChainKeysOf())->proven);
}

TEST(Head, CannotBeMadeWithoutTheKey) {
  std::string later = FormatHead(kTwelve, ChainKeyOf());
  later.replace(later.find(" 12 "), 4, " 99 ");

  EXPECT_THAT(ReadHead(later, *ChainKeysOf()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("MAC does not hold")));
}

TEST(Head, IsNotReadFromSomethingElse) {
  const std::string good = FormatHead(kTwelve, ChainKeyOf('o'));
  for (const std::string& text : {std::string(),
                                  std::string("\n"),
                                  std::string(4, ' '),
                                  "x" + good,
                                  good.substr(0, good.rfind(' ')),
                                  "oci-connector-audit-head 12x" + good.substr(27),
                                  "oci-connector-audit-head 9223372036854775808" + good.substr(27),
                                  good.substr(0, good.size() - 1) + " more"}) {
    EXPECT_THAT(ReadHead(text, {}), HasError(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(HeadFile, NamesItselfWhereItIsNoHead) {
  const testing_support::ScratchDir dir;
  EXPECT_THAT(ReadHeadFile(dir / "head", {}), HasValue(std::optional<Head>()));
  std::ofstream(dir / "head") << "nonsense";
  EXPECT_THAT(ReadHeadFile(dir / "head", {}),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(dir / "head")));
}

TEST(HeadFile, StandsBesideTheDirectory) {
  EXPECT_EQ(DefaultHeadFile("/var/audit"), "/var/audit.head");
  EXPECT_EQ(DefaultHeadFile("/var//audit/"), "/var/audit.head");
  EXPECT_EQ(DefaultHeadFile("audit"), "audit.head");
}

}  // namespace
}  // namespace connector::auditlog
