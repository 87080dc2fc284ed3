#pragma once

// RouteSettings: what a Connector says of the way to its registry and the data plane obeys. One
// struct from the resource to the route; in files and between programs it is the messages of
// proto/connector/config/v1/route_settings.proto. Pure.
//
// To add a field: the proto, this header, route_settings.cc and what obeys it in the data plane,
// then deploy/crds/generate. The unit test sets every field of the messages and finds one that is
// lost.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace connector::config::v1 {
class ConnectorLimits;
class ConnectorRedirects;
}  // namespace connector::config::v1

namespace connector::routing {

enum class RedirectMode : std::uint8_t { kFollow, kPass };

struct Redirects {
  RedirectMode mode = RedirectMode::kFollow;
  std::vector<std::string> hosts;  // DNS names, "*.suffix", IP literals; lower case, no port.

  bool operator==(const Redirects&) const = default;
};

struct Limits {
  std::uint32_t max_concurrent_requests = 256;
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds idle_timeout{60000};

  bool operator==(const Limits&) const = default;
};

struct RouteSettings {
  Redirects redirects;
  Limits limits;

  bool operator==(const RouteSettings&) const = default;
};

// What a Connector, or its class, writes of them.
struct WrittenSettings {
  std::optional<RedirectMode> mode;
  std::vector<std::string> hosts;  // Empty: none were written.
  std::optional<std::uint32_t> max_concurrent_requests;
  std::optional<std::chrono::milliseconds> connect_timeout;
  std::optional<std::chrono::milliseconds> idle_timeout;
};

// `path` is below spec.upstream: "limits.idleTimeout".
using OnProblem = std::function<void(const std::string& path, const char* message)>;

// What breaks a rule is reported and left out.
[[nodiscard]] WrittenSettings ReadSettings(const config::v1::ConnectorRedirects& redirects,
                                           const config::v1::ConnectorLimits& limits,
                                           const OnProblem& on_problem);

// What the Connector does not write comes from its class, then from the defaults above.
[[nodiscard]] RouteSettings Resolve(WrittenSettings own, const WrittenSettings& of_class);

// The same over the broker's API. FromProto puts the defaults in place of what breaks a rule.
void ToProto(const RouteSettings& settings,
             config::v1::ConnectorRedirects& redirects,
             config::v1::ConnectorLimits& limits);
[[nodiscard]] RouteSettings FromProto(const config::v1::ConnectorRedirects& redirects,
                                      const config::v1::ConnectorLimits& limits);

// Equal settings give equal text, on every broker.
[[nodiscard]] std::string CanonicalText(const RouteSettings& settings);

}  // namespace connector::routing
