#include "common/auditlog/record.h"

#include "common/crypto/digest.h"
#include "tests/support/cpp/result_matchers.h"

#include <gtest/gtest.h>

namespace connector::auditlog {
namespace {

using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

Event GrantOfAPull() {
  Event event;
  event.time = WallTime{} + std::chrono::milliseconds(1767225600123);
  event.request_id = "r-1";
  event.client_address = "10.0.0.7";
  event.peer = "spiffe://oci-connector.local/dataplane";
  event.subject = "system:serviceaccount:ci:builder";
  event.connector = "default/harbor";
  event.scopes = "repository:team-a/app:pull";
  event.allowed = true;
  event.rule = "access[0]";
  event.not_after = WallTime{} + std::chrono::seconds(1767225900);
  return event;
}

std::string WithoutEnd(std::string line) {
  line.pop_back();
  return line;
}

Result<Done> Follow(std::string_view line, ChainPosition& position) {
  const Result<Link> link = FollowRecord(line, position);
  return link ? Result<Done>(Done{}) : link.error();
}

TEST(FormatRecord, WritesMembersInOneOrderAndTheHashOfTheRestLast) {
  const std::string body =
      R"({"seq":1,"prev":"0000000000000000000000000000000000000000000000000000000000000000",)"
      R"("time":"2026-01-01T00:00:00.123Z","request_id":"r-1","client_address":"10.0.0.7",)"
      R"("peer":"spiffe://oci-connector.local/dataplane",)"
      R"("subject":"system:serviceaccount:ci:builder","connector":"default/harbor",)"
      R"("scopes":"repository:team-a/app:pull","allowed":true,"rule":"access[0]","reason":"",)"
      R"("detail":"","not_after":"2026-01-01T00:05:00.000Z"})";
  ChainPosition position;

  const std::string line = FormatRecord(GrantOfAPull(), position);

  const std::string hash = crypto::Sha256Hex(body);
  EXPECT_EQ(line, body.substr(0, body.size() - 1) + R"(,"hash":")" + hash + "\"}\n");
  EXPECT_EQ(position, (ChainPosition{1, hash}));
}

TEST(FormatRecord, NamesTheBrokerThatDecided) {
  ChainPosition position;
  ChainPosition verified;

  const std::string line = FormatRecord(GrantOfAPull(), position, "broker-1");

  EXPECT_THAT(line, HasSubstr(R"("time":"2026-01-01T00:00:00.123Z","replica":"broker-1",)"));
  EXPECT_EQ(FollowRecord(WithoutEnd(line), verified)->replica, "broker-1");
  EXPECT_EQ(verified, position);
}

TEST(FormatRecord, KeepsALineOneLineWhateverAFieldHolds) {
  Event event = GrantOfAPull();
  event.request_id = "a\nb\"},{\x80";
  ChainPosition position;

  const std::string line = FormatRecord(event, position);

  EXPECT_EQ(line.find('\n'), line.size() - 1);
  ChainPosition verified;
  EXPECT_THAT(Follow(WithoutEnd(line), verified), HasValue(Done{}));
}

TEST(FollowRecord, FollowsAChainOfFormattedRecords) {
  ChainPosition written;
  ChainPosition verified;
  for (int i = 0; i < 3; ++i) {
    const std::string line = FormatRecord(GrantOfAPull(), written);
    ASSERT_THAT(Follow(WithoutEnd(line), verified), HasValue(Done{}));
    EXPECT_EQ(verified, written);
  }
}

TEST(FollowRecord, SaysWhatDoesNotHold) {
  ChainPosition written;
  const std::string first = WithoutEnd(FormatRecord(GrantOfAPull(), written));
  const std::string second = WithoutEnd(FormatRecord(GrantOfAPull(), written));
  const auto error_of = [](const std::string& line, ChainPosition from) {
    const ChainPosition before = from;
    const Result<Done> result = Follow(line, from);
    EXPECT_EQ(from, before) << "a record that does not hold moves nothing";
    return result ? "holds" : result.error().message;
  };

  std::string changed = first;
  changed.replace(changed.find("builder"), 7, "intrudr");
  EXPECT_EQ(error_of(changed, {}), "hash does not match the record's content");
  EXPECT_EQ(error_of(second, {}), "seq is 2, expected 1");
  EXPECT_EQ(error_of(second, {1, std::string(64, 'a')}),
            "prev is not the hash of the record before");
  EXPECT_EQ(error_of(first.substr(0, first.size() - 1), {}),
            "not a record: it does not end with its hash");
  EXPECT_EQ(error_of("", {}), "not a record: it does not end with its hash");
  std::string upper = first;
  upper[upper.size() - 3] = 'A';
  EXPECT_EQ(error_of(upper, {}), "not a record: it does not end with its hash");
}

// A line whose hash holds, around `body` (with its braces).
std::string Hashed(const std::string& body) {
  return body.substr(0, body.size() - 1) + R"(,"hash":")" + crypto::Sha256Hex(body) + "\"}";
}

TEST(ReadLink, RefusesAnHonestHashOverSomethingElse) {
  const std::string prev = R"("prev":")" + std::string(kGenesisHash) + '"';
  const std::string time = R"("time":"2026-01-01T00:00:00.000Z")";
  EXPECT_THAT(ReadLink(Hashed("{\"seq\":1," + prev + "," + time + "}")),
              HasValue(Link{{},
                            {1, crypto::Sha256Hex("{\"seq\":1," + prev + "," + time + "}")},
                            WallTime{} + std::chrono::seconds(1767225600)}));
  for (const std::string& body : {"{\"seq\":0," + prev + "," + time + "}",
                                  "{\"seq\":\"1\"," + prev + "," + time + "}",
                                  "{" + prev + "," + time + "}",
                                  "{\"seq\":1," + time + "}",
                                  "{\"seq\":1,\"prev\":\"abc\"," + time + "}",
                                  "{\"seq\":1," + prev + "}",
                                  "{\"seq\":1," + prev + R"(,"time":"2026-13-01T00:00:00.000Z"})",
                                  std::string("[1}"),
                                  std::string("{}")}) {
    EXPECT_THAT(ReadLink(Hashed(body)), HasError(ErrorCode::kInvalidArgument)) << body;
  }
}

}  // namespace
}  // namespace connector::auditlog
