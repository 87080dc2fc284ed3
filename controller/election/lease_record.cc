#include "controller/election/lease_record.h"

#include "controller/json/read.h"

namespace connector::controller::election {

LeaseRecord ReadLease(const boost::json::object& lease) {
  const boost::json::object* spec = ObjectAt(lease, "spec");
  if (spec == nullptr) {
    return {};
  }
  return {TextAt(*spec, "holderIdentity"),
          NumberAt(*spec, "leaseDurationSeconds").value_or(0),
          TextAt(*spec, "acquireTime"),
          TextAt(*spec, "renewTime"),
          NumberAt(*spec, "leaseTransitions").value_or(0)};
}

boost::json::object WriteLease(const std::string& name,
                               const LeaseRecord& record,
                               const std::string& resource_version) {
  boost::json::object metadata{{"name", name}};
  if (!resource_version.empty()) {
    metadata["resourceVersion"] = resource_version;
  }
  return {{"metadata", std::move(metadata)},
          {"spec",
           {{"holderIdentity", record.holder},
            {"leaseDurationSeconds", record.duration_seconds},
            {"acquireTime", record.acquire_time},
            {"renewTime", record.renew_time},
            {"leaseTransitions", record.transitions}}}};
}

}  // namespace connector::controller::election
