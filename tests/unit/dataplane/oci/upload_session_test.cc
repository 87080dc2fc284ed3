#include "dataplane/oci/upload_session.h"

#include "tests/unit/dataplane/addressing/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace connector::dataplane::oci {
namespace {

using Opened = std::variant<NextHop, SealRefusal>;

constexpr std::int64_t kNow = 1'700'000'000;

crypto::SealKeys Keys(char fill = 'k') {
  crypto::SealKeys keys;
  EXPECT_TRUE(keys.Add(1, Secret(std::string(32, fill))).has_value());
  EXPECT_TRUE(keys.SetCurrent(1).has_value());
  return keys;
}

UploadState State() {
  return UploadState{
      .connector = {"default", "harbor"},
      .repository = "a/b",
      .subject = "system:serviceaccount:ci:builder",
      .expires_at = kNow + 1,
      .url = {{true, "reg.example.com", 8443}, "/v2/a/b/blobs/uploads/u", "_state=x%2By&z"}};
}

// What the next request of the same client on any replica says of itself.
struct NextRequest {
  ConnectorRef connector{"default", "harbor"};
  std::string repository = "a/b";
  std::string subject = "system:serviceaccount:ci:builder";
  std::int64_t now = kNow;
  http::Origin address{true, "reg.example.com", 8443};
  std::vector<std::string> redirect_hosts = {"store.example.com"};

