#include "dataplane/upstream/session_cache.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <string>

namespace connector::dataplane::upstream {
namespace {

const SessionCache::TimePoint kNow{std::chrono::hours(1)};

net::TlsSession NewSession() {
  return {SSL_SESSION_new(), SSL_SESSION_free};
}

PoolKey KeyOf(const std::string& connector, const std::string& host, const std::string& ca = {}) {
  return {{"default", connector}, {.tls = true, .host = host, .port = 443}, ca, false};
}

TEST(SessionCache, GivesASessionToItsOwnKeyAlone) {
  SessionCache cache;
  const net::TlsSession session = NewSession();
  cache.Put(KeyOf("a", "registry.test", "ca"), session, kNow);

  EXPECT_EQ(cache.Find(KeyOf("a", "registry.test", "ca")), session);
  EXPECT_EQ(cache.Find(KeyOf("a", "registry.test", "another ca")), nullptr);
  EXPECT_EQ(cache.Find(KeyOf("b", "registry.test", "ca")), nullptr);
}

TEST(SessionCache, KeepsABoundedNumberForEachConnector) {
  SessionCache cache;
  for (std::size_t i = 0; i < 3 * kMaxSessionsPerConnector; ++i) {
    cache.Put(KeyOf("greedy", "host-" + std::to_string(i) + ".test"), NewSession(), kNow);
  }
  EXPECT_EQ(cache.size(), kMaxSessionsPerConnector);

  cache.Put(KeyOf("other", "registry.test"), NewSession(), kNow);

  EXPECT_NE(cache.Find(KeyOf("other", "registry.test")), nullptr) << "each has its own";
}

TEST(SessionCache, RenewsASessionWhenAllPlacesAreTaken) {
  SessionCache cache;
  for (std::size_t i = 0; i < kMaxSessionsPerConnector; ++i) {
    cache.Put(KeyOf("a", "host-" + std::to_string(i) + ".test"), NewSession(), kNow);
  }
  const net::TlsSession newer = NewSession();
  cache.Put(KeyOf("a", "host-0.test"), newer, kNow);

  EXPECT_EQ(cache.Find(KeyOf("a", "host-0.test")), newer);
}

TEST(SessionCache, ForgetsWhatIsOld) {
  SessionCache cache;
  cache.Put(KeyOf("a", "registry.test"), NewSession(), kNow);

  cache.Sweep(kNow + kMaxSessionAge);
  EXPECT_EQ(cache.size(), 1U);
  cache.Sweep(kNow + kMaxSessionAge + std::chrono::seconds(1));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(SessionCache, ForgetsWhatBelongsToARouteThatIsGone) {
  SessionCache cache;
  cache.Put(KeyOf("a", "registry.test"), NewSession(), kNow);
  cache.Put(KeyOf("b", "registry.test"), NewSession(), kNow);

  cache.Retain([](const PoolKey& key) { return key.connector.name == "b"; });

  EXPECT_EQ(cache.Find(KeyOf("a", "registry.test")), nullptr);
  EXPECT_NE(cache.Find(KeyOf("b", "registry.test")), nullptr);
}

}  // namespace
}  // namespace connector::dataplane::upstream
