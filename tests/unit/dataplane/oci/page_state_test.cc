#include "dataplane/oci/page_state.h"

#include "dataplane/addressing/target.h"
#include "dataplane/oci/upload_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace connector::dataplane::oci {
namespace {

using Opened = std::variant<PageState, SealRefusal>;

constexpr std::int64_t kNow = 1'700'000'000;

crypto::SealKeys Keys(char fill = 'k') {
  crypto::SealKeys keys;
  EXPECT_TRUE(keys.Add(1, Secret(std::string(32, fill))).has_value());
  EXPECT_TRUE(keys.SetCurrent(1).has_value());
  return keys;
}

PageState State() {
  return {.connector = {"default", "harbor"},
          .path = "/v2/a/b/tags/list",
          .subject = "builder",
          .expires_at = kNow + 1,
          .query = "n=2&next_page=gA%3D"};
}

// What the next request of the same client on any replica says of itself.
struct Asked {
  ConnectorRef connector{"default", "harbor"};
  std::string path = "/v2/a/b/tags/list";
  std::string subject = "builder";
  std::int64_t now = kNow;
};

Opened Open(const std::string& sealed, const Asked& asked = {}) {
  return OpenPage(Keys(), sealed, {asked.connector, asked.path, asked.subject, asked.now});
}

std::string Page(const PageState& state = State()) {
  return *SealPage(Keys(), state);
}

TEST(SealPage, OpensOnAnyReplicaToTheSameState) {
  EXPECT_EQ(Open(Page()), Opened(State()));
}

TEST(SealPage, FitsTheLongestQueryIntoTheParameter) {
  PageState state = State();
  state.query = std::string(kMaxPageQueryBytes, 'q');
  state.path = std::string(600, 'p');
  state.subject = std::string(1024, 's');
  EXPECT_LE(Page(state).size(), addressing::kMaxPageBytes);
}

TEST(SealPage, RefusesAFieldOver64KiB) {
  PageState state = State();
  state.query = std::string(65536, 'q');
  EXPECT_FALSE(SealPage(Keys(), state).has_value());
}

TEST(SealPage, WritesWhatNoClientEncodesAnew) {
  EXPECT_THAT(Page(), ::testing::MatchesRegex("[-A-Za-z0-9_]+"));
}

TEST(OpenPage, RefusesAnotherSubject) {
  EXPECT_EQ(Open(Page(), {.subject = "other"}), Opened(SealRefusal::kOtherSubject));
}

TEST(OpenPage, RefusesAnotherConnectorOrNamespace) {
  EXPECT_EQ(Open(Page(), {.connector = {"default", "quay"}}), Opened(SealRefusal::kOtherConnector));
  EXPECT_EQ(Open(Page(), {.connector = {"other", "harbor"}}), Opened(SealRefusal::kOtherConnector));
}

TEST(OpenPage, RefusesAnotherRepositoryOrOperation) {
  EXPECT_EQ(Open(Page(), {.path = "/v2/a/c/tags/list"}), Opened(SealRefusal::kOtherRepository));
  EXPECT_EQ(Open(Page(), {.path = "/v2/a/b/referrers/x"}), Opened(SealRefusal::kOtherRepository));
}

TEST(OpenPage, RefusesFromTheSecondOfExpiryOn) {
  EXPECT_EQ(Open(Page(), {.now = kNow + 1}), Opened(SealRefusal::kExpired));
}

TEST(OpenPage, RefusesEveryChangedCharacter) {
  const std::string sealed = Page();
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_TRUE(std::holds_alternative<SealRefusal>(Open(changed))) << at;
  }
}

TEST(OpenPage, RefusesAnotherKeyAndNonsense) {
  const Asked asked;
  EXPECT_EQ(OpenPage(Keys('x'), Page(), {asked.connector, asked.path, asked.subject, asked.now}),
            Opened(SealRefusal::kForged));
  EXPECT_EQ(Open("2"), Opened(SealRefusal::kMalformed));
  EXPECT_EQ(Open(*crypto::Seal(Keys(), "page/1", std::string("\0\1", 2))),
            Opened(SealRefusal::kMalformed));
}

TEST(OpenPage, RefusesAnUploadSession) {
  const Result<std::string> session = SealUpload(
      Keys(), {.connector = {"default", "harbor"}, .url = {{true, "r.example", 443}, "/", ""}});
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(Open(*session), Opened(SealRefusal::kForged));
}

}  // namespace
}  // namespace connector::dataplane::oci
