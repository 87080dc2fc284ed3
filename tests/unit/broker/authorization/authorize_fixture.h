#pragma once

// Connectors in a catalog, and a cluster whose RBAC a test decides.

#include "broker/authorization/authorize.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/run_task.h"
#include "tests/unit/broker/api/fakes.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::authorization {

using Accounts = std::vector<std::pair<std::string, std::string>>;
inline const Accounts kAuthorizeBuilder = {{"ci", "builder"}};
inline const Accounts kNobodyOfUs = {{"ci", "other"}};

// Lets callers use the connectors that a test names.
class FakeReviewer final : public AccessReviewer {
 public:
  Task<Result<AccessAnswer>> MayUse(AccessQuestion question, Deadline /*deadline*/) override {
    const std::string connector = question.connector.ToString();
    const std::string verb(VerbOf(question.action));
    asked.push_back(connector);
    verbs.push_back(verb);
    last = question;
    if (error) {
      co_return *error;
    }
    co_return AccessAnswer{allowed.contains(connector) && !lacking.contains(verb + " " + connector),
                           "RoleBinding \"x\"",
                           asked_at - age_per_review * static_cast<int>(verbs.size() - 1)};
  }
  std::set<std::string> allowed;
  std::set<std::string> lacking;  // "create default/harbor"
  std::vector<std::string> verbs;
  std::optional<Error> error;
  WallTime asked_at = testing_support::FakeClock::kStart;
  std::chrono::seconds age_per_review{0};  // Each answer is older than the one before.
  std::vector<std::string> asked;
  AccessQuestion last;
};

class AuthorizeTest : public ::testing::Test {
 protected:
  void Publish(const std::vector<resource::Connector>& connectors) {
    std::vector<std::shared_ptr<const connectors::CatalogEntry>> entries;
    for (const resource::Connector& connector : connectors) {
      entries.push_back(api::EntryOf(connector));
    }
    catalog_.Replace(api::SnapshotOf(entries));
  }
  // A connector for harbor.example.com without access rules.
  static resource::Connector Open(const std::string& ns, const std::string& name) {
    resource::Connector connector = api::HarborConnector(ns, name, {});
    connector.access.clear();
    return connector;
  }
  Authorization Ask(const Target& target,
                    const std::string& repository = "team-a/app",
                    oci::ActionSet actions = {oci::Action::kPull}) {
    AccessRequest request{catalog_.Current(), target, caller_, "key", {}};
    request.scopes.push_back({repository, actions});
    return testing_support::RunTask(Authorize(&reviewer_, std::move(request), Deadline::max()));
  }

  connectors::Catalog catalog_;
  FakeReviewer reviewer_;
  callers::Caller caller_ = api::ServiceAccountCaller("ci", "builder", WallTime::max());
};

}  // namespace connector::broker::authorization
