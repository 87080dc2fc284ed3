#include "common/grpc/credentials.h"
#include "tests/unit/cli/console_fixture.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <memory>

namespace connector::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Answers what the test sets, and keeps what it was asked.
class ScriptedBroker final : public broker::v1::Broker::Service {
 public:
  ::grpc::Status ExplainAccess(::grpc::ServerContext* /*context*/,
                               const broker::v1::ExplainAccessRequest* request,
                               broker::v1::ExplainAccessResponse* response) override {
    explain_asked = *request;
    *response = explain_answer;
    return status;
  }
  ::grpc::Status CheckConnector(::grpc::ServerContext* /*context*/,
                                const broker::v1::CheckConnectorRequest* request,
                                broker::v1::CheckConnectorResponse* response) override {
    check_asked = *request;
    *response = check_answer;
    return status;
  }

  ::grpc::Status GetListenerAuthority(::grpc::ServerContext* /*context*/,
                                      const broker::v1::GetListenerAuthorityRequest* /*request*/,
                                      broker::v1::GetListenerAuthorityResponse* response) override {
    response->set_ca_pem("the CA\n");
    return status;
  }

  ::grpc::Status status;
  broker::v1::ExplainAccessRequest explain_asked;
  broker::v1::ExplainAccessResponse explain_answer;
  broker::v1::CheckConnectorRequest check_asked;
  broker::v1::CheckConnectorResponse check_answer;
};

// A real gRPC server with mutual TLS on a free port, and a PKI that `pki init` made.
class AtABroker : public InDirectory {
 protected:
  AtABroker() {
    EXPECT_EQ(Connectorctl({"pki", "init", pki_}).code, kExitOk);
    ::grpc::EnableDefaultHealthCheckService(true);
    ::grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0",
                             grpc_support::MakeServerCredentials(
                                 {pki_ + "/broker.crt", pki_ + "/broker.key", pki_ + "/ca.crt"}),
                             &port);
    builder.RegisterService(&broker_);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~AtABroker() override { server_->Shutdown(); }

