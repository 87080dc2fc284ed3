#pragma once

// What the Kubernetes API holds, as this project sees it: a kind of resource, the name of an
// object, and the object as it came over the wire. Deliberately generic: what a Connector or a
// Secret means is read elsewhere.

#include "common/base/result.h"
#include "common/json/wiped_json.h"

#include <boost/json.hpp>

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace connector::kube {

struct ResourceType {
  std::string_view group;  // Empty: the core group.
  std::string_view version;
  std::string_view plural;  // As in the URL: "secrets".
  std::string_view kind;    // "Secret"
  bool namespaced = true;

  bool operator==(const ResourceType&) const = default;
  // "v1" or "oci-connector.dev/v1alpha1".
  [[nodiscard]] std::string ApiVersion() const;
};

inline constexpr ResourceType kConnectors{
    "oci-connector.dev", "v1alpha1", "connectors", "Connector", true};
inline constexpr ResourceType kConnectorClasses{
    "oci-connector.dev", "v1alpha1", "connectorclasses", "ConnectorClass", false};
inline constexpr ResourceType kSecrets{"", "v1", "secrets", "Secret", true};
inline constexpr ResourceType kServices{"", "v1", "services", "Service", true};
inline constexpr ResourceType kEndpointSlices{
    "discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true};
inline constexpr ResourceType kLeases{"coordination.k8s.io", "v1", "leases", "Lease", true};
inline constexpr ResourceType kEvents{"events.k8s.io", "v1", "events", "Event", true};
inline constexpr ResourceType kTokenReviews{
    "authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false};
inline constexpr ResourceType kSubjectAccessReviews{
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false};

struct ObjectName {
  std::string ns;  // Empty for what belongs to no namespace.
  std::string name;

  bool operator==(const ObjectName&) const = default;
  auto operator<=>(const ObjectName&) const = default;
  // "ns/name" or "name".
  [[nodiscard]] std::string ToString() const;
};

// One object, immutable and shared. Its memory is wiped when it goes, since it may be a Secret.
//
// As it came, but for two things: metadata.managedFields, which nobody here needs and which is
// often the largest part, is left out; apiVersion and kind, which the items of a list may lack, are
// there whenever the type is known.
class Object {
 public:
  // Fails with kUnavailable for what is not a JSON object with metadata.name and
  // metadata.resourceVersion, because whatever answered was not the API.
  [[nodiscard]] static Result<std::shared_ptr<const Object>> Parse(std::string_view json);
  // The same of a part of what was parsed into Memory(); fills apiVersion and kind in.
  [[nodiscard]] static Result<std::shared_ptr<const Object>> Take(boost::json::object part,
                                                                  const ResourceType& type);
  // What all objects, and copies of their parts, live in. It is never destroyed: a copy of a JSON
  // value stays in the memory of its original, and may outlive that.
  [[nodiscard]] static WipingMemory& Memory();

  [[nodiscard]] const boost::json::object& json() const { return json_; }
  [[nodiscard]] const ObjectName& name() const { return name_; }
  [[nodiscard]] const std::string& uid() const { return uid_; }  // Empty where it has none.
  // Opaque: only compared for equality, and sent back.
  [[nodiscard]] const std::string& resource_version() const { return resource_version_; }
  [[nodiscard]] std::int64_t generation() const { return generation_; }  // 0 where it has none.

 private:
  Object() = default;

  [[nodiscard]] static Result<std::shared_ptr<const Object>> Make(boost::json::object json);

  boost::json::object json_{&Memory()};
  ObjectName name_;
  std::string uid_;
  std::string resource_version_;
  std::int64_t generation_ = 0;
};

using ObjectPtr = std::shared_ptr<const Object>;

}  // namespace connector::kube
