// Which idle connection to a registry serves the next request, and which one never does.

#include "dataplane/upstream/pool.h"

#include "tests/support/cpp/loopback_pair.h"

#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace connector::dataplane::upstream {
namespace {

using testing_support::LoopbackPair;

const PoolKey kKey{{"default", "harbor"}, {.tls = false, .host = "harbor", .port = 80}, "ca", true};

class ConnectionPoolTest : public ::testing::Test {
 protected:
  // Releases a new connection under `key`; what it was, to be compared only.
  const net::Stream* Release(const PoolKey& key) {
    pairs_.push_back(std::make_unique<LoopbackPair>(io_));
    auto stream = std::make_unique<net::Stream>(std::move(pairs_.back()->ours), timers_);
    const net::Stream* const released = stream.get();
    pool_.Release(key, std::move(stream));
    return released;
  }
  net::Socket& last_peer() { return pairs_.back()->peer; }

  asio::io_context io_;
  net::Timers timers_{io_};
  ConnectionPool pool_{timers_};
  std::vector<std::unique_ptr<LoopbackPair>> pairs_;
};

TEST_F(ConnectionPoolTest, GivesTheConnectionThatWasUsedLast) {
  const net::Stream* const first = Release(kKey);
  const net::Stream* const second = Release(kKey);

  EXPECT_EQ(pool_.TakeIdle(kKey).get(), second);
  EXPECT_NE(first, second);
  EXPECT_EQ(pool_.idle(), 1U);
}

TEST_F(ConnectionPoolTest, GivesNobodyTheConnectionOfAnotherKey) {
  Release(kKey);
  PoolKey connector = kKey;
  connector.connector.name = "other";
  PoolKey origin = kKey;
  origin.origin.port = 81;
  PoolKey tls = kKey;
  tls.profile = "another";
  PoolKey address = kKey;
  address.allow_private_address = false;

  for (const PoolKey& key : {connector, origin, tls, address}) {
    EXPECT_EQ(pool_.TakeIdle(key), nullptr);
  }
}

TEST_F(ConnectionPoolTest, GivesNoConnectionThatThePeerHasClosed) {
  const net::Stream* const open = Release(kKey);
  Release(kKey);
  last_peer().close();

  EXPECT_EQ(pool_.TakeIdle(kKey).get(), open);
}

TEST_F(ConnectionPoolTest, GivesNoConnectionOnWhichUnaskedBytesWait) {
  Release(kKey);
  asio::write(last_peer(), asio::buffer("HTTP/1.1 200 OK\r\n\r\n"));

  EXPECT_EQ(pool_.TakeIdle(kKey), nullptr);
}

TEST_F(ConnectionPoolTest, HoldsABoundedNumberForEachKey) {
  for (std::size_t i = 0; i <= kMaxIdlePerKey; ++i) {
    Release(kKey);
  }

  EXPECT_EQ(pool_.idle(), kMaxIdlePerKey);
}

TEST_F(ConnectionPoolTest, ClosesWhatBelongsToARouteThatIsGone) {
  PoolKey gone = kKey;
  gone.connector.name = "gone";
  Release(gone);
  Release(kKey);

  pool_.Retain([](const PoolKey& key) { return key.connector.name == "harbor"; });

  EXPECT_EQ(pool_.TakeIdle(gone), nullptr);
  EXPECT_NE(pool_.TakeIdle(kKey), nullptr);
}

}  // namespace
}  // namespace connector::dataplane::upstream
