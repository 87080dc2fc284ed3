// Who the caller is and what it may do, as a real API server says.

#include "tests/contract/broker/callers/token_forge.h"
#include "tests/integration/broker/kubernetes_access/access_world.h"
#include "tests/support/cpp/eventually.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

namespace connector::broker {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::KubeServer;
using namespace std::chrono_literals;

constexpr const char* kAudience = "oci-connector";

std::string MakePod(KubeServer& server, const std::string& ns, const std::string& account) {
  const boost::json::value pod = {
      {"metadata", {{"name", "build-7"}}},
      {"spec",
       {{"serviceAccountName", account},
        {"automountServiceAccountToken", false},
        {"containers", {{{"name", "c"}, {"image", "registry.example.com/c"}}}}}}};
  server.Must("POST", "/api/v1/namespaces/" + ns + "/pods", boost::json::serialize(pod));
  return "build-7";
}

// What the API server learns from itself arrives within moments, and it remembers tokens for 10 s.
bool ComesTrue(AccessWorld& world, const std::function<bool()>& condition) {
  return testing_support::Eventually(
      [&] {
        world.clock().Advance(500ms);  // What we remember soon counts no more.
        return condition();
      },
      30s);
}

class KubernetesCaller : public ::testing::Test {
 protected:
  KubernetesCaller() {
    server_.NewServiceAccount(ns_, "builder");
    // The API server is asked for its issuer meanwhile.
    EXPECT_TRUE(ComesTrue(world_, [this] { return world_.access().NotReady().empty(); }));
  }
  std::string Token(const std::string& audience = kAudience, const std::string& pod = "") {
    return server_.Token(ns_, "builder", {.audience = audience, .seconds = 3600, .pod = pod});
  }

  KubeServer& server_ = KubeServer::Shared();
  const std::string ns_ = server_.NewNamespace("caller");
  AccessWorld world_{AccessWorld::Defaults()};
};

TEST_F(KubernetesCaller, IsTheServiceAccountAndThePodThatTheApiServerKnows) {
  const auto caller = world_.Verify(Token(kAudience, MakePod(server_, ns_, "builder")));

  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->service_account, (callers::ServiceAccount{ns_, "builder"}));
  EXPECT_EQ(caller->issuer, server_.issuer());
  ASSERT_TRUE(caller->kubernetes_user);
  EXPECT_NE(caller->kubernetes_user->uid, "");
  EXPECT_THAT(caller->kubernetes_user->groups,
              ::testing::IsSupersetOf({std::string("system:serviceaccounts:" + ns_)}));
  EXPECT_EQ(caller->kubernetes_user->extra.at("authentication.kubernetes.io/pod-name"),
            std::vector<std::string>{"build-7"});
}

TEST_F(KubernetesCaller, IsToldHowToGetATokenWhenItShowsTheOneOfTheApiServer) {
  for (const std::string& audience : {std::string(), std::string("other")}) {
    EXPECT_THAT(world_.Explain(Token(audience), {ns_, "harbor"}).reason(),
                AllOf(HasSubstr("kubectl create token NAME --audience oci-connector"),
                      HasSubstr("projected volume")));
  }
  EXPECT_EQ(world_.asked("tokenreviews"), 0);
}

TEST_F(KubernetesCaller, IsRefusedByTheApiServerItselfWhenTheTokenIsForAnotherAudience) {
  callers::CallersOptions options = AccessWorld::Defaults();
  options.audience = "other";
  options.kubernetes->issuer = server_.issuer();
  AccessWorld other(std::move(options));

  EXPECT_THAT(world_.Verify(Token("other")), HasError(ErrorCode::kUnauthenticated));
  EXPECT_TRUE(other.Verify(Token("other")));
}

TEST_F(KubernetesCaller, IsRefusedAfterTheTokensEnd) {
  const std::string token = Token();
  ASSERT_TRUE(world_.Verify(token));
  world_.clock().Advance(3600s);

  EXPECT_THAT(world_.Verify(token),
              HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("expired")));
}

TEST_F(KubernetesCaller, IsRefusedWhenTheSignatureIsNotTheClusters) {
  const std::string token = Token();
  ASSERT_TRUE(world_.Verify(token));
  std::string forged = token;
  forged[forged.rfind('.') + 5] = forged[forged.rfind('.') + 5] == 'A' ? 'B' : 'A';

  EXPECT_THAT(world_.Verify(forged),
              HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("signature")));
}

