#include "controller/status/status_patch.h"

#include "controller/json/read.h"

#include <utility>
#include <vector>

namespace connector::controller::status {

std::optional<boost::json::object> StatusPatch(const kube::Object& connector,
                                               const WantedStatus& wanted,
                                               WallTime now) {
  const std::vector<Condition> before = ReadConditions(connector.json());
  const std::vector<Condition> after = Merge(before, wanted.states, connector.generation(), now);
  const boost::json::object nothing;
  const boost::json::object* found = ObjectAt(connector.json(), "status");
  const boost::json::object& status = found == nullptr ? nothing : *found;
  const boost::json::object* address = ObjectAt(status, "address");

  const bool same =
      before == after && address != nullptr && TextAt(*address, "host") == wanted.host &&
      TextAt(*address, "url") == wanted.url &&
      (!wanted.ca_certs || TextAt(*address, "caCerts") == *wanted.ca_certs) &&
      (wanted.secret_class.empty() || TextAt(status, "secretClass") == wanted.secret_class) &&
      NumberAt(status, "observedGeneration") == connector.generation();
  if (same) {
    return std::nullopt;
  }
  boost::json::object reached{{"host", wanted.host}, {"url", wanted.url}};
  if (wanted.ca_certs) {  // A merge patch: null takes a member away.
    reached["caCerts"] = wanted.ca_certs->empty() ? boost::json::value(nullptr)
                                                  : boost::json::value(*wanted.ca_certs);
  }
  boost::json::object written{{"address", std::move(reached)},
                              {"observedGeneration", connector.generation()},
                              {"conditions", ToJson(after)}};
  if (!wanted.secret_class.empty()) {
    written["secretClass"] = wanted.secret_class;
  }
  return boost::json::object{
      {"metadata", {{"resourceVersion", connector.resource_version()}, {"uid", connector.uid()}}},
      {"status", std::move(written)}};
}

}  // namespace connector::controller::status
