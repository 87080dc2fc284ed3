#pragma once

// Which token each connector of a volume gets: the one for its own audience, where the kubelet
// hands one over, else the one for every connector. Pure. The kubelet makes a token of each
// audience in the CSIDriver object's tokenRequests, so that the driver needs no right to make any.
//
// A connector that accepts no other than its own is never given another: its clients would be
// refused at each request, and nobody would see why.

#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/render/volume.h"
#include "csi/publish/failure.h"
#include "csi/volume/kubelet_token.h"

#include <optional>
#include <set>
#include <string>

namespace connector::csi::publish {

struct AudienceRules {
  std::string audience = "oci-connector";   // The broker's.
  bool require_connector_audience = false;  // Of every connector: the broker accepts no other.
};

// The connectors of a volume that themselves, or by their class, accept their own audience alone.
using StrictConnectors = std::set<ConnectorRef>;

// Sets `request`'s tokens, and `expires_at` to when the first of them ends. Where each connector
// has its own, the volume does not hold the one for all; that of a single connector stands there,
// too.
[[nodiscard]] std::optional<PublishFailure> AssignTokens(const volume::KubeletTokens& tokens,
                                                         const AudienceRules& rules,
                                                         const StrictConnectors& strict,
                                                         render::VolumeRequest& request,
                                                         WallTime& expires_at);

}  // namespace connector::csi::publish
