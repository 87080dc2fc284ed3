#include "csi/publish/assign_tokens.h"

#include <algorithm>
#include <memory>

namespace connector::csi::publish {
namespace {

PublishFailure NotHandedOver(const ConnectorRef& ref, const std::string& audience, bool narrowed) {
  return {Reason::kToken,
          "connector \"" + ref.ToString() + "\" " +
              (narrowed ? "accepts only tokens of the audience " + audience +
                              " (requireConnectorAudience), and the kubelet handed over none"
                        : "needs a token of the audience " + audience +
                              ", and the kubelet handed over none") +
              ": the CSIDriver object needs tokenRequests with it" +
              (narrowed ? " (in the chart csi.connectorAudiences: [" + ref.ToString() + "])" : "")};
}

}  // namespace

std::optional<PublishFailure> AssignTokens(const volume::KubeletTokens& tokens,
                                           const AudienceRules& rules,
                                           const StrictConnectors& strict,
                                           render::VolumeRequest& request,
                                           WallTime& expires_at) {
  expires_at = WallTime::max();
  const auto use = [&expires_at](const volume::KubeletToken& token) {
    expires_at = std::min(expires_at, token.expires_at);
    return token.value.Clone();
  };
  for (render::VolumeConnector& each : request.connectors) {
    const std::string narrowed = volume::NarrowedAudience(rules.audience, each.ref);
    if (const volume::KubeletToken* own = tokens.Find(narrowed)) {
      each.token = std::make_shared<const Secret>(use(*own));
      continue;
    }
    if (rules.require_connector_audience || strict.contains(each.ref)) {
      return NotHandedOver(each.ref, narrowed, true);
    }
    const volume::KubeletToken* for_all = tokens.Find(rules.audience);
    if (for_all == nullptr) {
      return NotHandedOver(each.ref, rules.audience, false);
    }
    if (request.token.empty()) {
      request.token = use(*for_all);
    }
  }
  if (request.connectors.size() == 1 && request.token.empty()) {
    request.token = request.connectors.front().token->Clone();
  }
  return std::nullopt;
}

}  // namespace connector::csi::publish