TEST_F(KubernetesCaller, CostsNoReviewWhenTheClusterDidNotSignItsToken) {
  ASSERT_TRUE(world_.Verify(Token()));
  const int asked = world_.asked("tokenreviews");
  const std::string token = Token();
  const std::string head = token.substr(0, token.rfind('.') + 1);
  for (int i = 0; i < 50; ++i) {
    std::string forged = head + std::string(342, "ABCDEFGH"[i % 8]);
    EXPECT_THAT(world_.Verify(forged), HasError(ErrorCode::kUnauthenticated));
  }

  EXPECT_EQ(world_.asked("tokenreviews"), asked);
  EXPECT_TRUE(world_.Verify(token));
}

TEST_F(KubernetesCaller, IsNarrowedToOneConnectorByTheAudienceOfItsToken) {
  world_.Publish(ns_);
  world_.Publish(ns_, {}, "another");
  world_.LetUse(ns_, "builder");
  const std::string wide = Token();
  const std::string narrow = Token("oci-connector/" + ns_ + "/harbor");
  ASSERT_TRUE(ComesTrue(world_, [&] { return world_.Issue(wide, {ns_, "another"}).has_grant(); }));

  EXPECT_TRUE(world_.Issue(narrow, {ns_, "harbor"}).has_grant());
  const v1::Denial denial = world_.Issue(narrow, {ns_, "another"}).denial();
  EXPECT_EQ(denial.reason(), v1::DENIAL_REASON_ACCESS_DENIED);
  EXPECT_THAT(denial.message(), HasSubstr("audience ends in /" + ns_ + "/another"));

  callers::CallersOptions options = AccessWorld::Defaults();
  options.require_connector_audience = true;
  AccessWorld strict(std::move(options));
  strict.Publish(ns_);
  ASSERT_TRUE(ComesTrue(strict, [&] { return strict.access().NotReady().empty(); }));
  EXPECT_TRUE(strict.Issue(narrow, {ns_, "harbor"}).has_grant());
  EXPECT_FALSE(strict.Issue(wide, {ns_, "harbor"}).has_grant());
}

TEST_F(KubernetesCaller, IsNobodyOnceItsPodOrItsServiceAccountIsDeleted) {
  server_.NewServiceAccount(ns_, "leaver");
  const std::string of_pod = Token(kAudience, MakePod(server_, ns_, "builder"));
  const std::string of_account =
      server_.Token(ns_, "leaver", {.audience = kAudience, .seconds = 3600});
  const std::string of_another = Token();
  ASSERT_TRUE(world_.Verify(of_pod));
  ASSERT_TRUE(world_.Verify(of_account));
  server_.Must("DELETE",
               "/api/v1/namespaces/" + ns_ + "/pods/build-7",
               R"({"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0})");
  server_.Must("DELETE", "/api/v1/namespaces/" + ns_ + "/serviceaccounts/leaver");

  EXPECT_TRUE(ComesTrue(world_, [&] {
    return !world_.Verify(of_pod).has_value() && !world_.Verify(of_account).has_value();
  }));
  EXPECT_THAT(world_.Verify(of_pod), HasError(ErrorCode::kUnauthenticated));
  EXPECT_TRUE(world_.Verify(of_another));
}

TEST_F(KubernetesCaller, IsVerifiedWithTheClustersKeysWhereThatIsConfigured) {
  callers::CallersOptions options = AccessWorld::Defaults();
  options.kubernetes->jwks = true;
  AccessWorld keys(std::move(options));
  const std::string token = Token();

  ASSERT_TRUE(ComesTrue(keys, [&] { return keys.access().NotReady().empty(); }));
  const auto caller = keys.Verify(token);
  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->Name(), "system:serviceaccount:" + ns_ + ":builder");
  EXPECT_THAT(keys.Verify(Token("other")), HasError(ErrorCode::kUnauthenticated));
  EXPECT_EQ(keys.asked("tokenreviews"), 0);
}

class KubernetesAccess : public KubernetesCaller {
 protected:
  KubernetesAccess() { world_.Publish(ns_); }
  [[nodiscard]] bool Granted(const std::string& token) {
    return world_.Issue(token, Harbor()).has_grant();
  }
  [[nodiscard]] ConnectorRef Harbor() const { return {ns_, "harbor"}; }
};

