#include "common/connections/connection_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace connector::connections {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ConnectionTableTest : public ::testing::Test {
 protected:
  class Connection final : public ConnectionTable::Entry {
   public:
    Connection(ConnectionTableTest& test, std::string name, const std::string& address)
        : Entry(test.table_, ClientAddress(asio::ip::make_address(address))),
          test_(test),
          name_(std::move(name)) {}

   private:
    void GiveWay() override { test_.gave_way_.push_back(name_); }

    ConnectionTableTest& test_;
    std::string name_;
  };

  Connection& Open(std::string name, const std::string& address) {
    open_.push_back(std::make_unique<Connection>(*this, std::move(name), address));
    return *open_.back();
  }

  ConnectionTable table_;
  std::vector<std::string> gave_way_;
  std::vector<std::unique_ptr<Connection>> open_;
};

TEST_F(ConnectionTableTest, AsksTheAddressWithTheMostConnections) {
  Open("one", "192.0.2.1");
  Open("many", "192.0.2.2");
  Open("many", "192.0.2.2");

  EXPECT_TRUE(table_.MakeRoom());

  EXPECT_THAT(gave_way_, ElementsAre("many"));
}

TEST_F(ConnectionTableTest, AsksTheOneThatWaitsLongest) {
  Connection& served = Open("served", "192.0.2.1");
  Open("silent", "192.0.2.1");
  served.SetWaiting(false);
  served.SetWaiting(true);

  EXPECT_TRUE(table_.MakeRoom());

  EXPECT_THAT(gave_way_, ElementsAre("silent"));
}

TEST_F(ConnectionTableTest, AsksTheOneThatWaitsLongestOfAddressesWithEquallyMany) {
  Connection& first = Open("first", "192.0.2.1");
  Open("second", "192.0.2.2");
  first.SetWaiting(false);
  first.SetWaiting(true);

  EXPECT_TRUE(table_.MakeRoom());

  EXPECT_THAT(gave_way_, ElementsAre("second"));
}

TEST_F(ConnectionTableTest, NeverAsksOneWhoseRequestIsUnderWay) {
  Open("busy", "192.0.2.1").SetWaiting(false);
  Open("busy", "192.0.2.1").SetWaiting(false);

  EXPECT_FALSE(table_.MakeRoom());

  Open("waits", "192.0.2.2");
  EXPECT_TRUE(table_.MakeRoom());
  EXPECT_THAT(gave_way_, ElementsAre("waits"));
}

TEST_F(ConnectionTableTest, AsksEachOnce) {
  Connection& asked = Open("asked", "192.0.2.1");
  EXPECT_TRUE(table_.MakeRoom());
  asked.SetWaiting(false);
  asked.SetWaiting(true);

  EXPECT_FALSE(table_.MakeRoom());

  EXPECT_THAT(gave_way_, ElementsAre("asked"));
}

TEST_F(ConnectionTableTest, AsksNobodyElseForARoomOfOneAddress) {
  const ClientAddress address(asio::ip::make_address("192.0.2.1"));
  Open("other", "192.0.2.2");
  EXPECT_FALSE(table_.MakeRoomOf(address));
  EXPECT_THAT(gave_way_, IsEmpty());

  Open("own", "192.0.2.1");
  EXPECT_TRUE(table_.MakeRoomOf(address));
  EXPECT_THAT(gave_way_, ElementsAre("own"));
}

TEST_F(ConnectionTableTest, ForgetsWhatIsClosed) {
  Open("closed", "192.0.2.2");
  Open("closed", "192.0.2.2");
  open_.clear();
  Open("open", "192.0.2.1");

  EXPECT_EQ(table_.size(), 1U);
  EXPECT_TRUE(table_.MakeRoom());
  EXPECT_THAT(gave_way_, ElementsAre("open"));
}

}  // namespace
}  // namespace connector::connections
