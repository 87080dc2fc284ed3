#include "tests/integration/broker/program/every_method.h"

#include "common/x509/x509_certificates.h"
#include "tests/unit/broker/api/fakes.h"

#include <gtest/gtest.h>

#include <chrono>

namespace connector::broker::api {
namespace {

std::chrono::system_clock::time_point SoonEnough() {
  return std::chrono::system_clock::now() + std::chrono::seconds(30);
}

template <typename Request, typename Response>
grpc::StatusCode CodeOf(v1::Broker::Stub& stub,
                        grpc::Status (v1::Broker::Stub::*method)(grpc::ClientContext*,
                                                                 const Request&,
                                                                 Response*),
                        const Request& request,
                        Response response = {}) {
  grpc::ClientContext context;
  context.set_deadline(SoonEnough());
  return (stub.*method)(&context, request, &response).error_code();
}

grpc::StatusCode CodeOfWatch(v1::Broker::Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(SoonEnough());
  const auto stream = stub.WatchRoutes(&context, {});
  v1::WatchRoutesResponse response;
  if (!stream->Read(&response)) {
    return stream->Finish().error_code();
  }
  context.TryCancel();
  static_cast<void>(stream->Finish());
  return grpc::StatusCode::OK;
}

// Who is refused gets none of them.
grpc::StatusCode CodeOfSealingKeys(v1::Broker::Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(SoonEnough());
  v1::GetSealingKeysResponse response;
  const grpc::StatusCode code = stub.GetSealingKeys(&context, {}, &response).error_code();
  EXPECT_EQ(response.keys().empty(), code != grpc::StatusCode::OK);
  return code;
}

template <typename Request>
Request OfHarbor() {
  Request request;
  request.mutable_connector()->set_namespace_("default");
  request.mutable_connector()->set_name("harbor");
  return request;
}

}  // namespace

std::vector<grpc::StatusCode> CodesOfEveryMethod(v1::Broker::Stub& stub, EVP_PKEY* listener_key) {
  v1::IssueListenerCertificateRequest certificate;
  certificate.set_host("c-harbor.default.svc");
  certificate.set_certificate_request(*x509::MakeKeyProof(listener_key));
  using Stub = v1::Broker::Stub;
  return {CodeOf(stub, &Stub::IssueToken, PullRequest<v1::IssueTokenRequest>("team-a/app")),
          CodeOfWatch(stub),
          CodeOfSealingKeys(stub),
          CodeOf(stub, &Stub::CheckConnector, OfHarbor<v1::CheckConnectorRequest>()),
          CodeOf(stub, &Stub::ExplainAccess, OfHarbor<v1::ExplainAccessRequest>()),
          CodeOf(stub, &Stub::IssueListenerCertificate, certificate),
          CodeOf(stub, &Stub::GetListenerAuthority, v1::GetListenerAuthorityRequest())};
}

}  // namespace connector::broker::api
