#pragma once

// VolumeResolver: from what a volume asks for to what its files are made of. Looks the Connectors
// and their classes up in copies of the cluster's, and asks whether the pod may use them.
//
// A Connector that is missing in the pod's own namespace is reported as missing. For one in another
// namespace the pod's rights are checked first: mounting must not reveal what others have.

#include "common/async/task.h"
#include "common/kube/informer.h"
#include "common/render/volume.h"
#include "csi/cluster/connector_view.h"
#include "csi/cluster/proxy_access_checker.h"
#include "csi/publish/assign_tokens.h"
#include "csi/publish/failure.h"
#include "csi/volume/volume_attributes.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace connector::csi::publish {

// The cluster as the informers know it.
struct ClusterSnapshot {
  bool synced = false;
  std::shared_ptr<const kube::Store> connectors;
  std::shared_ptr<const kube::Store> classes;
};

struct ResolverOptions {
  std::vector<std::string> configurations;  // For a volume that names none.
  // Without either, a Connector's status says it: where its URL is https, clients verify by the
  // caCerts that stand there.
  bool tls = false;
  std::string ca_file;  // Of the data plane; read at each call. Empty: none.
};

enum class Stage {
  kMount,    // Everything is checked.
  kRefresh,  // Of a living mount: rights and readiness were, and the broker checks each request.
};

class VolumeResolver {
 public:
  struct Resolved {
    render::VolumeRequest request;  // Without the tokens.
    StrictConnectors strict;
  };
  using Answer = std::variant<Resolved, PublishFailure>;

  // `access_checker` outlives the resolver.
  VolumeResolver(ResolverOptions options,
                 std::function<ClusterSnapshot()> snapshot,
                 cluster::ProxyAccessChecker& access_checker);

  // Thread-safe.
  [[nodiscard]] Task<Answer> Resolve(volume::VolumeAttributes attributes,
                                     Stage stage,
                                     Deadline deadline);

 private:
  struct ParsedClass {
    std::string resource_version;
    std::shared_ptr<const render::Configurations> configurations;
    bool strict = false;  // requireConnectorAudience
  };
  using FoundClass = std::variant<ParsedClass, PublishFailure>;

  [[nodiscard]] FoundClass FindClass(const ClusterSnapshot& snapshot,
                                     const std::string& connector,
                                     const std::string& class_name);

  ResolverOptions options_;
  std::function<ClusterSnapshot()> snapshot_;
  cluster::ProxyAccessChecker& access_checker_;
  std::mutex mutex_;
  std::map<std::string, ParsedClass> classes_;  // By name.
};

}  // namespace connector::csi::publish
