#include "csi/publish/resolver.h"

#include "common/config/problem.h"
#include "common/config/read_file.h"
#include "common/resource/ca_bundle.h"
#include "common/resource/documents.h"
#include "common/resource/validation.h"

#include <optional>
#include <utility>

namespace connector::csi::publish {
namespace {

constexpr std::size_t kMaxCaBytes = std::size_t{256} * 1024;

std::string Quoted(const ConnectorRef& ref) {
  return "connector \"" + ref.ToString() + "\"";
}

std::string DescribeCommand(const ConnectorRef& ref) {
  return "kubectl -n " + ref.ns + " describe connector " + ref.name;
}

PublishFailure Missing(const ConnectorRef& ref) {
  return {Reason::kNoConnector,
          Quoted(ref) +
              " not found: check the name and namespace in the volume attribute connectors "
              "(kubectl -n " +
              ref.ns + " get connectors)"};
}

PublishFailure NotGranted(const ConnectorRef& ref, const volume::Pod& pod) {
  return {Reason::kNotGranted,
          Quoted(ref) + " is not granted to the ServiceAccount " + pod.ns + "/" +
              pod.service_account +
              ": it needs a RoleBinding to a Role with the verb get on connectors/proxy of the "
              "group oci-connector.dev in the namespace " +
              ref.ns};
}

PublishFailure NotReady(const ConnectorRef& ref, const std::string& problem) {
  return {Reason::kNotReady,
          Quoted(ref) + " is not ready: " + problem + " (" + DescribeCommand(ref) + ")"};
}

// Adds what clients verify by, and says what is wrong with it. Without it there is no volume, and
// never one with clear text: whoever is between would read the pod's token.
std::optional<std::string> TrustListener(const std::string& ca_certs, std::string& ca_bundle) {
  if (ca_certs.empty()) {
    return "its status.address.url is https and has no caCerts to verify it by yet; where the "
           "certificate is not the broker's, set dataplane.caFile or dataplane.tls of the CSI "
           "driver";
  }
  if (ca_bundle.find(ca_certs) != std::string::npos) {
    return std::nullopt;
  }
  const Result<Done> sound = resource::CheckCaBundle(ca_certs);
  if (!sound) {
    return "its status.address.caCerts cannot be used: " + sound.error().message;
  }
  ca_bundle += ca_certs;
  return std::nullopt;
}

PublishFailure ApiFailure(const ConnectorRef& ref, const Error& error) {
  return {Reason::kApi,
          Quoted(ref) + ": the Kubernetes API could not be asked whether the pod may use it: " +
              error.message};
}

}  // namespace

VolumeResolver::VolumeResolver(ResolverOptions options,
                               std::function<ClusterSnapshot()> snapshot,
                               cluster::ProxyAccessChecker& access_checker)
    : options_(std::move(options)),
      snapshot_(std::move(snapshot)),
      access_checker_(access_checker) {}

Task<VolumeResolver::Answer> VolumeResolver::Resolve(volume::VolumeAttributes attributes,
                                                     Stage stage,
                                                     Deadline deadline) {
  const ClusterSnapshot snapshot = snapshot_();
  if (!snapshot.synced) {
    co_return PublishFailure{
        Reason::kApi,
        "the driver has not read the cluster's Connectors yet; is the Kubernetes API "
        "reachable from the node?"};
  }
  Resolved out;
  render::VolumeRequest& request = out.request;
  request.configurations =
      attributes.configurations.empty() ? options_.configurations : attributes.configurations;
  request.params = std::move(attributes.params);
  if (!options_.ca_file.empty()) {
    Result<std::string> ca = config::ReadFile(options_.ca_file, kMaxCaBytes);
    if (!ca) {
      co_return PublishFailure{Reason::kFileSystem,
                               "the data plane's CA cannot be read: " + ca.error().message};
    }
    request.ca_bundle = std::move(*ca);
  }
  const volume::Pod& pod = attributes.pod;
  for (const ConnectorRef& ref : attributes.connectors) {
    const kube::ObjectPtr object = snapshot.connectors->Find({ref.ns, ref.name});
    if (object == nullptr && (ref.ns == pod.ns || stage == Stage::kRefresh)) {
      co_return Missing(ref);
    }
    if (stage == Stage::kMount) {
      cluster::PodAccount account{pod.ns, pod.service_account};
      const Result<bool> granted =
          co_await access_checker_.MayUse(std::move(account), ref, deadline);
      if (!granted) {
        co_return ApiFailure(ref, granted.error());
      }
      if (!*granted) {
        co_return NotGranted(ref, pod);
      }
    }
    if (object == nullptr) {
      co_return Missing(ref);
    }
    cluster::ConnectorView view = cluster::ReadConnectorView(object->json());
    if (view.host.empty() || (stage == Stage::kMount && !view.ready)) {
      co_return NotReady(ref,
                         view.problem.empty() ? "its status has no address yet" : view.problem);
    }
    FoundClass found = FindClass(snapshot, Quoted(ref), view.class_name);
    if (auto* failure = std::get_if<PublishFailure>(&found)) {
      co_return std::move(*failure);
    }
    if (!options_.tls && view.tls) {
      const std::optional<std::string> problem = TrustListener(view.ca_certs, request.ca_bundle);
      if (problem) {
        co_return NotReady(ref, *problem);
      }
    }
    ParsedClass& connector_class = std::get<ParsedClass>(found);
    if (view.requires_own_audience || connector_class.strict) {
      out.strict.insert(ref);
    }
    request.connectors.push_back({ref,
                                  std::move(view.host),
                                  options_.tls || view.tls,
                                  /*path_form=*/false,
                                  std::move(view.upstream_host),
                                  std::move(view.class_name),
                                  std::move(connector_class.configurations)});
  }
  co_return std::move(out);
}

VolumeResolver::FoundClass VolumeResolver::FindClass(const ClusterSnapshot& snapshot,
                                                     const std::string& connector,
                                                     const std::string& class_name) {
  const kube::ObjectPtr object = snapshot.classes->Find({{}, class_name});
  if (object == nullptr) {
    if (class_name == resource::kDefaultClass) {
      return ParsedClass{{}, render::BuiltInConfigurations()};
    }
    return PublishFailure{Reason::kNotReady,
                          connector + " has the class " + class_name +
                              ", which does not exist (kubectl get connectorclasses)"};
  }
  const std::lock_guard lock(mutex_);
  ParsedClass& parsed = classes_[class_name];
  if (parsed.resource_version != object->resource_version()) {
    resource::FileDocuments documents =
        resource::ParseObject(resource::Kind::kConnectorClass, object->json());
    if (documents.classes.size() != 1) {
      return PublishFailure{
          Reason::kNotReady,
          connector + " has a class that cannot be used: " + config::Format(documents.problems)};
    }
    resource::ConnectorClass& read = documents.classes.front().connector_class;
    auto& own = read.configurations;
    parsed.configurations = own.empty()
                                ? render::BuiltInConfigurations()
                                : std::make_shared<const render::Configurations>(std::move(own));
    parsed.strict = read.require_connector_audience;
    parsed.resource_version = object->resource_version();
  }
  return parsed;
}

}  // namespace connector::csi::publish
