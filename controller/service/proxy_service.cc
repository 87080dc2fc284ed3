#include "controller/service/proxy_service.h"

#include "common/kube/object.h"
#include "controller/json/read.h"

#include <utility>

namespace connector::controller::service {
namespace {

namespace json = boost::json;

json::object Labels(const Owner& owner) {
  return {{kManagedByLabel, kManager}, {kConnectorLabel, owner.ref.name}};
}

json::array PortList(const ProxyServiceSettings& settings) {
  json::array ports;
  for (const Port& port : PortsOf(settings)) {
    ports.push_back(json::object{
        {"name", port.name}, {"protocol", "TCP"}, {"port", port.port}, {"targetPort", port.port}});
  }
  return ports;
}

std::string ExternalName(const ProxyServiceSettings& settings) {
  return settings.dataplane_name + "." + settings.dataplane_ns + ".svc." + settings.cluster_domain;
}

// What of `spec` is ours to say; null takes a member away.
json::object BuildSpec(const ProxyServiceSettings& settings) {
  json::object spec{{"ports", PortList(settings)}, {"selector", nullptr}};
  if (settings.mode == Mode::kExternalName) {
    spec["type"] = "ExternalName";
    spec["externalName"] = ExternalName(settings);
  } else {
    spec["type"] = "ClusterIP";
    spec["externalName"] = nullptr;
  }
  return spec;
}

bool PortsAreEqual(const json::array* observed, const json::array& wanted) {
  if (observed == nullptr || observed->size() != wanted.size()) {
    return false;
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const json::object* port = (*observed)[i].if_object();
    if (port == nullptr) {
      return false;
    }
    for (const auto& [key, value] : wanted[i].get_object()) {
      const json::value* found = port->if_contains(key);
      if (found == nullptr || *found != value) {
        return false;
      }
    }
  }
  return true;
}

bool SpecIsRight(const json::object& observed, const json::object& wanted) {
  for (const auto& [key, value] : wanted) {
    const json::value* found = observed.if_contains(key);
    if (key == "ports") {
      if (!PortsAreEqual(found == nullptr ? nullptr : found->if_array(), value.get_array())) {
        return false;
      }
      continue;
    }
    if (value.is_null()) {
      const bool nothing = found == nullptr || found->is_null() ||
                           (found->is_object() && found->get_object().empty()) ||
                           (found->is_string() && found->get_string().empty());
      if (!nothing) {
        return false;
      }
    } else if (found == nullptr || *found != value) {
      return false;
    }
  }
  return true;
}

const json::array* OwnersOf(const json::object& resource) {
  const json::object* metadata = ObjectAt(resource, "metadata");
  return metadata == nullptr ? nullptr : ArrayAt(*metadata, "ownerReferences");
}

bool HasOurReference(const json::object& resource, const Owner& owner) {
  const json::array* owners = OwnersOf(resource);
  const json::object wanted = OwnerReference(owner);
  if (owners == nullptr) {
    return false;
  }
  for (const json::value& value : *owners) {
    bool same = value.is_object();
    for (const auto& [key, member] : wanted) {
      const json::value* found = same ? value.get_object().if_contains(key) : nullptr;
      same = found != nullptr && *found == member;
    }
    if (same) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string NameOf(const ConnectorRef& ref) {
  return "c-" + ref.name;
}

std::string HostOf(const ConnectorRef& ref, const ProxyServiceSettings& settings) {
  return NameOf(ref) + "." + ref.ns + ".svc." + settings.cluster_domain;
}

std::string UrlOf(const ConnectorRef& ref, const ProxyServiceSettings& settings) {
  const std::uint16_t usual = settings.https_url ? 443 : 80;
  const std::uint16_t port =
      (settings.https_url ? settings.https_port : settings.http_port).value_or(usual);
  const std::string suffix = port == usual ? "" : ":" + std::to_string(port);
  return (settings.https_url ? "https://" : "http://") + HostOf(ref, settings) + suffix;
}

std::vector<Port> PortsOf(const ProxyServiceSettings& settings) {
  std::vector<Port> ports;
  if (settings.http_port) {
    ports.push_back({"http", *settings.http_port});
  }
  if (settings.https_port) {
    ports.push_back({"https", *settings.https_port});
  }
  return ports;
}

json::object OwnerReference(const Owner& owner) {
  return {{"apiVersion", kube::kConnectors.ApiVersion()},
          {"kind", kube::kConnectors.kind},
          {"name", owner.ref.name},
          {"uid", owner.uid},
          {"controller", true}};
}

bool IsOwnedBy(const json::object& resource, const std::string& uid) {
  const json::array* owners = OwnersOf(resource);
  if (owners == nullptr || uid.empty()) {
    return false;
  }
  for (const json::value& value : *owners) {
    if (value.is_object() && TextAt(value.get_object(), "uid") == uid) {
      return true;
    }
  }
  return false;
}

json::object BuildService(const Owner& owner, const ProxyServiceSettings& settings) {
  json::object spec;
  for (auto& [key, value] : BuildSpec(settings)) {
    if (!value.is_null()) {
      spec[key] = value;
    }
  }
  return {{"metadata",
           {{"name", NameOf(owner.ref)},
            {"namespace", owner.ref.ns},
            {"labels", Labels(owner)},
            {"ownerReferences", json::array{OwnerReference(owner)}}}},
          {"spec", std::move(spec)}};
}

std::string ForeignProblem(const json::object& observed, const Owner& owner) {
  if (IsOwnedBy(observed, owner.uid)) {
    return {};
  }
  const std::string service = "the Service " + owner.ref.ns + "/" + NameOf(owner.ref);
  const json::array* owners = OwnersOf(observed);
  if (owners == nullptr || owners->empty() || !owners->front().is_object()) {
    return service +
           " is there and belongs to nobody that it names; delete or rename it, or "
           "rename the Connector";
  }
  const json::object& other = owners->front().get_object();
  const std::string kind = TextAt(other, "kind");
  if (kind == kube::kConnectors.kind && TextAt(other, "name") == owner.ref.name) {
    return service +
           " belongs to an earlier Connector of this name; the cluster's garbage "
           "collector removes it, else delete it";
  }
  return service + " belongs to the " + kind + " " + TextAt(other, "name") +
         "; delete or rename it there, or rename the Connector";
}

std::optional<json::object> BuildServicePatch(const json::object& observed,
                                              const Owner& owner,
                                              const ProxyServiceSettings& settings) {
  json::object metadata;
  json::object patch;
  json::object labels;
  for (const auto& [key, value] : Labels(owner)) {
    if (LabelOf(observed, key) != std::string_view(value.get_string())) {
      labels[key] = value;
    }
  }
  if (!labels.empty()) {
    metadata["labels"] = std::move(labels);
  }
  if (!HasOurReference(observed, owner)) {
    metadata["ownerReferences"] = json::array{OwnerReference(owner)};
  }
  const json::object* spec = ObjectAt(observed, "spec");
  json::object wanted = BuildSpec(settings);
  if (spec == nullptr || !SpecIsRight(*spec, wanted)) {
    patch["spec"] = std::move(wanted);
  }
  if (metadata.empty() && patch.empty()) {
    return std::nullopt;
  }
  // Corrects what was seen and nothing else: whoever wrote meanwhile makes this a conflict.
  if (const json::object* seen = ObjectAt(observed, "metadata")) {
    metadata["resourceVersion"] = TextAt(*seen, "resourceVersion");
    metadata["uid"] = TextAt(*seen, "uid");
  }
  patch["metadata"] = std::move(metadata);
  return patch;
}

}  // namespace connector::controller::service
