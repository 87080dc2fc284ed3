#pragma once

// Converts our types to messages of the broker's API. Pure.

#include "broker/upstream_auth/minter.h"
#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/resource/connector.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <chrono>

namespace connector::broker::api {

[[nodiscard]] v1::ConnectorRef ToProto(const ConnectorRef& ref);
[[nodiscard]] v1::SecretClass ToProto(resource::SecretClass secret_class);
// The only function that writes a credential into a message.
[[nodiscard]] v1::Credential ToProto(const upstream_auth::UpstreamToken& token);
// Times beyond what a Timestamp can say (year 9999) become its last.
[[nodiscard]] google::protobuf::Timestamp ToProto(WallTime time);
[[nodiscard]] google::protobuf::Duration ToProto(std::chrono::nanoseconds duration);

}  // namespace connector::broker::api
