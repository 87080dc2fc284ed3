#include "common/auditlog/record.h"

#include "tests/support/cpp/chain_keys.h"
#include "tests/support/cpp/result_matchers.h"

#include <gtest/gtest.h>

namespace connector::auditlog {
namespace {

using ::testing::HasSubstr;
using testing_support::ChainKeyOf;
using testing_support::ChainKeysOf;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;
using testing_support::UnkeyedRecord;
using testing_support::WithPlainHash;

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
  const Result<Link> link = FollowRecord(line, position, *ChainKeysOf());
  return link ? Result<Done>(Done{}) : link.error();
}

TEST(FormatRecord, WritesMembersInOneOrderAndTheHashOfTheRestLast) {
  const std::string body =
      R"({"seq":1,"prev":"0000000000000000000000000000000000000000000000000000000000000000",)"
      R"("time":"2026-01-01T00:00:00.123Z","request_id":"r-1","client_address":"10.0.0.7",)"
      R"("peer":"spiffe://oci-connector.local/dataplane",)"
      R"("subject":"system:serviceaccount:ci:builder","connector":"default/harbor",)"
      R"("scopes":"repository:team-a/app:pull","allowed":true,"rule":"access[0]","reason":"",)"
      R"("detail":"","not_after":"2026-01-01T00:05:00.000Z",)"
      R"("key":")" +
      ChainKeyOf().id() + R"("})";
  ChainPosition position;

  const std::string line = FormatRecord(GrantOfAPull(), position, ChainKeyOf());

  const std::string hash = ChainKeyOf().HashOfRecord(body);
  EXPECT_EQ(line, body.substr(0, body.size() - 1) + R"(,"hash":")" + hash + "\"}\n");
  EXPECT_EQ(position, (ChainPosition{1, hash, true}));
}

TEST(FormatRecord, NamesTheBrokerThatDecided) {
  ChainPosition position;
  ChainPosition verified;

  const std::string line = FormatRecord(GrantOfAPull(), position, ChainKeyOf(), "broker-1");

  EXPECT_THAT(line, HasSubstr(R"("time":"2026-01-01T00:00:00.123Z","replica":"broker-1",)"));
  EXPECT_EQ(FollowRecord(WithoutEnd(line), verified, *ChainKeysOf())->replica, "broker-1");
  EXPECT_EQ(verified, position);
}

TEST(FormatRecord, KeepsALineOneLineWhateverAFieldHolds) {
  Event event = GrantOfAPull();
  event.request_id = "a\nb\"},{\x80";
  ChainPosition position;

  const std::string line = FormatRecord(event, position, ChainKeyOf());

  EXPECT_EQ(line.find('\n'), line.size() - 1);
  ChainPosition verified;
  EXPECT_THAT(Follow(WithoutEnd(line), verified), HasValue(Done{}));
}

TEST(FollowRecord, FollowsAChainOfFormattedRecords) {
  ChainPosition written;
  ChainPosition verified;
  for (int i = 0; i < 3; ++i) {
    const std::string line = FormatRecord(GrantOfAPull(), written, ChainKeyOf());
    ASSERT_THAT(Follow(WithoutEnd(line), verified), HasValue(Done{}));
    EXPECT_EQ(verified, written);
  }
}

TEST(FollowRecord, SaysWhatDoesNotHold) {
  ChainPosition written;
  const std::string first = WithoutEnd(FormatRecord(GrantOfAPull(), written, ChainKeyOf()));
  const std::string second = WithoutEnd(FormatRecord(GrantOfAPull(), written, ChainKeyOf()));
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

TEST(ReadLink, RefusesAnHonestHashOverSomethingElse) {
  const std::string prev = R"("prev":")" + std::string(kGenesisHash) + '"';
  const std::string time = R"("time":"2026-01-01T00:00:00.000Z")";
  const std::string good = WithPlainHash("{\"seq\":1," + prev + "," + time + "}");
  ASSERT_THAT(ReadLink(good, {}),
              HasValue(Link{{},
                            {1, good.substr(good.size() - 66, 64), false},
                            WallTime{} + std::chrono::seconds(1767225600)}));
  for (const std::string& body : {"{\"seq\":0," + prev + "," + time + "}",
                                  "{\"seq\":\"1\"," + prev + "," + time + "}",
                                  "{" + prev + "," + time + "}",
                                  "{\"seq\":1," + time + "}",
                                  "{\"seq\":1,\"prev\":\"abc\"," + time + "}",
                                  "{\"seq\":1," + prev + "}",
                                  "{\"seq\":1," + prev + R"(,"time":"2026-13-01T00:00:00.000Z"})",
                                  "{\"seq\":1," + prev + "," + time + R"(,"key":""})",
                                  "{\"seq\":1," + prev + "," + time + R"(,"key":1})",
                                  std::string("[1}"),
                                  std::string("{}")}) {
    EXPECT_THAT(ReadLink(WithPlainHash(body), {}), HasError(ErrorCode::kInvalidArgument)) << body;
  }
}

std::string KeyedRecord(char root = 'r') {
  ChainPosition position;
  return WithoutEnd(FormatRecord(GrantOfAPull(), position, ChainKeyOf(root)));
}

TEST(AKeyedRecord, CannotBeMadeWithoutTheKey) {
  const std::string line = KeyedRecord();
  const std::string body = line.substr(0, line.rfind(R"(,"hash":)")) + "}";

  EXPECT_THAT(
      ReadLink(WithPlainHash(body), *ChainKeysOf()),
      HasErrorMessage(ErrorCode::kInvalidArgument, "hash does not match the record's content"));
}

TEST(AKeyedRecord, OfAKeyThatTheReaderHasNotIsNotProven) {
  EXPECT_EQ(ReadLink(KeyedRecord('o'), *ChainKeysOf())->proof, Proof::kUnknownKey);
  EXPECT_EQ(ReadLink(KeyedRecord('o'), *ChainKeysOf("ro"))->proof, Proof::kKeyed);
  EXPECT_EQ(ReadLink(KeyedRecord('o'), {})->key_id, ChainKeyOf('o').id());
}

TEST(AnUnkeyedRecord, IsReadAndToldApart) {
  ChainPosition position;
  const std::string line = WithoutEnd(UnkeyedRecord(GrantOfAPull(), position));

  EXPECT_EQ(ReadLink(line, *ChainKeysOf())->proof, Proof::kUnkeyed);
}

TEST(AnUnkeyedRecord, FollowsNoKeyedOne) {
  ChainPosition written;
  ChainPosition verified;
  for (const std::string& line : {UnkeyedRecord(GrantOfAPull(), written),
                                  FormatRecord(GrantOfAPull(), written, ChainKeyOf())}) {
    ASSERT_THAT(Follow(WithoutEnd(line), verified), HasValue(Done{}));
  }
  const std::string after = WithoutEnd(UnkeyedRecord(GrantOfAPull(), written));

  EXPECT_THAT(
      Follow(after, verified),
      HasErrorMessage(ErrorCode::kInvalidArgument, "has no key, but a record before it has one"));
}

TEST(ChainKey, HasAKeyOfItsOwnForEachPurpose) {
  const ChainKey key = ChainKeyOf();
  EXPECT_NE(key.HashOfRecord("text"), key.HashOfHead("text"));
  EXPECT_NE(key.id(), ChainKeyOf('o').id());
  EXPECT_NE(key.HashOfRecord("text"), ChainKeyOf('o').HashOfRecord("text"));
}

}  // namespace
}  // namespace connector::auditlog