  [[nodiscard]] Outcome Explain(std::vector<std::string_view> more = {}) const {
    std::vector<std::string_view> arguments{"explain",
                                            "--broker",
                                            address_,
                                            "--pki",
                                            pki_,
                                            "--connector=default/harbor",
                                            "--token-file",
                                            "-",
                                            "--repository=team-a/app",
                                            "--action=pull"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Connectorctl(arguments, "caller-token\n");
  }

  [[nodiscard]] Outcome Check(std::vector<std::string_view> more = {}) const {
    std::vector<std::string_view> arguments{
        "check", "default/harbor", "--broker", address_, "--pki", pki_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Connectorctl(arguments);
  }

  broker::v1::ProbeStep& AddStep(const std::string& name, bool ok) {
    broker::v1::ProbeStep& step = *broker_.check_answer.add_steps();
    step.set_name(name);
    step.set_ok(ok);
    step.mutable_took()->set_nanos(12000000);
    return step;
  }

  std::string pki_ = Path("pki");
  std::string address_;
  ScriptedBroker broker_;
  std::unique_ptr<::grpc::Server> server_;
};

TEST_F(AtABroker, PingTellsThatTheBrokerServes) {
  const Outcome outcome = Connectorctl({"ping", "--broker", address_, "--pki", pki_});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(outcome.out, "ok      broker\n");
}

TEST_F(AtABroker, PingTellsThatTheBrokerDrains) {
  server_->GetHealthCheckService()->SetServingStatus(false);
  const Outcome outcome = Connectorctl({"ping", "--broker", address_, "--pki", pki_});
  EXPECT_EQ(outcome.code, kExitUnreachable);
  EXPECT_EQ(outcome.out, "FAILED  broker  the broker does not serve: it starts, or it drains\n");
}

TEST_F(AtABroker, PingTellsThatNoDataplaneIsThere) {
  const Outcome outcome = Connectorctl(
      {"ping", "--broker", address_, "--pki", pki_, "--dataplane", "http://127.0.0.1:1"});
  EXPECT_EQ(outcome.code, kExitUnreachable);
  EXPECT_THAT(outcome.out, HasSubstr("FAILED  dataplane  "));
}

TEST_F(AtABroker, PingWantsAUrl) {
  const Outcome outcome =
      Connectorctl({"ping", "--broker", address_, "--pki", pki_, "--dataplane", "dataplane:80"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_THAT(outcome.err, HasSubstr("--dataplane must be a URL"));
}

TEST_F(AtABroker, ListenerCaPrintsTheCaAndNothingElse) {
  const Outcome outcome = Connectorctl({"listener-ca", "--broker", address_, "--pki", pki_});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(outcome.out, "the CA\n");
}

TEST_F(AtABroker, ListenerCaSaysThatThereIsNone) {
  broker_.status = {::grpc::StatusCode::FAILED_PRECONDITION, "add listenerAuthority: {}"};
  const Outcome outcome = Connectorctl({"listener-ca", "--broker", address_, "--pki", pki_});
  EXPECT_EQ(outcome.code, kExitUnreachable);
  EXPECT_THAT(outcome.err, HasSubstr("add listenerAuthority: {}"));
}

TEST_F(AtABroker, ExplainPrintsTheRuleThatAllows) {
  broker_.explain_answer.set_allowed(true);
  broker_.explain_answer.set_subject("system:serviceaccount:ci:builder");
  broker_.explain_answer.set_rule("access[0]");
  broker_.explain_answer.set_reason("access[0] matches");
  const Outcome outcome = Explain({"--action=push,delete"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(outcome.out,
            "allowed\nsubject: system:serviceaccount:ci:builder\nrule:    access[0]\n"
            "reason:  access[0] matches\n");
  const auto& asked = broker_.explain_asked;
  EXPECT_EQ(asked.connector().namespace_(), "default");
  EXPECT_EQ(asked.connector().name(), "harbor");
  EXPECT_EQ(asked.caller_token(), "caller-token");
  ASSERT_EQ(asked.scopes_size(), 1);
  EXPECT_EQ(asked.scopes(0).repository(), "team-a/app");
  EXPECT_THAT(asked.scopes(0).actions(),
              testing::ElementsAre(
                  broker::v1::ACTION_PULL, broker::v1::ACTION_PUSH, broker::v1::ACTION_DELETE));
}

TEST_F(AtABroker, ExplainExitsWithOneWhenAccessIsDenied) {
  broker_.explain_answer.set_reason("no rule");
  const Outcome outcome = Explain();
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_EQ(outcome.out, "denied\nsubject: -\nrule:    -\nreason:  no rule\n");
}

TEST_F(AtABroker, ExplainRefusesBadInputBeforeItAsks) {
  EXPECT_THAT(Explain({"--action=psh"}).err, HasSubstr("none of pull, push, delete"));
  EXPECT_THAT(Explain({"--action=,"}).err, HasSubstr("none of pull, push, delete"));
  const Outcome repository = Connectorctl({"explain",
                                           "--broker",
                                           address_,
                                           "--pki",
                                           pki_,
                                           "--connector=a/b",
                                           "--token-file=-",
                                           "--repository=h:1/x:v1",
                                           "--action=pull"},
                                          "t");
  EXPECT_EQ(repository.code, kExitUsage);
  EXPECT_THAT(repository.err, HasSubstr("--repository must be"));
  EXPECT_THAT(broker_.explain_asked.caller_token(), IsEmpty());
}

TEST_F(AtABroker, CheckPrintsEachStep) {
  AddStep("secret", true);
  AddStep("liveness", true);
  const Outcome outcome = Check();
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(outcome.out, "ok      secret      12 ms\nok      liveness    12 ms\n");
  EXPECT_EQ(broker_.check_asked.connector().name(), "harbor");
}

TEST_F(AtABroker, CheckExitsWithOneWhenAStepFailed) {
  AddStep("secret", true);
  broker::v1::ProbeStep& step = AddStep("liveness", false);
  step.set_reason("ConnectionFailed");
  step.set_message("harbor.example.com refuses connections");
  const Outcome outcome = Check();
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_THAT(outcome.out,
              HasSubstr("FAILED  liveness    12 ms  ConnectionFailed: harbor.example.com refuses"));
}

TEST_F(AtABroker, CheckDoesNotCallNoStepsASuccess) {
  EXPECT_EQ(Check().code, kExitFailed);
}

struct StatusRow {
  ::grpc::StatusCode status;
  int code;
};

TEST_F(AtABroker, TheExitCodeTellsAskingWronglyFromNoAnswer) {
  for (const auto& [status, code] :
       {StatusRow{::grpc::StatusCode::INVALID_ARGUMENT, kExitUsage},
        StatusRow{::grpc::StatusCode::NOT_FOUND, kExitUsage},
        StatusRow{::grpc::StatusCode::PERMISSION_DENIED, kExitUsage},
        StatusRow{::grpc::StatusCode::UNAUTHENTICATED, kExitUsage},
        StatusRow{::grpc::StatusCode::UNAVAILABLE, kExitUnreachable},
        StatusRow{::grpc::StatusCode::DEADLINE_EXCEEDED, kExitUnreachable},
        StatusRow{::grpc::StatusCode::INTERNAL, kExitUnreachable}}) {
    broker_.status = ::grpc::Status(status, "because");
    for (const Outcome& outcome : {Check(), Explain()}) {
      EXPECT_EQ(outcome.code, code) << status;
      EXPECT_THAT(outcome.err, AllOf(HasSubstr("because"), Not(HasSubstr("caller-token"))));
    }
  }
}

TEST_F(AtABroker, AnotherAuthoritysBrokerIsNoBroker) {
  AddStep("secret", true);
  const std::string other = Path("other");
  ASSERT_EQ(Connectorctl({"pki", "init", other}).code, kExitOk);
  const std::string other_ca = other + "/ca.crt";
  EXPECT_EQ(Check({"--ca-file", other_ca, "--timeout=2s"}).code, kExitUnreachable);
  EXPECT_EQ(Check({"--server-name=registry.example.com", "--timeout=2s"}).code, kExitUnreachable);
  EXPECT_EQ(Check({"--server-name=connector-broker"}).code, kExitOk);
}

TEST_F(AtABroker, FilesThatAreMissingAreNamed) {
  const std::string none = Path("none");
  const Outcome outcome = Check({"--key-file", none});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_THAT(outcome.err, HasSubstr(none));
  const Outcome no_pki = Connectorctl({"check", "a/b", "--broker", address_});
  EXPECT_EQ(no_pki.code, kExitUsage);
  EXPECT_THAT(no_pki.err, HasSubstr("--pki DIR or --ca-file FILE is missing"));
}

}  // namespace
}  // namespace connector::cli
