#include "dataplane/relay/body_portions.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::dataplane::relay {
namespace {

using http::BodyFraming;

// The payload of `input`, portion by portion, and how it ended: "ab|c." is an end, "ab!" a fault,
// "ab" wants more. What was not taken stands in brackets.
std::string Read(BodyPortions& portions, std::string_view input) {
  std::string out;
  while (true) {
    const BodyPortion portion = portions.Next(input);
    out.append(portion.payload);
    if (portion.malformed) {
      return out + "!";
    }
    if (portion.end) {
      return out + "." + (input.empty() ? "" : "[" + std::string(input) + "]");
    }
    if (input.empty()) {
      return out;
    }
    out.append(portion.payload.empty() ? "" : "|");
  }
}

TEST(BodyPortions, EndAtTheAnnouncedLength) {
  BodyPortions portions(BodyFraming::kContentLength, 5);

  EXPECT_EQ(Read(portions, "abc"), "abc");
  EXPECT_EQ(portions.left(), 2U);
  EXPECT_EQ(Read(portions, "deGET"), "de.[GET]") << "what follows is the next message's";
}

TEST(BodyPortions, OfNoLengthEndAtOnce) {
  BodyPortions empty(BodyFraming::kContentLength, 0);
  EXPECT_EQ(Read(empty, "GET"), ".[GET]");
  BodyPortions none(BodyFraming::kNone, 0);
  EXPECT_EQ(Read(none, "GET"), ".[GET]");
}

TEST(BodyPortions, TakeChunksOffWhereverTheyAreCut) {
  BodyPortions portions(BodyFraming::kChunked, 0);

  EXPECT_EQ(Read(portions, "3\r\nabc\r\n2"), "abc|");
  EXPECT_EQ(Read(portions, "\r\nde\r"), "de|");
  EXPECT_EQ(Read(portions, "\n0\r\n\r\nGET"), ".[GET]");
}

TEST(BodyPortions, SayWhenChunksBreakTheRules) {
  BodyPortions portions(BodyFraming::kChunked, 0);

  EXPECT_EQ(Read(portions, "x\r\n"), "!");
}

TEST(BodyPortions, UntilTheCloseHaveNoEndOfTheirOwn) {
  BodyPortions portions(BodyFraming::kUntilClose, 0);

  EXPECT_EQ(Read(portions, "abc"), "abc");
  EXPECT_TRUE(portions.EndsWithSource());
}

TEST(BodyPortions, AreCutWhenASourceEndsThatSaidItsLength) {
  EXPECT_FALSE(BodyPortions(BodyFraming::kContentLength, 5).EndsWithSource());
  EXPECT_FALSE(BodyPortions(BodyFraming::kChunked, 0).EndsWithSource());
}

TEST(BodyPortions, AreNeverReadPastTheirLength) {
  BodyPortions portions(BodyFraming::kContentLength, 100);
  EXPECT_EQ(portions.ReadSize(64), 64U);
  portions.Skip(90);
  EXPECT_EQ(portions.ReadSize(64), 10U);
  EXPECT_EQ(BodyPortions(BodyFraming::kChunked, 0).ReadSize(64), 64U);
}

}  // namespace
}  // namespace connector::dataplane::relay
