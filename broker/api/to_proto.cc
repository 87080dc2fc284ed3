#include "broker/api/to_proto.h"

#include <algorithm>
#include <string_view>

namespace connector::broker::api {

v1::ConnectorRef ToProto(const ConnectorRef& ref) {
  v1::ConnectorRef out;
  out.set_namespace_(ref.ns);
  out.set_name(ref.name);
  return out;
}

v1::SecretClass ToProto(resource::SecretClass secret_class) {
  switch (secret_class) {
    case resource::SecretClass::kNone:
      return v1::SECRET_CLASS_NONE;
    case resource::SecretClass::kDerived:
      return v1::SECRET_CLASS_DERIVED;
    case resource::SecretClass::kBounded:
      return v1::SECRET_CLASS_BOUNDED;
    case resource::SecretClass::kStatic:
      return v1::SECRET_CLASS_STATIC;
  }
  return v1::SECRET_CLASS_UNSPECIFIED;
}

v1::Credential ToProto(const upstream_auth::UpstreamToken& token) {
  v1::Credential out;
  switch (token.scheme) {
    case upstream_auth::CredentialScheme::kNone:
      out.set_scheme(v1::CREDENTIAL_SCHEME_NONE);
      break;
    case upstream_auth::CredentialScheme::kBearer:
      out.set_scheme(v1::CREDENTIAL_SCHEME_BEARER);
      break;
    case upstream_auth::CredentialScheme::kBasic:
      out.set_scheme(v1::CREDENTIAL_SCHEME_BASIC);
      break;
  }
  const std::string_view value = token.value.Reveal();
  out.set_value(value.data(), value.size());
  *out.mutable_not_after() = ToProto(token.not_after);
  out.set_single_use(token.single_use);
  return out;
}

google::protobuf::Timestamp ToProto(WallTime time) {
  constexpr std::int64_t kLastSecond = 253402300799;
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  google::protobuf::Timestamp out;
  out.set_seconds(std::clamp<std::int64_t>(seconds.count(), 0, kLastSecond));
  out.set_nanos(static_cast<int>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count()));
  return out;
}

google::protobuf::Duration ToProto(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  google::protobuf::Duration out;
  out.set_seconds(seconds.count());
  out.set_nanos(static_cast<int>((duration - seconds).count()));
  return out;
}

}  // namespace connector::broker::api
