#include "controller/status/status_patch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller::status {
namespace {

using boost::json::object;
using ::testing::Eq;

constexpr WallTime kNow{std::chrono::seconds{1'800'000'000}};
constexpr WallTime kLater{std::chrono::seconds{1'800'001'000}};

kube::ObjectPtr StatusPatchConnector(const boost::json::value& status, int generation = 1) {
  const object json{{"metadata",
                     {{"name", "harbor"},
                      {"namespace", "default"},
                      {"uid", "u"},
                      {"resourceVersion", "7"},
                      {"generation", generation}}},
                    {"status", status}};
  return *kube::Object::Parse(boost::json::serialize(json));
}

WantedStatus Wanted() {
  WantedStatus wanted{
      "c-harbor.default.svc.x", "http://c-harbor.default.svc.x", std::nullopt, "derived", {}};
  wanted.states[kClass] = {ConditionStatus::kTrue, "ClassFound", "found"};
  return wanted;
}

// The status after the patch was taken in.
boost::json::value Written() {
  return StatusPatch(*StatusPatchConnector(object{}), Wanted(), kNow)->at("status");
}

TEST(StatusPatch, IsRefusedWhenTheConnectorChangedMeanwhile) {
  const auto patch = StatusPatch(*StatusPatchConnector(object{}), Wanted(), kNow);

  EXPECT_EQ(patch->at("metadata"), (object{{"resourceVersion", "7"}, {"uid", "u"}}));
}

TEST(StatusPatch, SaysAllThatTheStatusHolds) {
  const object status = Written().as_object();

  EXPECT_EQ(status.at("address"),
            (object{{"host", "c-harbor.default.svc.x"}, {"url", "http://c-harbor.default.svc.x"}}));
  EXPECT_EQ(status.at("secretClass"), "derived");
  EXPECT_EQ(status.at("observedGeneration"), 1);
  EXPECT_EQ(status.at("conditions").as_array().size(), 6U);
}

TEST(StatusPatch, IsAbsentWhenNothingChanged) {
  EXPECT_EQ(StatusPatch(*StatusPatchConnector(Written()), Wanted(), kLater), std::nullopt);
}

TEST(StatusPatch, TellsWhatClientsVerifyBy) {
  WantedStatus wanted = Wanted();
  wanted.ca_certs = "PEM";
  const boost::json::value status =
      StatusPatch(*StatusPatchConnector(object{}), wanted, kNow)->at("status");
  EXPECT_EQ(status.at("address").at("caCerts"), "PEM");

  wanted.ca_certs = std::nullopt;
  EXPECT_EQ(StatusPatch(*StatusPatchConnector(status), wanted, kLater), std::nullopt)
      << "not known, so it stays";
  wanted.ca_certs = "";
  EXPECT_TRUE(StatusPatch(*StatusPatchConnector(status), wanted, kLater)
                  ->at("status")
                  .at("address")
                  .at("caCerts")
                  .is_null());
}

struct Change {
  const char* name;
  void (*make)(WantedStatus&);

  friend void PrintTo(const Change& row, std::ostream* os) { *os << row.name; }
};

class StatusPatchWrites : public ::testing::TestWithParam<Change> {};

TEST_P(StatusPatchWrites, AChange) {
  WantedStatus wanted = Wanted();
  GetParam().make(wanted);

  EXPECT_NE(StatusPatch(*StatusPatchConnector(Written()), wanted, kLater), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Of,
    StatusPatchWrites,
    ::testing::Values(
        Change{"TheHost", [](WantedStatus& wanted) { wanted.host = "other"; }},
        Change{"TheCa", [](WantedStatus& wanted) { wanted.ca_certs = "PEM"; }},
        Change{"TheUrl", [](WantedStatus& wanted) { wanted.url = "other"; }},
        Change{"TheSecretClass", [](WantedStatus& wanted) { wanted.secret_class = "static"; }},
        Change{
            "ATruth",
            [](WantedStatus& wanted) { wanted.states[kClass].status = ConditionStatus::kFalse; }},
        Change{"AReason", [](WantedStatus& wanted) { wanted.states[kClass].reason = "Other"; }},
        Change{"AMessage", [](WantedStatus& wanted) { wanted.states[kClass].message = "other"; }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(StatusPatch, FollowsTheGeneration) {
  const auto patch = StatusPatch(*StatusPatchConnector(Written(), 2), Wanted(), kLater);

  EXPECT_EQ(patch->at("status").at("observedGeneration"), 2);
}

TEST(StatusPatch, LeavesTheSecretClassOfASpecThatCannotBeRead) {
  WantedStatus wanted = Wanted();
  wanted.secret_class.clear();
  wanted.states[kClass] = {ConditionStatus::kFalse, "SpecInvalid", "no"};

  const auto patch = StatusPatch(*StatusPatchConnector(Written()), wanted, kLater);

  EXPECT_FALSE(patch->at("status").as_object().contains("secretClass"));
}

}  // namespace
}  // namespace connector::controller::status
