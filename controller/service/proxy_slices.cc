#include "controller/service/proxy_slices.h"

#include "controller/json/read.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

namespace connector::controller::service {
namespace {

namespace json = boost::json;

json::array PortsOfSlice(const json::object& slice, const ProxyServiceSettings& settings) {
  json::array out;
  const json::array* ports = ArrayAt(slice, "ports");
  for (const Port& wanted : PortsOf(settings)) {
    for (const json::value& value : ports == nullptr ? json::array() : *ports) {
      if (value.is_object() && TextAt(value.get_object(), "name") == wanted.name) {
        out.push_back(json::object{{"name", wanted.name},
                                   {"port", NumberAt(value.get_object(), "port").value_or(0)},
                                   {"protocol", "TCP"}});
      }
    }
  }
  return out;
}

// Only what traffic is led by; not the Pod, which is none of the Connector's namespace.
json::object EndpointCopy(const json::object& endpoint) {
  json::object out;
  for (const char* key : {"addresses", "conditions", "nodeName", "zone"}) {
    if (const json::value* found = endpoint.if_contains(key)) {
      out[key] = *found;
    }
  }
  return out;
}

std::string FirstAddress(const json::object& endpoint) {
  const json::array* addresses = ArrayAt(endpoint, "addresses");
  if (addresses == nullptr || addresses->empty() || !addresses->front().is_string()) {
    return {};
  }
  return std::string(addresses->front().get_string());
}

// An endpoint that does not say is ready, as the API's definition has it.
bool IsReady(const json::object& endpoint) {
  const json::object* conditions = ObjectAt(endpoint, "conditions");
  const json::value* ready = conditions == nullptr ? nullptr : conditions->if_contains("ready");
  return ready == nullptr || !ready->is_bool() || ready->get_bool();
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return text;
}

json::object Body(const std::string& name,
                  const DataplaneEndpoints::Group& group,
                  json::array endpoints,
                  const Owner& owner) {
  return {{"metadata",
           {{"name", name},
            {"namespace", owner.ref.ns},
            {"labels",
             {{kServiceNameLabel, NameOf(owner.ref)},
              {kSliceManagedByLabel, kSliceManager},
              {kManagedByLabel, kManager},
              {kConnectorLabel, owner.ref.name}}},
            {"ownerReferences", json::array{OwnerReference(owner)}}}},
          {"addressType", group.address_type},
          {"ports", group.ports},
          {"endpoints", std::move(endpoints)}};
}

// Members that the API adds to a copy, such as appProtocol, do not matter.
bool Covers(const json::value* observed, const json::value& wanted) {
  if (observed == nullptr) {
    return wanted.is_array() && wanted.get_array().empty();
  }
  if (wanted.is_object() && observed->is_object()) {
    const json::object& members = wanted.get_object();
    return std::all_of(members.begin(), members.end(), [&](const auto& member) {
      return Covers(observed->get_object().if_contains(member.key()), member.value());
    });
  }
  if (wanted.is_array() && observed->is_array()) {
    const json::array& left = observed->get_array();
    const json::array& right = wanted.get_array();
    for (std::size_t i = 0; i < right.size() && left.size() == right.size(); ++i) {
      if (!Covers(&left[i], right[i])) {
        return false;
      }
    }
    return left.size() == right.size();
  }
  return *observed == wanted;
}

}  // namespace

DataplaneEndpoints CollectEndpoints(const std::vector<kube::ObjectPtr>& dataplane_slices,
                                    const ProxyServiceSettings& settings) {
  // Address by address: one that two slices hold while they are being changed counts once.
  std::map<std::pair<std::string, std::string>,
           std::pair<json::array, std::map<std::string, json::object>>>
      groups;
  DataplaneEndpoints out;
  for (const kube::ObjectPtr& slice : dataplane_slices) {
    const std::string type = TextAt(slice->json(), "addressType");
    const json::array* endpoints = ArrayAt(slice->json(), "endpoints");
    json::array ports = PortsOfSlice(slice->json(), settings);
    if ((type != "IPv4" && type != "IPv6") || endpoints == nullptr || ports.empty()) {
      continue;
    }
    auto& group = groups[{type, json::serialize(ports)}];
    group.first = std::move(ports);
    for (const json::value& value : *endpoints) {
      const std::string address = value.is_object() ? FirstAddress(value.get_object()) : "";
      if (!address.empty()) {
        const bool ready = IsReady(value.get_object());
        out.any_ready = out.any_ready || ready;
        auto [at, added] = group.second.try_emplace(address);
        if (added || ready) {
          at->second = EndpointCopy(value.get_object());
        }
      }
    }
  }
  for (auto& [key, group] : groups) {
    json::array endpoints;
    for (auto& [address, endpoint] : group.second) {
      endpoints.push_back(std::move(endpoint));
    }
    out.groups.push_back({key.first, std::move(group.first), std::move(endpoints)});
  }
  return out;
}

std::map<std::string, json::object> BuildSlices(const DataplaneEndpoints& endpoints,
                                                const Owner& owner) {
  std::map<std::string, json::object> out;
  std::map<std::string, std::size_t> numbers;
  for (const DataplaneEndpoints::Group& group : endpoints.groups) {
    for (std::size_t from = 0; from < group.endpoints.size(); from += kMaxEndpointsPerSlice) {
      const std::size_t to = std::min(group.endpoints.size(), from + kMaxEndpointsPerSlice);
      json::array part(group.endpoints.begin() + static_cast<std::ptrdiff_t>(from),
                       group.endpoints.begin() + static_cast<std::ptrdiff_t>(to));
      const std::string family = Lower(group.address_type);
      const std::string name =
          NameOf(owner.ref) + "-" + family + "-" + std::to_string(numbers[family]++);
      out.emplace(name, Body(name, group, std::move(part), owner));
    }
  }
  return out;
}

SliceChanges DiffSlices(const std::map<std::string, json::object>& wanted,
                        const std::vector<kube::ObjectPtr>& observed,
                        const Owner& owner) {
  SliceChanges out;
  std::set<std::string> there;
  for (const kube::ObjectPtr& slice : observed) {
    if (!IsOwnedBy(slice->json(), owner.uid)) {
      continue;
    }
    const auto found = wanted.find(slice->name().name);
    if (found == wanted.end()) {
      out.remove.push_back(slice);
      continue;
    }
    there.insert(found->first);
    const json::value body = found->second;
    const json::value seen = slice->json();
    if (!Covers(&seen, body)) {
      json::object patch = found->second;
      patch["metadata"].get_object()["resourceVersion"] = slice->resource_version();
      out.patch.emplace_back(found->first, std::move(patch));
    }
  }
  for (const auto& [name, body] : wanted) {
    if (!there.contains(name)) {
      out.create.push_back(body);
    }
  }
  return out;
}

}  // namespace connector::controller::service
