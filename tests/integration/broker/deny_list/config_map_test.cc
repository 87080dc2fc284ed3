// A deny list in a ConfigMap, watched with no more rights than the chart grants.

#include "broker/deny_list/deny_list_service.h"
#include "tests/support/cpp/eventually.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/support/cpp/kube_server.h"
#include "tests/support/cpp/root_keys.h"

#include <boost/asio/executor_work_guard.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace connector::broker::deny_list {
namespace {

using ::testing::HasSubstr;
using testing_support::KubeServer;

constexpr std::chrono::seconds kWait{30};
constexpr const char* kName = "deny-list";

class DenyListInAConfigMap : public ::testing::Test {
 protected:
  DenyListInAConfigMap() : thread_([this] { io_.run(); }) {
    server().NewServiceAccount(ns_, "broker");
    server().Grant(ns_,
                   "broker",
                   kName,
                   {boost::json::object{{"apiGroups", boost::json::array{""}},
                                        {"resources", boost::json::array{"configmaps"}},
                                        {"resourceNames", boost::json::array{kName}},
                                        {"verbs", boost::json::array{"list", "watch"}}}});
    kube::ApiClientParts parts;
    parts.random = [] { return 0.5; };
    client_.emplace(server().Settings(server().Token(ns_, "broker", {})), parts);
  }
  ~DenyListInAConfigMap() override {
    service_->Stop(std::chrono::steady_clock::now() + kWait);
    client_->Shutdown();
    work_.reset();
    thread_.join();
  }

  static KubeServer& server() { return KubeServer::Shared(); }

  void Start() {
    service_ = MakeDenyListService(
        DenyListOptions{.config_map = kube::ObjectName{ns_, kName}},
        &*client_,
        {active_, audit_, clock_, io_.get_executor(), log_, root_keys_, [this] { ++read_; }});
    ASSERT_TRUE(service_->Start().has_value());
  }
  void Put(const std::string& key, const std::string& text) {
    server().Apply(boost::json::object{{"apiVersion", "v1"},
                                       {"kind", "ConfigMap"},
                                       {"metadata", {{"name", kName}, {"namespace", ns_}}},
                                       {"data", {{key, text}}}});
  }
  template <typename Condition>
  [[nodiscard]] static bool Eventually(Condition condition) {
    return testing_support::Eventually(condition, kWait);
  }
  void PutList(const std::string& text) { Put("deny-list.yaml", text); }
  [[nodiscard]] bool Denies(const std::string& ns) const {
    const auto list = active_.Current();
    return list->entries() == std::vector<DeniedEntry>{{DeniedKind::kNamespace, ns}};
  }
  admin::Readiness Readiness() {
    admin::Readiness readiness;
    service_->AddReadiness(readiness);
    return readiness;
  }

  const std::string ns_ = server().NewNamespace("deny");
  SystemClock clock_;
  testing_support::FakeAuditLog audit_;
  log::Logger log_{2, "test", log::Level::kError};
  ActiveDenyList active_;
  root_key::ActiveRootKeys root_keys_{testing_support::ShareRootKeys("r")};
  std::atomic<int> read_ = 0;
  asio::io_context io_;
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  std::thread thread_;
  std::optional<kube::ApiClient> client_;
  std::unique_ptr<DenyListService> service_;
};

TEST_F(DenyListInAConfigMap, IsInForceOnceItIsThereAndFollowsItsChanges) {
  Start();
  EXPECT_TRUE(Eventually([this] {
    const auto reasons = Readiness().reasons;
    return reasons.size() == 1 && reasons[0].find("is not there") != std::string::npos;
  }));
  EXPECT_EQ(read_, 0);

  PutList("denied:\n- namespace: one\n");
  EXPECT_TRUE(Eventually([this] { return Denies("one"); }));
  EXPECT_TRUE(Eventually([this] { return Readiness().reasons.empty(); }));
  EXPECT_EQ(read_, 1);
  PutList("denied:\n- namespace: two\n");
  EXPECT_TRUE(Eventually([this] { return Denies("two"); }));

  EXPECT_TRUE(Eventually([this] { return audit_.events().size() == 3; }));
  EXPECT_THAT(audit_.events()[0].detail,
              HasSubstr("ConfigMap " + ns_ + "/deny-list, resourceVersion "));
  EXPECT_THAT(audit_.events()[0].detail, HasSubstr(": denies namespace \"one\""));
}

TEST_F(DenyListInAConfigMap, StaysInForceWhileItCannotBeUsed) {
  PutList("denied:\n- namespace: one\n");
  Start();
  EXPECT_TRUE(Eventually([this] { return Denies("one"); }));

  PutList("denied:\n- namespase: two\n");
  EXPECT_TRUE(Eventually([this] { return Readiness().degraded.size() == 1; }));
  EXPECT_TRUE(Denies("one"));
  server().Must("DELETE", "/api/v1/namespaces/" + ns_ + "/configmaps/" + kName);
  EXPECT_TRUE(Eventually([this] {
    const auto degraded = Readiness().degraded;
    return degraded.size() == 1 && degraded[0].find("is not there") != std::string::npos;
  }));
  EXPECT_TRUE(Denies("one"));
  Put("deny-list.yml", "denied: []\n");
  EXPECT_TRUE(Eventually([this] {
    const auto degraded = Readiness().degraded;
    return degraded.size() == 1 && degraded[0].find("has no key") != std::string::npos;
  }));
  EXPECT_TRUE(Denies("one"));

  PutList("denied: []\n");
  EXPECT_TRUE(Eventually([this] { return active_.Current()->entries().empty(); }));
  EXPECT_TRUE(Eventually([this] { return Readiness().degraded.empty(); }));
}

TEST_F(DenyListInAConfigMap, IsSilentWhileTheApiIsAway) {
  PutList("denied: []\n");
  Start();
  EXPECT_TRUE(Eventually([this] { return read_ == 1; }));
  client_->Shutdown();

  EXPECT_TRUE(Eventually([this] { return service_->Silence() > std::chrono::seconds(1); }));
}

}  // namespace
}  // namespace connector::broker::deny_list
