#pragma once

// The EndpointSlices behind a Service c-NAME without a selector (Mode::kEndpoints): the data
// plane's own endpoints, copied into the Connector's namespace. Pure.
//
// Ports are matched by their names (http, https), so the data plane's Service calls them so.

#include "common/kube/object.h"
#include "controller/service/proxy_service.h"

#include <boost/json.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace connector::controller::service {

inline constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";
inline constexpr const char* kSliceManagedByLabel = "endpointslice.kubernetes.io/managed-by";
inline constexpr const char* kSliceManager = "connector-controller.oci-connector.dev";
inline constexpr std::size_t kMaxEndpointsPerSlice = 100;  // As Kubernetes's own controller.

// The data plane's endpoints: of each address type and set of ports, sorted by address. Made once
// for all Connectors when the data plane's slices change.
struct DataplaneEndpoints {
  struct Group {
    std::string address_type;  // "IPv4" or "IPv6"; others are left out.
    boost::json::array ports;
    boost::json::array endpoints;
  };
  std::vector<Group> groups;
  bool any_ready = false;
};

[[nodiscard]] DataplaneEndpoints CollectEndpoints(
    const std::vector<kube::ObjectPtr>& dataplane_slices, const ProxyServiceSettings& settings);

// Bodies by their names: c-harbor-ipv4-0 ...
[[nodiscard]] std::map<std::string, boost::json::object> BuildSlices(
    const DataplaneEndpoints& endpoints, const Owner& owner);

struct SliceChanges {
  std::vector<boost::json::object> create;
  std::vector<std::pair<std::string, boost::json::object>> patch;  // By name; merge patches.
  std::vector<kube::ObjectPtr> remove;
};

// `observed`: the slices that name our Service. Those that the Connector does not own are foreign,
// and stay.
[[nodiscard]] SliceChanges DiffSlices(const std::map<std::string, boost::json::object>& wanted,
                                      const std::vector<kube::ObjectPtr>& observed,
                                      const Owner& owner);

}  // namespace connector::controller::service
