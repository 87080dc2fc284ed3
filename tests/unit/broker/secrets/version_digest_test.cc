#include "broker/secrets/version_digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace connector::broker::secrets {
namespace {

using ::testing::MatchesRegex;

std::map<std::string, Secret> DataOf(const std::string& password) {
  std::map<std::string, Secret> data;
  data.emplace("password", Secret(password));
  return data;
}

TEST(VersionDigest, ChangesWithTheContentAndWithThePlace) {
  const VersionDigest versions("key");
  const std::string version = versions.Of("Opaque", DataOf("p"));

  EXPECT_THAT(version, MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(versions.Of("Opaque", DataOf("p")), version);
  EXPECT_NE(versions.Of("Opaque", DataOf("q")), version);
  EXPECT_NE(versions.Of("kubernetes.io/basic-auth", DataOf("p")), version);
  EXPECT_NE(versions.OfPlace("a"), versions.OfPlace("b"));
}

TEST(VersionDigest, IsOfTheProcessAndItsFingerprintOfTheContent) {
  const VersionDigest one("one process");
  const VersionDigest other("another process");

  EXPECT_NE(one.Of("Opaque", DataOf("p")), other.Of("Opaque", DataOf("p")))
      << "else a guessed password could be checked against a version";
  EXPECT_EQ(one.Fingerprint(one.Of("Opaque", DataOf("p"))).Reveal(),
            other.Fingerprint(other.Of("Opaque", DataOf("p"))).Reveal());
  EXPECT_NE(one.Fingerprint(one.Of("Opaque", DataOf("p"))).Reveal(),
            one.Fingerprint(one.Of("Opaque", DataOf("q"))).Reveal());
}

TEST(VersionDigest, HasNoFingerprintOfWhatIsNoVersion) {
  const VersionDigest versions("key");
  EXPECT_TRUE(versions.Fingerprint("").empty());
  EXPECT_TRUE(versions.Fingerprint("v1").empty());
  EXPECT_TRUE(versions.Fingerprint("00").empty());
  EXPECT_TRUE(versions.Fingerprint(std::string(66, '0')).empty());
  EXPECT_TRUE(versions.Fingerprint(std::string(64, 'x')).empty());
}

TEST(VersionKey, IsAnotherOneInEachProcess) {
  EXPECT_NE(MakeVersionKey().Reveal(), MakeVersionKey().Reveal());
  EXPECT_EQ(MakeVersionKey().Reveal().size(), 32U);
}

}  // namespace
}  // namespace connector::broker::secrets
