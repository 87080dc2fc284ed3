#include "broker/audit/refusal_budget.h"

#include "broker/audit/own_records.h"
#include "tests/support/cpp/chain_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::audit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr WallTime kStart{std::chrono::seconds(1'800'000'000)};

auditlog::Event Refusal(const std::string& client_address) {
  auditlog::Event event;
  event.time = kStart;
  event.request_id = "the caller's choice";
  event.client_address = client_address;
  event.peer = "dataplane";
  event.connector = "what/ever";
  event.scopes = "repository:the/callers/choice:pull";
  event.reason = "CALLER_UNAUTHENTICATED";
  event.detail = "the token's issuer is not trusted";
  return event;
}

// How many of `count` refusals become records.
std::size_t RecordsOf(RefusalBudget& budget, const std::string& source, std::size_t count) {
  std::size_t records = 0;
  for (std::size_t i = 0; i < count; ++i) {
    records += budget.Take(Refusal(source)) ? 1 : 0;
  }
  return records;
}

TEST(SourceOf, IsTheAddressAndOfIpv6ItsNetwork) {
  EXPECT_EQ(SourceOf("192.0.2.1:8080"), "192.0.2.1");
  EXPECT_EQ(SourceOf("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(SourceOf("[2001:db8:1:2:3:4:5:6]:80"), "2001:db8:1:2::/64");
  EXPECT_EQ(SourceOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(SourceOf("[::ffff:192.0.2.1]:80"), "192.0.2.1");
  EXPECT_EQ(SourceOf("some text"), "unknown");
  EXPECT_EQ(SourceOf(""), "unknown");
}

TEST(IsCountedRefusal, IsNoRecordOfTheBrokersOwn) {
  EXPECT_FALSE(IsCountedRefusal(DenyListRecord(WallTime{}, "denies a")));
  EXPECT_FALSE(IsCountedRefusal(DeniedPeerRecord(WallTime{}, "spiffe://a/1", "1 calls")));
}

TEST(IsCountedRefusal, IsOfACallerOnTheDenyList) {
  auditlog::Event event;
  event.subject = "known";
  event.reason = "DENIED_BY_OPERATOR";
  EXPECT_TRUE(IsCountedRefusal(event));
}

TEST(IsCountedRefusal, IsEachThatACallerCauses) {
  auditlog::Event event;
  EXPECT_TRUE(IsCountedRefusal(event));
  event.subject = "known";
  for (const char* reason : {"ACCESS_DENIED", "CONNECTOR_NOT_FOUND", "RATE_LIMITED"}) {
    event.reason = reason;
    EXPECT_TRUE(IsCountedRefusal(event)) << reason;
  }
  event.allowed = true;
  EXPECT_FALSE(IsCountedRefusal(event));
}

TEST(IsCountedRefusal, IsNoneOfAKnownCallerWithoutAReason) {
  auditlog::Event event;
  event.subject = "known";
  EXPECT_FALSE(IsCountedRefusal(event));
}

// A caller with some right asks for what it has none to.
TEST(RefusalBudget, RecordsHundredsOfDenialsOfEachSubjectWhole) {
  RefusalBudget budget;
  auditlog::Event denial = Refusal("192.0.2.1:1");
  denial.subject = "curious";
  denial.reason = "ACCESS_DENIED";
  for (std::size_t i = 1; i < kDenialsPerSubject; ++i) {
    ASSERT_EQ(budget.Take(denial), denial) << i;
  }
  EXPECT_THAT(budget.Take(denial)->detail, HasSubstr("counted, not recorded"));
  EXPECT_EQ(budget.Take(denial), std::nullopt);
  denial.subject = "another";
  EXPECT_EQ(budget.Take(denial), denial);
  denial.subject = "curious";
  denial.reason = "RATE_LIMITED";
  EXPECT_EQ(budget.Take(denial), denial) << "of another budget";

  const auto records = budget.Close(kStart + kRefusalPeriod);

  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].subject, "curious");
  EXPECT_EQ(records[0].detail, "1 more refusals of this caller, in the last 60 s: ACCESS_DENIED 1");
}

TEST(RefusalBudget, BoundsTheSubjectsWithDenialsOfTheirOwn) {
  RefusalBudget budget;
  std::size_t records = 0;
  for (std::size_t i = 0; i < kMaxDeniedSubjects + 2 * kDenialsPerSubject; ++i) {
    auditlog::Event denial = Refusal("192.0.2.1:1");
    denial.subject = "caller-" + std::to_string(i);
    denial.reason = "ACCESS_DENIED";
    records += budget.Take(denial) ? 1 : 0;
  }
  EXPECT_EQ(records, kMaxDeniedSubjects + kDenialsPerSubject);
  const auto summaries = budget.Close(kStart);
  ASSERT_THAT(summaries, SizeIs(1));
  EXPECT_EQ(summaries[0].client_address, "other sources");
  EXPECT_THAT(summaries[0].detail, HasSubstr("200 more refusals of other known callers"));
}

// A caller with a right asks for as many scopes as it can invent.
TEST(RefusalBudget, CountsWhatOneSubjectIsRefusedByItsName) {
  RefusalBudget budget;
  auditlog::Event refusal = Refusal("192.0.2.1:1");
  refusal.subject = "greedy";
  refusal.reason = "RATE_LIMITED";
  EXPECT_EQ(budget.Take(refusal), refusal) << "it is known, and so is what it asked for";
  for (int i = 0; i < 1000; ++i) {
    refusal.client_address = "192.0.2." + std::to_string(i % 250) + ":1";
    static_cast<void>(budget.Take(refusal));
  }
  EXPECT_TRUE(budget.Take(Refusal("192.0.2.1:1"))) << "others behind its address have their own";

  const auto records = budget.Close(kStart + kRefusalPeriod);

  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].subject, "greedy");
  EXPECT_EQ(records[0].client_address, "");
  EXPECT_EQ(records[0].detail,
            "996 more refusals of this caller, in the last 60 s: RATE_LIMITED 996");
}

