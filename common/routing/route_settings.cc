#include "common/routing/route_settings.h"

#include "common/config/duration.h"
#include "common/config/problem.h"
#include "common/routing/host_pattern.h"

#include "proto/connector/config/v1/route_settings.pb.h"

#include <utility>

namespace connector::routing {
namespace {

using std::chrono::milliseconds;
namespace v1 = config::v1;

std::optional<milliseconds> ReadTimeout(const google::protobuf::Duration& file,
                                        const std::string& path,
                                        const OnProblem& on_problem) {
  const milliseconds value = config::ToMilliseconds(file);
  if (value <= milliseconds::zero()) {
    on_problem(path, "is zero; write at least 1ms, or remove the key for the default");
    return std::nullopt;
  }
  if (value > std::chrono::hours(24)) {
    on_problem(path, "is longer than a day; write at most 24h");
    return std::nullopt;
  }
  return value;
}

void SetDuration(milliseconds from, google::protobuf::Duration& out) {
  out.set_seconds(from.count() / 1000);
  out.set_nanos(static_cast<int>(from.count() % 1000) * 1'000'000);
}

}  // namespace

WrittenSettings ReadSettings(const v1::ConnectorRedirects& redirects,
                             const v1::ConnectorLimits& limits,
                             const OnProblem& on_problem) {
  WrittenSettings out;
  if (redirects.mode() != v1::REDIRECT_MODE_UNSPECIFIED) {
    out.mode =
        redirects.mode() == v1::REDIRECT_MODE_PASS ? RedirectMode::kPass : RedirectMode::kFollow;
  }
  for (int i = 0; i < redirects.hosts_size(); ++i) {
    std::string host = ReadHostPattern(redirects.hosts(i));
    if (host.empty()) {
      on_problem(config::Join("redirects.hosts", static_cast<std::size_t>(i)),
                 "is not a host; write a DNS name, *.SUFFIX or an IP address, without scheme, "
                 "port and path");
    } else {
      out.hosts.push_back(std::move(host));
    }
  }
  if (limits.has_max_concurrent_requests()) {
    if (limits.max_concurrent_requests() == 0) {
      on_problem("limits.maxConcurrentRequests",
                 "is zero, so that nothing could pass; write at least 1");
    } else {
      out.max_concurrent_requests = limits.max_concurrent_requests();
    }
  }
  if (limits.has_connect_timeout()) {
    out.connect_timeout =
        ReadTimeout(limits.connect_timeout(), "limits.connectTimeout", on_problem);
  }
  if (limits.has_idle_timeout()) {
    out.idle_timeout = ReadTimeout(limits.idle_timeout(), "limits.idleTimeout", on_problem);
  }
  return out;
}

RouteSettings Resolve(WrittenSettings own, const WrittenSettings& of_class) {
  const auto pick = [](const auto& first, const auto& second, auto& out) {
    if (first || second) {
      out = first ? *first : *second;
    }
  };
  RouteSettings out;
  pick(own.mode, of_class.mode, out.redirects.mode);
  out.redirects.hosts = own.hosts.empty() ? of_class.hosts : std::move(own.hosts);
  pick(own.max_concurrent_requests,
       of_class.max_concurrent_requests,
       out.limits.max_concurrent_requests);
  pick(own.connect_timeout, of_class.connect_timeout, out.limits.connect_timeout);
  pick(own.idle_timeout, of_class.idle_timeout, out.limits.idle_timeout);
  return out;
}

void ToProto(const RouteSettings& settings,
             v1::ConnectorRedirects& redirects,
             v1::ConnectorLimits& limits) {
  redirects.set_mode(settings.redirects.mode == RedirectMode::kPass ? v1::REDIRECT_MODE_PASS
                                                                    : v1::REDIRECT_MODE_FOLLOW);
  redirects.mutable_hosts()->Assign(settings.redirects.hosts.begin(),
                                    settings.redirects.hosts.end());
  limits.set_max_concurrent_requests(settings.limits.max_concurrent_requests);
  SetDuration(settings.limits.connect_timeout, *limits.mutable_connect_timeout());
  SetDuration(settings.limits.idle_timeout, *limits.mutable_idle_timeout());
}

RouteSettings FromProto(const v1::ConnectorRedirects& redirects,
                        const v1::ConnectorLimits& limits) {
  const auto ignore = [](const std::string& /*path*/, const char* /*message*/) {};
  return Resolve(ReadSettings(redirects, limits, ignore), {});
}

std::string CanonicalText(const RouteSettings& settings) {
  v1::ConnectorRedirects redirects;
  v1::ConnectorLimits limits;
  ToProto(settings, redirects, limits);
  // Neither message has a map, so that their bytes are the same everywhere. The length of the first
  // keeps two different pairs from giving one text.
  const std::string first = redirects.SerializeAsString();
  return std::to_string(first.size()) + ":" + first + limits.SerializeAsString();
}

}  // namespace connector::routing
