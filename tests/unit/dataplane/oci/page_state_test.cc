#include "dataplane/oci/page_state.h"

#include "dataplane/addressing/target.h"
#include "dataplane/oci/upload_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace connector::dataplane::oci {
namespace {

using PageStateOpenedPage = std::variant<std::string, SealRefusal>;

const http::Origin kListOrigin{true, "reg.example.com", 443};

constexpr std::int64_t kPageTime = 1'700'000'000;

crypto::SealKeys PageKeys(char fill = 'k') {
  crypto::SealKeys keys;
  EXPECT_TRUE(keys.Add(1, Secret(std::string(32, fill))).has_value());
  EXPECT_TRUE(keys.SetCurrent(1).has_value());
  return keys;
}

PageState NewPage() {
  return {.connector = {"default", "harbor"},
          .path = "/v2/a/b/tags/list",
          .subject = "builder",
          .expires_at = kPageTime + 1,
          .query = "n=2&next_page=gA%3D"};
}

// What the next request of the same client on any replica says of itself.
struct PageAsked {
  ConnectorRef connector{"default", "harbor"};
  std::string path = "/v2/a/b/tags/list";
  std::string subject = "builder";
  std::int64_t now = kPageTime;
};

PageStateOpenedPage Reopen(const std::string& sealed, const PageAsked& asked = {}) {
  return OpenPage(
      PageKeys(), sealed, {asked.connector, kListOrigin, asked.path, asked.subject, asked.now});
}

std::string Page(const PageState& state = NewPage()) {
  return *SealPage(PageKeys(), state);
}

TEST(SealPage, OpensOnAnyReplicaToTheSameQuery) {
  EXPECT_EQ(Reopen(Page()), PageStateOpenedPage(NewPage().query));
}

TEST(SealPage, FitsTheLongestQueryIntoTheParameter) {
  PageState state = NewPage();
  state.query = std::string(kMaxPageQueryBytes, 'q');
  state.path = std::string(600, 'p');
  state.subject = std::string(1024, 's');
  EXPECT_LE(Page(state).size(), addressing::kMaxPageBytes);
}

TEST(SealPage, RefusesAFieldOver64KiB) {
  PageState state = NewPage();
  state.query = std::string(65536, 'q');
  EXPECT_FALSE(SealPage(PageKeys(), state).has_value());
}

TEST(SealPage, WritesWhatNoClientEncodesAnew) {
  EXPECT_THAT(Page(), ::testing::MatchesRegex("[-A-Za-z0-9_]+"));
}

TEST(OpenPage, RefusesAnotherSubject) {
  EXPECT_EQ(Reopen(Page(), {.subject = "other"}), PageStateOpenedPage(SealRefusal::kOtherSubject));
}

TEST(OpenPage, RefusesAnotherConnectorOrNamespace) {
  EXPECT_EQ(Reopen(Page(), {.connector = {"default", "quay"}}),
            PageStateOpenedPage(SealRefusal::kOtherConnector));
  EXPECT_EQ(Reopen(Page(), {.connector = {"other", "harbor"}}),
            PageStateOpenedPage(SealRefusal::kOtherConnector));
}

TEST(OpenPage, RefusesAnotherRepositoryOrOperation) {
  EXPECT_EQ(Reopen(Page(), {.path = "/v2/a/c/tags/list"}),
            PageStateOpenedPage(SealRefusal::kOtherRepository));
  EXPECT_EQ(Reopen(Page(), {.path = "/v2/a/b/referrers/x"}),
            PageStateOpenedPage(SealRefusal::kOtherRepository));
}

TEST(OpenPage, RefusesFromTheSecondOfExpiryOn) {
  EXPECT_EQ(Reopen(Page(), {.now = kPageTime + 1}), PageStateOpenedPage(SealRefusal::kExpired));
}

TEST(OpenPage, RefusesAQueryThatIsNoPages) {
  PageState state = NewPage();
  for (const std::string& query : {std::string("n=1 HTTP/1.1\r\nX: y"),
                                   std::string("mount=sha256:x&from=c/d"),
                                   std::string(kMaxPageQueryBytes + 1, 'q')}) {
    state.query = query;
    EXPECT_EQ(Reopen(Page(state)), PageStateOpenedPage(SealRefusal::kOtherTarget)) << query;
  }
}

TEST(OpenPage, RefusesEveryChangedCharacter) {
  const std::string sealed = Page();
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_TRUE(std::holds_alternative<SealRefusal>(Reopen(changed))) << at;
  }
}

TEST(OpenPage, RefusesAnotherKeyAndNonsense) {
  const PageAsked asked;
  EXPECT_EQ(OpenPage(PageKeys('x'),
                     Page(),
                     {asked.connector, kListOrigin, asked.path, asked.subject, asked.now}),
            PageStateOpenedPage(SealRefusal::kForged));
  EXPECT_EQ(Reopen("2"), PageStateOpenedPage(SealRefusal::kMalformed));
  EXPECT_EQ(Reopen(*crypto::Seal(PageKeys(), "page/1", std::string("\0\1", 2))),
            PageStateOpenedPage(SealRefusal::kMalformed));
}

TEST(OpenPage, RefusesAnUploadSession) {
  const Result<std::string> session = SealUpload(
      PageKeys(), {.connector = {"default", "harbor"}, .url = {{true, "r.example", 443}, "/", ""}});
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(Reopen(*session), PageStateOpenedPage(SealRefusal::kForged));
}

}  // namespace
}  // namespace connector::dataplane::oci
