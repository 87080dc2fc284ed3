#include "cli/operator_client.h"

#include "cli/files.h"
#include "cli/values.h"
#include "common/base/input_error.h"
#include "common/broker_client/broker_client.h"
#include "common/broker_client/channel.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <utility>

namespace connector::cli {
namespace {

using broker::v1::Broker;

// The file of one flag: named by itself, or standing in the --pki directory. It is read here,
// because gRPC would only say that a handshake failed.
Result<std::string> FileOf(const CommandArguments& arguments,
                           std::string_view flag,
                           std::string_view name_in_pki) {
  std::string path = arguments.ValueOr(flag, "");
  if (path.empty()) {
    const auto pki = arguments.Value("pki");
    if (!pki) {
      return InvalidInput("--pki DIR or --" + std::string(flag) + " FILE is missing");
    }
    path = *pki + "/" + std::string(name_in_pki);
  }
  if (const Result<Secret> content = ReadSecretFile(path); !content) {
    return content.error();
  }
  return path;
}

Error FromStatus(const ::grpc::Status& status) {
  const std::string said =
      status.error_message().empty() ? "it gave no reason" : status.error_message();
  const auto error = [](ErrorCode code, std::string message) {
    return MakeError(code, ErrorOrigin::kBroker, std::move(message));
  };
  switch (status.error_code()) {
    case ::grpc::StatusCode::INVALID_ARGUMENT:
      return error(ErrorCode::kInvalidArgument, "the broker refuses the request: " + said);
    case ::grpc::StatusCode::NOT_FOUND:
      return error(ErrorCode::kNotFound, "the broker does not know it: " + said);
    case ::grpc::StatusCode::PERMISSION_DENIED:
    case ::grpc::StatusCode::UNAUTHENTICATED:
      return error(
          ErrorCode::kPermissionDenied,
          "the broker does not take this certificate for an operator's (its peers.operators "
          "lists whom it takes): " +
              said);
    case ::grpc::StatusCode::DEADLINE_EXCEEDED:
      return error(ErrorCode::kDeadlineExceeded,
                   "the broker did not answer in time (--timeout): " + said);
    default:
      return error(ErrorCode::kUnavailable,
                   "the broker could not be reached or could not answer: " + said);
  }
}

}  // namespace

std::vector<Flag> WithBrokerFlags(std::vector<Flag> own) {
  const Flag flags[] = {
      {.name = "broker",
       .value_name = "ADDR",
       .help = "The broker, for example 127.0.0.1:7443.",
       .required = true},
      {.name = "pki", .value_name = "DIR", .help = "A directory made by 'pki init'."},
      {.name = "ca-file", .value_name = "FILE", .help = "The broker's CA; default: DIR/ca.crt."},
      {.name = "certificate-file",
       .value_name = "FILE",
       .help = "The operator's certificate; default: DIR/operator.crt."},
      {.name = "key-file",
       .value_name = "FILE",
       .help = "The operator's key; default: DIR/operator.key."},
      {.name = "server-name",
       .value_name = "NAME",
       .help = "Name in the broker's certificate; default: the host of ADDR."},
      {.name = "timeout",
       .value_name = "TIME",
       .help = "Time limit of the whole call; default: 15s."}};
  own.insert(own.end(), std::begin(flags), std::end(flags));
  return own;
}

Result<OperatorClient> OperatorClient::FromArguments(const CommandArguments& arguments) {
  const Result<std::chrono::seconds> timeout = ParseDuration(arguments.ValueOr("timeout", "15s"));
  if (!timeout) {
    return timeout.error();
  }
  Result<std::string> ca = FileOf(arguments, "ca-file", "ca.crt");
  Result<std::string> certificate = FileOf(arguments, "certificate-file", "operator.crt");
  Result<std::string> key = FileOf(arguments, "key-file", "operator.key");
  for (const Result<std::string>* file : {&ca, &certificate, &key}) {
    if (!*file) {
      return file->error();
    }
  }
  broker_client::BrokerAddress endpoint;
  endpoint.address = arguments.ValueOr("broker", "");
  endpoint.tls = {*std::move(certificate), *std::move(key), *std::move(ca)};
  endpoint.server_name = arguments.ValueOr("server-name", "");
  return OperatorClient(
      broker_client::MakeBrokerChannel(endpoint, broker_client::ChannelUse::kOneCall), *timeout);
}

OperatorClient::OperatorClient(std::shared_ptr<::grpc::Channel> channel,
                               std::chrono::seconds timeout)
    : channel_(std::move(channel)),
      broker_(std::make_shared<broker_client::BrokerClient>(channel_, timeout)) {}

Result<broker::v1::ExplainAccessResponse> OperatorClient::Explain(
    const broker::v1::ExplainAccessRequest& request) {
  broker::v1::ExplainAccessResponse response;
  const ::grpc::Status status = broker_->Call(request, response, &Broker::Stub::ExplainAccess);
  return status.ok() ? Result<broker::v1::ExplainAccessResponse>(std::move(response))
                     : FromStatus(status);
}

Result<broker::v1::CheckConnectorResponse> OperatorClient::Check(
    const broker::v1::CheckConnectorRequest& request) {
  broker::v1::CheckConnectorResponse response;
  const ::grpc::Status status = broker_->Call(request, response, &Broker::Stub::CheckConnector);
  return status.ok() ? Result<broker::v1::CheckConnectorResponse>(std::move(response))
                     : FromStatus(status);
}

Result<std::string> OperatorClient::ListenerCa() {
  broker::v1::GetListenerAuthorityResponse response;
  const ::grpc::Status status = broker_->Call(
      broker::v1::GetListenerAuthorityRequest(), response, &Broker::Stub::GetListenerAuthority);
  return status.ok() ? Result<std::string>(response.ca_pem()) : FromStatus(status);
}

Result<Done> OperatorClient::Health() {
  // grpc.health.v1, whose generated code Debian does not ship: the request for the whole server is
  // empty, and the answer is one enum, which is 1 when it serves.
  const ::grpc::Slice nothing;
  const ::grpc::ByteBuffer request(&nothing, 1);
  ::grpc::ByteBuffer response;
  ::grpc::ClientContext context;
  broker_->SetDeadline(context);
  ::grpc::Status status;
  ::grpc::CompletionQueue queue;
  ::grpc::GenericStub stub(channel_);
  const auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok()) {
    return FromStatus(status);
  }
  std::vector<::grpc::Slice> slices;
  std::string bytes;
  if (response.Dump(&slices).ok()) {
    for (const ::grpc::Slice& slice : slices) {
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  return bytes == "\x08\x01" ? Result<Done>(Done{})
                             : MakeError(ErrorCode::kUnavailable,
                                         ErrorOrigin::kBroker,
                                         "the broker does not serve: it starts, or it drains");
}

ExitCode ExitCodeOf(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadlineExceeded
             ? kExitUnreachable
             : kExitUsage;
}

}  // namespace connector::cli
