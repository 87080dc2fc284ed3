#pragma once

// Allocates the messages of IssueToken, ExplainAccess and GetSealingKeys, and wipes the caller's
// token, the credential and the keys in them before their memory goes back to the heap. What gRPC
// itself copies (the bytes on the wire) is out of reach.

#include "proto/connector/broker/v1/broker.pb.h"

#include <grpcpp/support/message_allocator.h>
#include <openssl/crypto.h>

#include <string>

namespace connector::broker::api {

inline void Wipe(std::string& bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}
inline void Wipe(v1::IssueTokenRequest& request) {
  Wipe(*request.mutable_caller_token());
}
inline void Wipe(v1::ExplainAccessRequest& request) {
  Wipe(*request.mutable_caller_token());
}
inline void Wipe(v1::IssueTokenResponse& response) {
  if (response.has_grant() && response.grant().has_credential()) {
    Wipe(*response.mutable_grant()->mutable_credential()->mutable_value());
  }
}
inline void Wipe(v1::ExplainAccessResponse&) {}
inline void Wipe(v1::GetSealingKeysRequest&) {}
inline void Wipe(v1::GetSealingKeysResponse& response) {
  for (v1::SealingKey& key : *response.mutable_keys()) {
    Wipe(*key.mutable_key());
  }
}

template <typename Request, typename Response>
class WipingAllocator final : public ::grpc::MessageAllocator<Request, Response> {
 public:
  ::grpc::MessageHolder<Request, Response>* AllocateMessages() override { return new Holder; }

 private:
  class Holder final : public ::grpc::MessageHolder<Request, Response> {
   public:
    Holder() {
      this->set_request(&own_request_);
      this->set_response(&own_response_);
    }
    ~Holder() override {
      Wipe(own_request_);
      Wipe(own_response_);
    }
    void Release() override { delete this; }

   private:
    Request own_request_;
    Response own_response_;
  };
};

}  // namespace connector::broker::api