TEST(RefusalBudget, RecordsAFewOfASubjectOnTheDenyList) {
  RefusalBudget budget;
  auditlog::Event refusal = Refusal("192.0.2.1:1");
  refusal.subject = "denied";
  refusal.reason = "DENIED_BY_OPERATOR";
  std::size_t records = 0;
  for (int i = 0; i < 1000; ++i) {
    records += budget.Take(refusal) ? 1 : 0;
  }

  EXPECT_EQ(records, kRecordsPerSource);
}

TEST(RefusalBudget, KeepsNoTextOfTheCallersChoice) {
  RefusalBudget budget;
  auditlog::Event expected = Refusal("192.0.2.1:80");
  expected.request_id.clear();
  expected.connector.clear();
  expected.scopes.clear();
  expected.client_address = "192.0.2.1";

  EXPECT_EQ(budget.Take(Refusal("192.0.2.1:80")), expected);

  auditlog::Event wordy = Refusal("no address, but a story");
  wordy.detail = std::string(5000, 'x');
  const auto record = budget.Take(wordy);
  EXPECT_EQ(record->client_address, "unknown");
  EXPECT_THAT(record->detail, SizeIs(kMaxRefusalDetailBytes));
}

TEST(RefusalBudget, GivesEachSourceItsOwnFewRecords) {
  RefusalBudget budget;
  EXPECT_EQ(RecordsOf(budget, "192.0.2.1:1", 1000), kRecordsPerSource);
  EXPECT_EQ(RecordsOf(budget, "192.0.2.1:2", 1000), 0U) << "another port of the same";
  EXPECT_EQ(RecordsOf(budget, "192.0.2.2:1", 2), 2U);
}

TEST(RefusalBudget, SaysInTheLastRecordThatMoreAreCounted) {
  RefusalBudget budget;
  for (std::size_t i = 1; i < kRecordsPerSource; ++i) {
    EXPECT_EQ(budget.Take(Refusal("192.0.2.1:1"))->detail, "the token's issuer is not trusted");
  }
  EXPECT_THAT(budget.Take(Refusal("192.0.2.1:1"))->detail, HasSubstr("counted, not recorded"));
}

