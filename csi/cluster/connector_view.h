#pragma once

// What a mount needs to know of a Connector, read from the object as the API sent it: where clients
// reach it, and whether the controller found it to work. Pure. Reads no other field, so that a
// Connector written for a newer release can still be mounted.

#include <boost/json/fwd.hpp>

#include <string>

namespace connector::csi::cluster {

struct ConnectorView {
  std::string class_name;
  std::string host;           // host[:port] of status.address; empty as long as there is none.
  bool tls = false;           // Whether status.address.url is https.
  std::string ca_certs;       // status.address.caCerts: PEM that clients verify by; may be empty.
  std::string upstream_host;  // host[:port] of the registry as images name it: for mirrors.
  bool requires_own_audience = false;  // spec.requireConnectorAudience
  bool ready = false;
  // Why it is not: "SecretReady is False (SecretNotFound): ...". Printable, at most 400 bytes.
  std::string problem;

  bool operator==(const ConnectorView&) const = default;
};

[[nodiscard]] ConnectorView ReadConnectorView(const boost::json::object& object);

}  // namespace connector::csi::cluster
