#include "csi/cluster/connector_view.h"

#include "common/http/origin.h"
#include "common/resource/connector.h"
#include "common/resource/validation.h"
#include "common/routing/host_pattern.h"

#include <boost/json.hpp>

#include <algorithm>
#include <string_view>

namespace connector::csi::cluster {
namespace {

constexpr std::size_t kMaxProblemBytes = 400;

const boost::json::object* ObjectIn(const boost::json::object* in, std::string_view key) {
  const boost::json::value* value = in == nullptr ? nullptr : in->if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::string_view TextIn(const boost::json::object* in, std::string_view key) {
  const boost::json::value* value = in == nullptr ? nullptr : in->if_contains(key);
  const boost::json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

// It goes into a gRPC status and an event of the pod.
std::string Printable(std::string text) {
  text.resize(std::min(text.size(), kMaxProblemBytes));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::string Describe(const boost::json::object& condition) {
  std::string text(TextIn(&condition, "type"));
  text.append(" is ").append(TextIn(&condition, "status"));
  if (const std::string_view reason = TextIn(&condition, "reason"); !reason.empty()) {
    text.append(" (").append(reason).append(")");
  }
  if (const std::string_view message = TextIn(&condition, "message"); !message.empty()) {
    text.append(": ").append(message);
  }
  return Printable(std::move(text));
}

// The condition that explains best comes first: Ready itself only repeats another one.
void ReadConditions(const boost::json::object* status, ConnectorView& view) {
  const boost::json::value* value = status == nullptr ? nullptr : status->if_contains("conditions");
  const boost::json::array* conditions = value == nullptr ? nullptr : value->if_array();
  view.problem = "its controller has not looked at it yet";
  if (conditions == nullptr) {
    return;
  }
  const boost::json::object* ready = nullptr;
  const boost::json::object* failing = nullptr;
  for (const boost::json::value& entry : *conditions) {
    const boost::json::object* condition = entry.if_object();
    if (TextIn(condition, "type") == "Ready") {
      ready = condition;
    } else if (failing == nullptr && condition != nullptr &&
               TextIn(condition, "status") != "True") {
      failing = condition;
    }
  }
  view.ready = TextIn(ready, "status") == "True";
  if (view.ready) {
    view.problem.clear();
  } else if (failing != nullptr) {
    view.problem = Describe(*failing);
  } else if (ready != nullptr) {
    view.problem = Describe(*ready);
  }
}

std::string UpstreamHost(std::string_view address) {
  const Result<http::Origin> origin = http::ParseOrigin(address);
  if (!origin) {
    return {};
  }
  return routing::IsDockerHubHost(origin->host) ? "docker.io" : origin->Authority();
}

// As images name it: the URL has the port where that is not the scheme's own.
void ReadAddress(const boost::json::object* address, ConnectorView& view) {
  const Result<http::Origin> origin = http::ParseOrigin(TextIn(address, "url"));
  view.host = origin ? origin->Authority() : std::string(TextIn(address, "host"));
  view.tls = origin && origin->tls;
  view.ca_certs = std::string(TextIn(address, "caCerts"));
}

}  // namespace

ConnectorView ReadConnectorView(const boost::json::object& object) {
  const boost::json::object* spec = ObjectIn(&object, "spec");
  const boost::json::object* status = ObjectIn(&object, "status");
  ConnectorView view;
  view.class_name = std::string(TextIn(spec, "connectorClassName"));
  if (view.class_name.empty()) {
    view.class_name = resource::kDefaultClass;
  }
  const boost::json::value* strict =
      spec == nullptr ? nullptr : spec->if_contains("requireConnectorAudience");
  view.requires_own_audience = strict != nullptr && strict->is_bool() && strict->get_bool();
  ReadAddress(ObjectIn(status, "address"), view);
  view.upstream_host = UpstreamHost(TextIn(spec, "address"));
  ReadConditions(status, view);
  return view;
}

}  // namespace connector::csi::cluster
