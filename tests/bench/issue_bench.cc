// Asks a broker for tokens over mTLS, many at a time, on one connection, and prints one line of
// JSON.
//
//   bench_issue --address HOST:PORT --pki DIR --connector NAME --requests N [--in-flight 64]
//
// Reads the caller's token from standard input. DIR holds ca.crt, dataplane.crt and dataplane.key.
// Each answer must be a grant with a credential.

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <latch>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace connector::bench {
namespace {

namespace v1 = connector::broker::v1;
using SteadyClock = std::chrono::steady_clock;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Calls that are repeated until the budget of all callers is used up.
class Caller {
 public:
  Caller(v1::Broker::Stub& stub, const v1::IssueTokenRequest& request, std::atomic<int>& budget)
      : stub_(stub), request_(request), budget_(budget) {}

  // `on_end` runs once, when the budget is used up or a call failed.
  void Run(std::function<void()> on_end) {
    on_end_ = std::move(on_end);
    Next();
  }

  [[nodiscard]] const std::vector<double>& latencies_us() const { return latencies_us_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void Next() {
    if (!failure_.empty() || budget_.fetch_sub(1) <= 0) {
      on_end_();
      return;
    }
    context_ = std::make_unique<grpc::ClientContext>();
    response_.Clear();
    begun_ = SteadyClock::now();
    stub_.async()->IssueToken(
        context_.get(), &request_, &response_, [this](grpc::Status status) { OnAnswer(status); });
  }

  void OnAnswer(const grpc::Status& status) {
    const std::chrono::duration<double, std::micro> taken = SteadyClock::now() - begun_;
    latencies_us_.push_back(taken.count());
    if (!status.ok()) {
      failure_ = "call failed, status " + std::to_string(status.error_code()) + ": " +
                 status.error_message();
    } else if (!response_.has_grant() || !response_.grant().has_credential()) {
      failure_ = "no grant: " + response_.denial().message();
    }
    Next();
  }

  v1::Broker::Stub& stub_;
  const v1::IssueTokenRequest& request_;
  std::atomic<int>& budget_;
  std::function<void()> on_end_;
  std::unique_ptr<grpc::ClientContext> context_;
  v1::IssueTokenResponse response_;
  SteadyClock::time_point begun_;
  std::vector<double> latencies_us_;
  std::string failure_;
};

std::shared_ptr<grpc::Channel> Connect(const std::string& address, const std::string& pki) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadFile(pki + "/ca.crt");
  options.pem_cert_chain = ReadFile(pki + "/dataplane.crt");
  options.pem_private_key = ReadFile(pki + "/dataplane.key");
  return grpc::CreateChannel(address, grpc::SslCredentials(options));
}

v1::IssueTokenRequest Request(const std::string& connector) {
  v1::IssueTokenRequest request;
  request.mutable_connector()->set_namespace_("default");
  request.mutable_connector()->set_name(connector);
  std::string token;
  std::getline(std::cin, token);
  request.set_caller_token(token);
  v1::Scope& scope = *request.add_scopes();
  scope.set_repository("app");
  scope.add_actions(v1::ACTION_PULL);
  request.set_request_id("bench");
  request.set_client_address("127.0.0.1");
  return request;
}

int Report(const std::vector<std::unique_ptr<Caller>>& callers, double seconds) {
  std::vector<double> all;
  for (const auto& caller : callers) {
    if (!caller->failure().empty()) {
      std::fprintf(stderr, "%s\n", caller->failure().c_str());
      return 1;
    }
    all.insert(all.end(), caller->latencies_us().begin(), caller->latencies_us().end());
  }
  std::sort(all.begin(), all.end());
  std::printf("{\"answered\":%zu,\"seconds\":%.6f,\"p50\":%.1f,\"p99\":%.1f}\n",
              all.size(),
              seconds,
              all[all.size() / 2],
              all[all.size() * 99 / 100]);
  return 0;
}

int Main(int argc, char** argv) {
  std::map<std::string, std::string> given{{"--in-flight", "64"}};
  for (int i = 1; i + 1 < argc; i += 2) {
    given[argv[i]] = argv[i + 1];
  }
  std::atomic<int> budget = std::atoi(given["--requests"].c_str());
  const int in_flight = std::atoi(given["--in-flight"].c_str());
  if (budget <= 0 || in_flight <= 0 || given["--address"].empty()) {
    std::fputs("bench_issue: --address, --pki, --connector and --requests are needed\n", stderr);
    return 2;
  }
  const auto stub = v1::Broker::NewStub(Connect(given["--address"], given["--pki"]));
  const v1::IssueTokenRequest request = Request(given["--connector"]);
  std::vector<std::unique_ptr<Caller>> callers;
  std::latch ended(in_flight);
  const SteadyClock::time_point begun = SteadyClock::now();
  for (int i = 0; i < in_flight; ++i) {
    callers.push_back(std::make_unique<Caller>(*stub, request, budget));
    callers.back()->Run([&ended] { ended.count_down(); });
  }
  ended.wait();
  const std::chrono::duration<double> seconds = SteadyClock::now() - begun;
  return Report(callers, seconds.count());
}

}  // namespace
}  // namespace connector::bench

int main(int argc, char** argv) {
  return connector::bench::Main(argc, argv);
}