TEST(RefusalBudget, SaysForEachSourceHowManyWereCountedAndWhy) {
  RefusalBudget budget;
  RecordsOf(budget, "192.0.2.1:1", kRecordsPerSource + 7);
  RecordsOf(budget, "192.0.2.2:1", kRecordsPerSource);
  auditlog::Event other = Refusal("192.0.2.1:1");
  other.reason = "INVALID_REQUEST";
  ASSERT_EQ(budget.Take(other), std::nullopt);

  EXPECT_THAT(budget.CloseIfOver(kStart + kRefusalPeriod - std::chrono::seconds(1)), IsEmpty());
  const auto records = budget.CloseIfOver(kStart + kRefusalPeriod);

  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].client_address, "192.0.2.1");
  EXPECT_EQ(records[0].reason, "AUDIT_REFUSALS_COUNTED");
  EXPECT_EQ(records[0].detail,
            "8 more refusals of callers whom nobody could verify, in the last 60 s: "
            "CALLER_UNAUTHENTICATED 7, INVALID_REQUEST 1");
  EXPECT_EQ(budget.counted(), 8U);
}

TEST(RefusalBudget, BeginsAnewAfterThePeriod) {
  RefusalBudget budget;
  RecordsOf(budget, "192.0.2.1:1", 1000);
  EXPECT_THAT(budget.CloseIfOver(kStart - std::chrono::hours(1)), SizeIs(1))
      << "a clock that was set back";
  EXPECT_EQ(RecordsOf(budget, "192.0.2.1:1", 1000), kRecordsPerSource);
}

TEST(RefusalBudget, MeasuresThePeriodFromItsFirstRefusal) {
  RefusalBudget budget;
  RecordsOf(budget, "192.0.2.1:1", 1000);
  ASSERT_THAT(budget.CloseIfOver(kStart + kRefusalPeriod), SizeIs(1));
  EXPECT_THAT(budget.CloseIfOver(kStart + 2 * kRefusalPeriod), IsEmpty()) << "nothing came since";

  auditlog::Event later = Refusal("192.0.2.1:1");
  later.time = kStart + 3 * kRefusalPeriod;
  for (std::size_t i = 0; i <= kRecordsPerSource; ++i) {
    static_cast<void>(budget.Take(later));
  }

  EXPECT_THAT(budget.CloseIfOver(later.time + kRefusalPeriod / 2), IsEmpty());
  EXPECT_THAT(budget.CloseIfOver(later.time + kRefusalPeriod), SizeIs(1));
}

// Whoever has many addresses gets no more than the bound, and nothing is lost without a count.
TEST(RefusalBudget, BoundsWhatAllSourcesTogetherMakeDurable) {
  RefusalBudget budget;
  std::string durable;
  auditlog::ChainPosition position;
  const auto write = [&](const auditlog::Event& event) {
    durable += auditlog::FormatRecord(event, position, testing_support::ChainKeyOf());
  };
  std::size_t records = 0;
  for (int i = 0; i < 10'000; ++i) {
    auditlog::Event refusal = Refusal("[2001:db8:" + std::to_string(i % 1000) + "::1]:80");
    refusal.peer = std::string(253, 'p');
    refusal.detail = std::string(1000, 'd');
    if (const auto record = budget.Take(refusal)) {
      ++records;
      write(*record);
    }
  }
  const auto summaries = budget.Close(kStart);
  for (const auditlog::Event& event : summaries) {
    write(event);
  }

  EXPECT_EQ(records, (kMaxSources + 1) * kRecordsPerSource);
  EXPECT_THAT(summaries, SizeIs(kMaxSources + 1));
  EXPECT_EQ(summaries.back().client_address, "other sources");
  EXPECT_EQ(budget.counted() + records, 10'000U);
  EXPECT_LT(durable.size(), 200U * 1024);
}

}  // namespace
}  // namespace connector::broker::audit
