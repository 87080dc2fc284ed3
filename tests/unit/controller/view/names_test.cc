#include "controller/view/cluster_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller {
namespace {

using ::testing::Optional;

TEST(ConnectorOfService, IsNamedAfterThePrefix) {
  EXPECT_THAT(ConnectorOfService({"ns", "c-harbor-1"}), Optional(ConnectorRef{"ns", "harbor-1"}));
}

TEST(ConnectorOfService, IsNobodyWithoutThePrefixOrAName) {
  EXPECT_EQ(ConnectorOfService({"ns", "harbor"}), std::nullopt);
  EXPECT_EQ(ConnectorOfService({"ns", "c-"}), std::nullopt);
}

TEST(ConnectorOfSlice, IsNamedBeforeTheFamilyThatStandsLast) {
  EXPECT_THAT(ConnectorOfSlice({"ns", "c-a-ipv4-b-ipv6-12"}),
              Optional(ConnectorRef{"ns", "a-ipv4-b"}));
}

TEST(ConnectorOfSlice, IsNobodyWithoutAFamily) {
  EXPECT_EQ(ConnectorOfSlice({"ns", "c-harbor"}), std::nullopt);
  EXPECT_EQ(ConnectorOfSlice({"ns", "c-harbor-ipv4-"}), std::nullopt);
  EXPECT_EQ(ConnectorOfSlice({"ns", "c-harbor-ipv4-x1"}), std::nullopt);
}

}  // namespace
}  // namespace connector::controller
