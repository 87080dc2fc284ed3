#include "csi/volume/volume_attributes.h"

#include "common/base/input_error.h"
#include "common/config/yaml_scalar.h"
#include "common/render/volume.h"
#include "common/resource/names.h"

#include <algorithm>
#include <optional>

namespace connector::csi::volume {
namespace {

using Context = std::map<std::string, std::string>;

constexpr std::string_view kKubeletPrefix = "csi.storage.k8s.io/";
constexpr std::string_view kKnown[] = {"connectors",
                                       "connector.name",
                                       "connector.namespace",
                                       "configuration.names",
                                       "configuration.params",
                                       "token.expiration"};

// For messages: what a pod's author wrote, cut and without control characters.
std::string Shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 80;
  std::string shown(text.substr(0, kMaxShown));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return "\"" + shown + (text.size() > kMaxShown ? "...\"" : "\"");
}

const std::string* Find(const Context& context, const std::string& key) {
  const auto found = context.find(key);
  return found == context.end() ? nullptr : &found->second;
}

Result<Done> CheckNames(const Context& context) {
  for (const auto& [key, value] : context) {
    if (key.starts_with(kKubeletPrefix) ||
        std::find(std::begin(kKnown), std::end(kKnown), key) != std::end(kKnown)) {
      continue;
    }
    std::string known;
    for (const std::string_view name : kKnown) {
      known.append(known.empty() ? "" : ", ").append(name);
    }
    return InvalidInput("the volume attribute " + Shown(key) + " is not known; there are " + known);
  }
  return Done{};
}

Result<Pod> ReadPod(const Context& context) {
  Pod pod;
  const std::pair<const char*, std::string*> fields[] = {
      {"csi.storage.k8s.io/pod.namespace", &pod.ns},
      {"csi.storage.k8s.io/pod.name", &pod.name},
      {"csi.storage.k8s.io/pod.uid", &pod.uid},
      {"csi.storage.k8s.io/serviceAccount.name", &pod.service_account}};
  for (const auto& [key, out] : fields) {
    const std::string* value = Find(context, key);
    if (value == nullptr || value->empty()) {
      return InvalidInput(std::string(key) +
                          " is missing: the CSIDriver object needs podInfoOnMount: true");
    }
    *out = *value;
  }
  // They become part of a question to the API server about who the pod is.
  if (!resource::IsDnsLabel(pod.ns) || !resource::IsDnsSubdomain(pod.service_account)) {
    return InvalidInput(
        "the kubelet's names of the pod's namespace and ServiceAccount are no names");
  }
  const std::string* ephemeral = Find(context, "csi.storage.k8s.io/ephemeral");
  if (ephemeral == nullptr || *ephemeral != "true") {
    return InvalidInput(
        "only inline volumes of a pod are served (volumes[].csi), no PersistentVolumes; the "
        "CSIDriver object needs volumeLifecycleModes: [Ephemeral]");
  }
  return pod;
}

std::string_view Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

Result<ConnectorRef> ReadRef(std::string_view text, const std::string& default_namespace) {
  const std::size_t slash = text.find('/');
  ConnectorRef ref{
      slash == std::string_view::npos ? default_namespace : std::string(text.substr(0, slash)),
      std::string(slash == std::string_view::npos ? text : text.substr(slash + 1))};
  if (!resource::IsDnsLabel(ref.ns) || !resource::IsDnsLabel(ref.name) ||
      ref.name.size() > resource::kMaxConnectorNameBytes) {
    return InvalidInput("the volume attribute connectors names " + Shown(text) +
                        ", which is not [NAMESPACE/]NAME of a Connector");
  }
  return ref;
}

Result<std::vector<ConnectorRef>> ReadConnectorList(std::string_view text, const std::string& ns) {
  std::vector<ConnectorRef> refs;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = Trimmed(text.substr(0, comma));
    Result<ConnectorRef> ref = ReadRef(item, ns);
    if (!ref) {
      return ref.error();
    }
    if (std::find(refs.begin(), refs.end(), *ref) != refs.end()) {
      return InvalidInput("the volume attribute connectors names " + ref->ToString() + " twice");
    }
    refs.push_back(std::move(*ref));
    if (refs.size() > render::kMaxVolumeConnectors) {
      return InvalidInput("the volume attribute connectors names more than " +
                          std::to_string(render::kMaxVolumeConnectors) +
                          "; use a second volume for the others");
    }
    if (comma == text.size()) {
      return refs;
    }
    text.remove_prefix(comma + 1);
  }
}

Result<std::vector<ConnectorRef>> ReadConnectors(const Context& context, const std::string& ns) {
  const std::string* list = Find(context, "connectors");
  const std::string* name = Find(context, "connector.name");
  const std::string* name_space = Find(context, "connector.namespace");
  if (list != nullptr && (name != nullptr || name_space != nullptr)) {
    return InvalidInput(
        "the volume attributes connectors and connector.name say the same thing; leave one out");
  }
  if (list != nullptr) {
    return ReadConnectorList(*list, ns);
  }
  if (name == nullptr) {
    return InvalidInput(
        "the volume attribute connectors is missing: name the Connectors, as "
        "\"[NAMESPACE/]NAME,...\"");
  }
  const std::string text = (name_space == nullptr ? ns : *name_space) + "/" + *name;
  Result<ConnectorRef> ref = ReadRef(text, ns);
  if (!ref) {
    return InvalidInput("the volume attributes connector.namespace and connector.name say " +
                        Shown(text) + ", which is not NAMESPACE/NAME of a Connector");
  }
  return std::vector<ConnectorRef>{std::move(*ref)};
}

Result<Done> CheckExpiration(const Context& context) {
  const std::string* text = Find(context, "token.expiration");
  if (text == nullptr) {
    return Done{};
  }
  const Result<std::chrono::nanoseconds> duration = config::ParseDuration(*text);
  if (!duration || *duration < kMinExpiration || *duration > kMaxExpiration) {
    return InvalidInput("the volume attribute token.expiration says " + Shown(*text) +
                        "; it is a duration from 10m to 24h, as in 30m");
  }
  return Done{};
}

}  // namespace

Result<VolumeAttributes> ParseVolumeAttributes(const Context& context) {
  const Result<Done> names = CheckNames(context);
  if (!names) {
    return names.error();
  }
  Result<Pod> pod = ReadPod(context);
  if (!pod) {
    return pod.error();
  }
  VolumeAttributes attributes;
  attributes.pod = std::move(*pod);
  Result<std::vector<ConnectorRef>> connectors = ReadConnectors(context, attributes.pod.ns);
  if (!connectors) {
    return connectors.error();
  }
  attributes.connectors = std::move(*connectors);
  const Result<Done> expiration = CheckExpiration(context);
  if (!expiration) {
    return expiration.error();
  }
  if (const std::string* text = Find(context, "configuration.names")) {
    Result<std::vector<std::string>> configurations = render::ParseConfigurationNames(*text);
    if (!configurations) {
      return configurations.error();
    }
    attributes.configurations = std::move(*configurations);
  }
  if (const std::string* text = Find(context, "configuration.params")) {
    Result<std::map<std::string, std::string>> params = render::ParseParams(*text);
    if (!params) {
      return params.error();
    }
    attributes.params = std::move(*params);
  }
  return attributes;
}

}  // namespace connector::csi::volume
