#pragma once

// The Service c-NAME of a Connector: what it should be, whose the one that is there is, and what
// must change. Pure.
//
// A Service is ours when it has an owner reference to the uid of this very Connector. Anything else
// of that name is foreign and stays as it is: a Connector that happens to have the same name must
// not redirect a team's traffic.

#include "common/base/connector_ref.h"

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace connector::controller::service {

inline constexpr const char* kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr const char* kManager = "connector-controller";
inline constexpr const char* kConnectorLabel = "oci-connector.dev/connector";

enum class Mode : std::uint8_t { kExternalName, kEndpoints };

struct ProxyServiceSettings {
  Mode mode = Mode::kExternalName;
  std::string dataplane_ns;
  std::string dataplane_name;
  std::string cluster_domain = "cluster.local";
  std::optional<std::uint16_t> http_port = 80;
  std::optional<std::uint16_t> https_port;
  bool https_url = false;
};

struct Port {
  std::string name;  // "http", "https": also of the data plane's own ports.
  std::uint16_t port = 0;
};

// The Connector that a Service belongs to.
struct Owner {
  ConnectorRef ref;
  std::string uid;
};

[[nodiscard]] std::string NameOf(const ConnectorRef& ref);  // "c-harbor"
[[nodiscard]] std::string HostOf(const ConnectorRef& ref, const ProxyServiceSettings& settings);
[[nodiscard]] std::string UrlOf(const ConnectorRef& ref, const ProxyServiceSettings& settings);
[[nodiscard]] std::vector<Port> PortsOf(const ProxyServiceSettings& settings);

// The one owner reference that everything of ours has. Without blockOwnerDeletion, which would need
// rights over the Connectors themselves.
[[nodiscard]] boost::json::object OwnerReference(const Owner& owner);
[[nodiscard]] bool IsOwnedBy(const boost::json::object& resource, const std::string& uid);

// A body to create it with.
[[nodiscard]] boost::json::object BuildService(const Owner& owner,
                                               const ProxyServiceSettings& settings);

// Whose the Service is that stands in the way, and what to do; empty when it is ours.
[[nodiscard]] std::string ForeignProblem(const boost::json::object& observed, const Owner& owner);

// A merge patch that puts our own Service right, with its resourceVersion; absent when it is as it
// should be. What others added and does not matter (annotations, other labels) stays.
[[nodiscard]] std::optional<boost::json::object> BuildServicePatch(
    const boost::json::object& observed, const Owner& owner, const ProxyServiceSettings& settings);

}  // namespace connector::controller::service
