#pragma once

// One call to the broker, as an operator: mutual TLS with the operator's certificate, one deadline,
// no retries. Used by `explain`, `check`, `listener-ca` and `ping`.

#include "cli/command.h"
#include "cli/command_arguments.h"
#include "common/base/result.h"

#include <memory>
#include <string>
#include <vector>

namespace connector::broker::v1 {
class CheckConnectorRequest;
class CheckConnectorResponse;
class ExplainAccessRequest;
class ExplainAccessResponse;
}  // namespace connector::broker::v1

namespace grpc {
class Channel;
}  // namespace grpc

namespace connector::broker_client {
class BrokerClient;
}  // namespace connector::broker_client

namespace connector::cli {

// `own`, followed by the flags with which a broker is found: --broker, --pki or the three files,
// --server-name, --timeout.
[[nodiscard]] std::vector<Flag> WithBrokerFlags(std::vector<Flag> own);

class OperatorClient {
 public:
  // Fails with kInvalidArgument or kNotFound when a flag is missing or a file cannot be read.
  // Does not connect yet.
  [[nodiscard]] static Result<OperatorClient> FromArguments(const CommandArguments& arguments);

  // Fail with kUnavailable or kDeadlineExceeded when the broker does not answer; with
  // kPermissionDenied when it does not take our certificate for this call; with what it says else.
  [[nodiscard]] Result<broker::v1::ExplainAccessResponse> Explain(
      const broker::v1::ExplainAccessRequest& request);
  [[nodiscard]] Result<broker::v1::CheckConnectorResponse> Check(
      const broker::v1::CheckConnectorRequest& request);
  // PEM.
  [[nodiscard]] Result<std::string> ListenerCa();
  // gRPC's health service: the broker takes our certificate in the handshake, and serves.
  [[nodiscard]] Result<Done> Health();

 private:
  OperatorClient(std::shared_ptr<::grpc::Channel> channel, std::chrono::seconds timeout);

  std::shared_ptr<::grpc::Channel> channel_;
  std::shared_ptr<broker_client::BrokerClient> broker_;
};

// The exit code for an error of the above.
[[nodiscard]] ExitCode ExitCodeOf(const Error& error);

}  // namespace connector::cli
