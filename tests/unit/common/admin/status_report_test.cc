#include "common/admin/status_report.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace connector::admin {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr system_clock::time_point kStart{seconds{1'790'000'000}};

json::value Parsed(const StatusReport& status) {
  return json::parse(ToJson(status));
}

TEST(StatusJson, SaysAllThatTheStatusHolds) {
  const StatusReport status{
      .program = "connector-dataplane",
      .version = "0.1.0",
      .started_at = kStart,
      .reasons = {"draining"},
      .degraded = {"Vault is sealed"},
      .connectors = {{.name = "default/harbor",
                      .address = "https://harbor.example.com",
                      .secret_class = "derived",
                      .health = "failing",
                      .problem = "The registry does not answer.",
                      .last_error = "connect: timed out",
                      .requests = 7,
                      .bytes = 8,
                      .credential = CredentialStatus{.kind = "lease",
                                                     .place = "database/creds/harbor",
                                                     .version = "v",
                                                     .lease_hash = "0123",
                                                     .expires_at = kStart + seconds{60},
                                                     .last_success = kStart,
                                                     .last_error = "sealed"}}},
      .totals = Totals{.requests = 1, .denied = 2, .errors = 3, .bytes_down = 4, .bytes_up = 5},
      .token_cache = TokenCacheStatus{.entries = 1, .hits = 2, .misses = 3},
      .errors = {{.time = kStart, .connector = "default/harbor", .message = "refused"}},
      .sections = {{.title = "Broker", .rows = {{"address", "localhost:7443"}, {"routes", "2"}}}}};

  EXPECT_EQ(Parsed(status), json::parse(R"({
    "program": "connector-dataplane", "version": "0.1.0", "startedAt": "2026-09-21T14:13:20Z",
    "ready": false, "reasons": ["draining"], "degraded": ["Vault is sealed"],
    "connectors": [{"name": "default/harbor", "address": "https://harbor.example.com",
      "secretClass": "derived", "health": "failing", "problem": "The registry does not answer.",
      "lastError": "connect: timed out", "requests": 7, "bytes": 8,
      "credential": {"kind": "lease", "place": "database/creds/harbor", "version": "v",
        "leaseHash": "0123", "expiresAt": "2026-09-21T14:14:20Z",
        "lastSuccess": "2026-09-21T14:13:20Z", "lastError": "sealed"}}],
    "connectorCount": 1,
    "totals": {"requests": 1, "denied": 2, "errors": 3, "bytesDown": 4, "bytesUp": 5},
    "tokenCache": {"entries": 1, "hits": 2, "misses": 3},
    "errors": [{"time": "2026-09-21T14:13:20Z", "connector": "default/harbor",
      "message": "refused"}],
    "sections": [{"title": "Broker", "rows": [["address", "localhost:7443"], ["routes", "2"]]}]
  })"));
}

TEST(StatusJson, LeavesOutWhatTheProgramDoesNotCount) {
  StatusReport status{.program = "connector-broker", .version = "0.1.0", .started_at = kStart};
  status.connectors.push_back({.name = "default/harbor"});

  EXPECT_EQ(Parsed(status), json::parse(R"({
    "program": "connector-broker", "version": "0.1.0", "startedAt": "2026-09-21T14:13:20Z",
    "ready": true, "reasons": [], "degraded": [],
    "connectors": [{"name": "default/harbor", "address": "", "secretClass": "", "health": "",
      "problem": "", "lastError": ""}],
    "connectorCount": 1, "errors": [], "sections": []
  })"));

  status.totals = Totals{};
  EXPECT_EQ(Parsed(status).at("totals"), json::parse(R"({"requests":0,"denied":0,"errors":0})"));
}

TEST(StatusJson, ShowsALimitedNumberOfConnectorsAndErrors) {
  StatusReport status;
  status.connectors.resize(kMaxConnectorsShown + 1);
  status.errors.resize(kMaxRecentErrors + 1);

  const json::value parsed = Parsed(status);

  EXPECT_EQ(parsed.at("connectors").as_array().size(), kMaxConnectorsShown);
  EXPECT_EQ(parsed.at("connectorCount").to_number<std::size_t>(), kMaxConnectorsShown + 1);
  EXPECT_EQ(parsed.at("errors").as_array().size(), kMaxRecentErrors);
}

TEST(StatusJson, KeepsARowOfOneLabelAndOneValueAnArray) {
  StatusReport status;
  status.sections = {{.title = "t", .rows = {{"label", "value"}}}};

  EXPECT_EQ(Parsed(status).at("sections").at(0).at("rows"), json::parse(R"([["label","value"]])"));
}

}  // namespace
}  // namespace connector::admin
