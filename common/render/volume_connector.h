#pragma once

// What templates see of the connectors of a volume: the fields behind resource::VolumeNames().
// Internal to common/render. Pure.

#include "common/mustache/template.h"
#include "common/render/volume.h"

#include <map>
#include <string>
#include <vector>

namespace connector::render {

// "connector ns/name", or the host where the connector has no name.
[[nodiscard]] std::string ConnectorTitle(const VolumeConnector& connector);

// Fails with kInvalidArgument for a host or upstream host that is no host[:port] in lower case
// (clients compare them by bytes), an upstream host that is the host itself, and in the path form a
// namespace or name that is no DNS label.
[[nodiscard]] Result<Done> CheckConnector(const VolumeConnector& connector);

// The CA of a volume: where the client reads it, and its text. Both empty: the system's trust.
struct Ca {
  std::string file;
  std::string_view text;
};

// The credentials of a connector that has a token of its own, by that token's address.
using OwnCredentials = std::map<const Secret*, Secret>;

// The fields of one connector. `ca` and `own` outlive them; `own` has its credential.
[[nodiscard]] mustache::Fields ConnectorFields(const VolumeConnector& connector,
                                               const Ca& ca,
                                               const OwnCredentials& own);

// The connector under each name by which clients may find it: its own host first.
[[nodiscard]] std::vector<VolumeConnector> UnderEachName(const VolumeConnector& connector);

// The lists connectors, mirrors, hosts and plain_hosts, in the order of the connectors; hosts and
// plain_hosts have each under each of its names. Of several connectors of one host or one registry
// the first is taken.
void AddLists(const std::vector<VolumeConnector>& connectors,
              const Ca& ca,
              const OwnCredentials& own,
              mustache::Fields& out);

}  // namespace connector::render
