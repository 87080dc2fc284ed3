#include "dataplane/relay/kept_body.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace connector::dataplane::relay {
namespace {

TEST(KeptBody, HasAllThatWasAppended) {
  KeptBodyBudget budget(100);
  KeptBody body(budget, "ci/builder", 10);

  body.Append("hello");
  body.Append("");
  body.Append("world");

  EXPECT_TRUE(body.at_hand());
  EXPECT_EQ(body.bytes(), "helloworld");
  EXPECT_EQ(budget.taken(), 10U);
}

TEST(KeptBody, ThatIsTooLongIsLetGoAsAWhole) {
  KeptBodyBudget budget(100);
  KeptBody body(budget, "ci/builder", 10);

  body.Append("hello");
  body.Append("worlds");
  body.Append("!");

  EXPECT_FALSE(body.at_hand());
  EXPECT_EQ(body.bytes(), "");
  EXPECT_EQ(budget.taken(), 0U);
}

TEST(KeptBody, OfOneSubjectLeavesRoomForThatOfAnother) {
  KeptBodyBudget budget(100);
  const std::string text(30, 'x');
  KeptBody first(budget, "ci/greedy", 1000);
  KeptBody second(budget, "ci/greedy", 1000);
  KeptBody third(budget, "ci/greedy", 1000);
  KeptBody other(budget, "ci/builder", 1000);

  first.Append(text);
  second.Append(text);
  third.Append(text);
  other.Append(text);

  EXPECT_TRUE(second.at_hand());
  EXPECT_FALSE(third.at_hand());
  EXPECT_TRUE(other.at_hand());
}

TEST(KeptBody, GivesBackAtItsEnd) {
  KeptBodyBudget budget(100);
  auto body = std::make_unique<KeptBody>(budget, "ci/builder", 10);
  body->Append("hello");

  body.reset();

  EXPECT_EQ(budget.taken(), 0U);
  EXPECT_EQ(budget.holders(), 0U);
}

}  // namespace
}  // namespace connector::dataplane::relay