  [[nodiscard]] UploadExpectation Expectation() const {
    return {connector, repository, subject, now, {address, redirect_hosts, false}};
  }
};

Opened Open(const std::string& segment, const NextRequest& asked = {}) {
  return OpenUpload(Keys(), segment, asked.Expectation());
}

std::string Segment(const UploadState& state = State()) {
  return *SealUpload(Keys(), state);
}

TEST(SealUpload, OpensOnAnyReplicaToTheSameUrl) {
  EXPECT_EQ(Open(Segment()), Opened(NextHop{State().url, true, true}));
  UploadState other = State();
  other.url = {{true, "store.example.com", 443}, "/x", ""};
  EXPECT_EQ(Open(Segment(other)), Opened(NextHop{other.url, false, true}));
}

TEST(SealUpload, FitsALongPresignedUrlIntoARequestLine) {
  UploadState state = State();
  state.url.query = std::string(8 * 1024 - 64, 'q');
  const std::string segment = Segment(state);
  EXPECT_LT(segment.size(), addressing::kMaxSessionBytes);
  EXPECT_EQ(Open(segment), Opened(NextHop{state.url, true, true}));
}

TEST(SealUpload, CarriesCookiesToTheAddressAlone) {
  UploadState state = State();
  state.cookies = "node=1";
  EXPECT_EQ(Open(Segment(state)), Opened(NextHop{state.url, true, true, "node=1"}));
  state.url = {{true, "store.example.com", 443}, "/x", ""};
  EXPECT_EQ(Open(Segment(state)), Opened(NextHop{state.url, false, true}));
}

TEST(OpenUpload, RefusesWhatIsNoCookie) {
  UploadState state = State();
  state.cookies = "node=1\r\nAuthorization: x";
  EXPECT_EQ(Open(Segment(state)), Opened(SealRefusal::kMalformed));
}

TEST(SealUpload, RefusesAFieldOver64KiB) {
  UploadState state = State();
  state.url.query = std::string(65536, 'q');
  EXPECT_FALSE(SealUpload(Keys(), state).has_value());
}

TEST(SealUpload, HidesTheRegistrysUrl) {
  EXPECT_THAT(Segment(), ::testing::MatchesRegex("[-A-Za-z0-9_]+"));
}

TEST(OpenUpload, RefusesAnotherSubject) {
  EXPECT_EQ(Open(Segment(), {.subject = "system:serviceaccount:ci:other"}),
            Opened(SealRefusal::kOtherSubject));
}

TEST(OpenUpload, RefusesAnotherConnectorOrNamespace) {
  EXPECT_EQ(Open(Segment(), {.connector = {"default", "quay"}}),
            Opened(SealRefusal::kOtherConnector));
  EXPECT_EQ(Open(Segment(), {.connector = {"other", "harbor"}}),
            Opened(SealRefusal::kOtherConnector));
}

TEST(OpenUpload, RefusesAnotherRepository) {
  EXPECT_EQ(Open(Segment(), {.repository = "a/c"}), Opened(SealRefusal::kOtherRepository));
}

TEST(OpenUpload, RefusesFromTheSecondOfExpiryOn) {
  EXPECT_EQ(Open(Segment(), {.now = kNow + 1}), Opened(SealRefusal::kExpired));
  UploadState always = State();
  always.expires_at = -1;
  EXPECT_EQ(Open(Segment(always)), Opened(SealRefusal::kExpired));
}

TEST(OpenUpload, DecidesByWhatTheConnectorAllowsNow) {
  UploadState stored = State();
  stored.url = {{true, "store.example.com", 443}, "/x", ""};
  const Opened refused = SealRefusal::kOtherTarget;

  EXPECT_EQ(Open(Segment(stored), {.redirect_hosts = {}}), refused);
  EXPECT_EQ(Open(Segment(), {.address = {true, "moved.example.com", 443}}), refused);
  EXPECT_EQ(
      Open(Segment(),
           {.address = {true, "moved.example.com", 443}, .redirect_hosts = {"reg.example.com"}}),
      Opened(NextHop{State().url, false, true}))
      << "its credential is another registry's by now";
}

TEST(OpenUpload, RefusesAStateThatLeadsToSomethingElse) {
  UploadState state = State();
  for (const char* path : {"/v2/_catalog", "/v2/a/c/blobs/uploads/u", "/api/users", "/v2/a/b/x"}) {
    state.url.path = path;
    EXPECT_EQ(Open(Segment(state)), Opened(SealRefusal::kOtherTarget)) << path;
  }
}

TEST(OpenUpload, RefusesEveryChangedCharacter) {
  const std::string segment = Segment();
  for (std::size_t at = 0; at < segment.size(); ++at) {
    std::string changed = segment;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_TRUE(std::holds_alternative<SealRefusal>(Open(changed))) << at;
  }
}

TEST(OpenUpload, RefusesAnotherKeyAndNonsense) {
  const NextRequest asked;
  const UploadExpectation expectation = asked.Expectation();
  EXPECT_EQ(OpenUpload(Keys('x'), Segment(), expectation), Opened(SealRefusal::kForged));
  EXPECT_EQ(OpenUpload(crypto::SealKeys(), Segment(), expectation),
            Opened(SealRefusal::kUnknownKey));
  EXPECT_EQ(Open("uuid"), Opened(SealRefusal::kMalformed));
}

TEST(OpenUpload, RefusesAStateThatDoesNotReadToItsEnd) {
  // Only whoever holds the key could make these; they stand for another version of this program.
  const crypto::SealKeys keys = Keys();
  for (const std::string& state : {std::string(), std::string("\0\1", 2), std::string(200, '\0')}) {
    EXPECT_EQ(Open(*crypto::Seal(keys, "upload-session/3", state)),
              Opened(SealRefusal::kMalformed));
  }
}

TEST(DerivedUuid, HasTheFormOfAUuidAndFollowsTheSegment) {
  EXPECT_THAT(DerivedUuid("x"),
              ::testing::MatchesRegex(
                  "[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(DerivedUuid("x"), DerivedUuid("x"));
  EXPECT_NE(DerivedUuid("x"), DerivedUuid("y"));
}

TEST(UploadLocation, IsPathAbsoluteWithTheClientsPrefix) {
  EXPECT_EQ(
      UploadLocation(
          addressing::Address{ConnectorRef{"n", "c"}, "namespaces/n/connectors/c/"}, "a/b", "Seg"),
      "/v2/namespaces/n/connectors/c/a/b/blobs/uploads/Seg");
}

TEST(UploadTarget, KeepsTheQueryAndAddsTheDigest) {
  const http::Url url = State().url;
  EXPECT_EQ(UploadTarget(url, ""), "/v2/a/b/blobs/uploads/u?_state=x%2By&z");
  EXPECT_EQ(UploadTarget(url, kDigest),
            "/v2/a/b/blobs/uploads/u?_state=x%2By&z&digest=sha256%3A" + kHex);
  EXPECT_EQ(UploadTarget(http::Url{url.origin, "/u", ""}, kDigest), "/u?digest=sha256%3A" + kHex);
}

}  // namespace
}  // namespace connector::dataplane::oci