TEST_F(KubernetesAccess, IsARoleBindingAndEndsWithIt) {
  const std::string token = Token();
  const auto denied = world_.Issue(token, Harbor());
  EXPECT_EQ(denied.denial().reason(), v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
  EXPECT_THAT(world_.Explain(token, Harbor()).reason(), HasSubstr("RBAC does not let"));

  world_.LetUse(ns_, "builder");
  ASSERT_TRUE(ComesTrue(world_, [&] { return Granted(token); }));
  EXPECT_EQ(world_.audit().events().back().rule, "rbac");
  EXPECT_EQ(world_.Explain(token, Harbor()).rule(), "rbac");

  const auto binding =
      server_.Must("GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/" + ns_ + "/rolebindings");
  for (const auto& each : binding.at("items").as_array()) {
    server_.Must("DELETE",
                 "/apis/rbac.authorization.k8s.io/v1/namespaces/" + ns_ + "/rolebindings/" +
                     std::string(each.at("metadata").at("name").as_string()));
  }
  EXPECT_TRUE(ComesTrue(world_, [&] { return !Granted(token); }));
}

TEST_F(KubernetesAccess, IsPullByGetPushByCreateAndDeleteByDelete) {
  const std::vector<v1::Action> push = {v1::ACTION_PULL, v1::ACTION_PUSH};
  const std::vector<v1::Action> removal = {v1::ACTION_DELETE};
  const std::string token = Token();
  world_.LetUse(ns_, "builder", {"get", "list", "watch"}, "reader");
  ASSERT_TRUE(ComesTrue(world_, [&] { return Granted(token); }));
  for (const auto& actions : {push, removal}) {
    const v1::Denial denial = world_.Issue(token, Harbor(), actions).denial();
    EXPECT_EQ(denial.reason(), v1::DENIAL_REASON_ACCESS_DENIED);
    EXPECT_THAT(denial.message(), HasSubstr("on connectors/proxy"));
  }

  world_.LetUse(ns_, "builder", {"create"}, "writer");
  ASSERT_TRUE(ComesTrue(world_, [&] { return world_.Issue(token, Harbor(), push).has_grant(); }));
  EXPECT_FALSE(world_.Issue(token, Harbor(), removal).has_grant());

  world_.LetUse(ns_, "builder", {"delete"}, "cleaner");
  EXPECT_TRUE(
      ComesTrue(world_, [&] { return world_.Issue(token, Harbor(), removal).has_grant(); }));
}

TEST_F(KubernetesAccess, NeedsAMatchingRuleTooWhereTheConnectorHasRules) {
  world_.LetUse(ns_, "builder");
  world_.Publish(ns_, {{ns_, "builder"}});
  const std::string token = Token();
  ASSERT_TRUE(ComesTrue(world_, [&] { return Granted(token); }));
  EXPECT_EQ(world_.audit().events().back().rule, "rbac,access[0]");

  world_.Publish(ns_, {{ns_, "somebody-else"}});
  EXPECT_EQ(world_.Issue(token, Harbor()).denial().reason(), v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
}

TEST_F(KubernetesAccess, OfOneConnectorIsNoneOfAnother) {
  const boost::json::value rules = {{{"apiGroups", {"oci-connector.dev"}},
                                     {"resources", {"connectors/proxy"}},
                                     {"resourceNames", {"another"}},
                                     {"verbs", {"get"}}},
                                    {{"apiGroups", {"oci-connector.dev"}},
                                     {"resources", {"connectors"}},
                                     {"verbs", {"get", "list"}}}};
  server_.Grant(ns_, "builder", "use", rules.as_array());
  world_.Publish(ns_, {}, "another");
  const std::string token = Token();

  ASSERT_TRUE(ComesTrue(world_, [&] { return world_.Issue(token, {ns_, "another"}).has_grant(); }));
  EXPECT_FALSE(Granted(token));
}

TEST_F(KubernetesAccess, IsAskedOnceForAThousandCallsThatComeAtOnce) {
  world_.LetUse(ns_, "builder");
  const std::string probe = Token();
  ASSERT_TRUE(ComesTrue(world_, [&] { return Granted(probe); }));
  constexpr int kTokens = 20;
  std::vector<std::string> tokens;
  for (int i = 0; i < kTokens; ++i) {
    tokens.push_back(Token());
  }
  const int token_reviews = world_.asked("tokenreviews");
  const int access_reviews = world_.asked("subjectaccessreviews");

  std::vector<std::future<v1::IssueTokenResponse>> calls;
  for (int i = 0; i < 1000; ++i) {
    calls.push_back(world_.Start(tokens[static_cast<std::size_t>(i % kTokens)], Harbor()));
  }
  int granted = 0;
  for (auto& call : calls) {
    granted += call.get().has_grant() ? 1 : 0;
  }

  EXPECT_EQ(granted, 1000);
  EXPECT_EQ(world_.asked("tokenreviews") - token_reviews, kTokens);
  EXPECT_EQ(world_.asked("subjectaccessreviews") - access_reviews, kTokens);
}

TEST_F(KubernetesAccess, OfAQuietWorkloadIsDecidedWhileANoisyOneWaits) {
  world_.LetUse(ns_, "builder");
  const std::string quiet = Token();
  ASSERT_TRUE(ComesTrue(world_, [&] { return Granted(quiet); }));
  callers::CallersOptions options = AccessWorld::Defaults();
  options.kubernetes->issuer = server_.issuer();
  options.kubernetes->max_reviews_per_second = 20;
  AccessWorld slow(std::move(options));
  slow.Publish(ns_);
  server_.NewServiceAccount(ns_, "noisy");
  std::vector<std::string> tokens;
  for (int i = 0; i < 100; ++i) {  // Five seconds' worth, of which one comes through at once.
    tokens.push_back(server_.Token(ns_, "noisy", {.audience = kAudience, .seconds = 3600}));
  }
  ASSERT_TRUE(slow.Verify(tokens.front())) << "the cluster's keys are known from here on";
  std::vector<std::future<v1::IssueTokenResponse>> noisy;
  for (const std::string& token : tokens) {
    noisy.push_back(slow.Start(token, Harbor()));
  }

  EXPECT_TRUE(slow.Issue(quiet, Harbor()).has_grant());

  const auto waiting = std::count_if(noisy.begin(), noisy.end(), [](auto& call) {
    return call.wait_for(0s) != std::future_status::ready;
  });
  EXPECT_GT(waiting, 50) << "the quiet one was served last";
  for (auto& call : noisy) {
    call.wait();
  }
}

// Someone has taken the right away that every ServiceAccount has in a new cluster.
TEST(KubernetesKeys, ThatTheBrokerMayNotReadLeaveItToTheReviewAndAreReported) {
  KubeServer server;
  server.ApplyCrds();
  const std::string ns = server.NewNamespace();
  server.NewServiceAccount(ns, "builder");
  server.Must("DELETE",
              "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/"
              "system:service-account-issuer-discovery");
  callers::CallersOptions options = AccessWorld::Defaults();
  options.kubernetes->issuer = server.issuer();
  AccessWorld world(std::move(options), server);
  const auto missing = [&] {
    for (const prometheus::MetricFamily& family : world.access().Metrics()) {
      if (family.name == "connector_broker_cluster_keys_missing") {
        return family.metric.at(0).gauge.value;
      }
    }
    return -1.0;
  };
  const std::string token = server.Token(ns, "builder", {.audience = kAudience});

  ASSERT_TRUE(ComesTrue(world, [&] {
    (void)world.Verify(token);
    return missing() == 1.0;
  }));
  EXPECT_TRUE(world.Verify(token)) << "a review decides, as ever";
  std::string forged = token;
  forged[forged.rfind('.') + 5] = forged[forged.rfind('.') + 5] == 'A' ? 'B' : 'A';
  EXPECT_THAT(world.Verify(forged), HasError(ErrorCode::kUnauthenticated));

  const boost::json::value rules = {{{"nonResourceURLs", {"/openid/v1/jwks"}}, {"verbs", {"get"}}}};
  server.Grant("oci-connector", "broker", "keys", rules.as_array(), true);
  EXPECT_TRUE(ComesTrue(world, [&] {
    (void)world.Verify(token);
    return missing() == 0.0;
  }));
}

TEST(KubernetesDown, LetsWhatIsKnownGoOnAndSaysOfAllElseToComeBack) {
  KubeServer server;
  server.ApplyCrds();
  const std::string ns = server.NewNamespace();
  server.NewServiceAccount(ns, "builder");
  AccessWorld world(AccessWorld::Defaults(), server);
  world.Publish(ns);
  world.LetUse(ns, "builder");
  const std::string known = server.Token(ns, "builder", {.audience = kAudience});
  const std::string late = server.Token(ns, "builder", {.audience = kAudience});
  ASSERT_TRUE(ComesTrue(world, [&] { return world.Issue(known, {ns, "harbor"}).has_grant(); }));

  server.Kill();

  EXPECT_TRUE(world.Issue(known, {ns, "harbor"}).has_grant()) << "for as long as it is remembered";
  const v1::Denial refused = world.Issue(late, {ns, "harbor"}).denial();
  EXPECT_EQ(refused.reason(), v1::DENIAL_REASON_IDENTITY_UNAVAILABLE);
  EXPECT_GT(refused.retry_after().seconds(), 0);
  world.clock().Advance(10s);
  EXPECT_EQ(world.Issue(known, {ns, "harbor"}).denial().reason(),
            v1::DENIAL_REASON_IDENTITY_UNAVAILABLE);
  AccessWorld started_meanwhile(AccessWorld::Defaults(), server);
  EXPECT_THAT(started_meanwhile.access().NotReady(), HasSubstr("issuer"));

  server.Start();

  EXPECT_TRUE(ComesTrue(world, [&] { return world.Issue(late, {ns, "harbor"}).has_grant(); }));
  EXPECT_TRUE(
      ComesTrue(started_meanwhile, [&] { return started_meanwhile.access().NotReady().empty(); }));
}

}  // namespace
}  // namespace connector::broker
