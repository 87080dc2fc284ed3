#include "broker/authorization/rank_connectors.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace connector::broker::authorization {
namespace {

using EntryPtr = std::shared_ptr<const connectors::CatalogEntry>;

std::vector<EntryPtr> Candidates(const connectors::CatalogSnapshot& snapshot,
                                 const Target& target,
                                 const callers::Caller& caller,
                                 std::string& unknown) {
  if (const auto* ref = std::get_if<ConnectorRef>(&target)) {
    EntryPtr entry = snapshot.Find(*ref);
    return entry ? std::vector<EntryPtr>{std::move(entry)} : std::vector<EntryPtr>{};
  }
  const auto* mirror = std::get_if<MirrorRegistry>(&target);
  if (mirror == nullptr) {
    return {};
  }
  std::vector<EntryPtr> entries = snapshot.FindByMirrorHost(mirror->host);
  const auto in_own_namespace = [&caller](const EntryPtr& entry) {
    return caller.service_account && entry->connector->ref.ns == caller.service_account->ns;
  };
  // Whoever may write Connectors somewhere would take over the pulls and pushes of everybody else.
  const std::size_t hidden = std::erase_if(entries, [&](const EntryPtr& entry) {
    return !in_own_namespace(entry) && !routing::MayMirrorForOthers(*entry->policy, mirror->host);
  });
  if (hidden > 0) {
    unknown = "connectors of other namespaces serve " + mirror->host +
              " only where mirrorHosts of the upstream policy says so";
  }
  // One name never means both schemes: what is asked of a registry over TLS must not go without.
  const auto is_tls = [](const EntryPtr& entry) { return entry->connector->address.tls; };
  if (std::any_of(entries.begin(), entries.end(), is_tls)) {
    std::erase_if(entries, [&](const EntryPtr& entry) { return !is_tls(entry); });
  }
  std::stable_partition(entries.begin(), entries.end(), in_own_namespace);
  std::erase_if(entries,
                [&](const EntryPtr& entry) { return !caller.TokenIsFor(entry->connector->ref); });
  return entries;
}

}  // namespace

std::vector<RankedConnector> RankConnectors(const connectors::CatalogSnapshot& snapshot,
                                            const Target& target,
                                            const callers::Caller& caller,
                                            const std::vector<oci::Scope>& scopes,
                                            NoRules no_rules) {
  std::vector<RankedConnector> ranked;
  const auto* named = std::get_if<ConnectorRef>(&target);
  if (named != nullptr && !caller.TokenIsFor(*named)) {
    ranked.push_back({nullptr, {}, {}, TokenForAnother(*named)});
    return ranked;
  }
  std::vector<RankedConnector> denied;
  std::string unknown = "no such connector";
  for (const EntryPtr& entry : Candidates(snapshot, target, caller, unknown)) {
    AccessDecision decision = Evaluate(*entry->connector, caller, scopes, no_rules);
    const resource::Connector& connector = *entry->connector;
    if (decision.caller_known && connector.require_connector_audience &&
        !caller.TokenIsFor(connector.ref, true)) {
      denied.push_back({entry, {}, {}, AudienceMissing(connector.ref)});
    } else if (decision.allowed) {
      ranked.push_back({entry, std::move(decision.rule), std::move(decision.reason), std::nullopt});
    } else if (decision.caller_known) {
      Refusal refusal = AccessDenied(*entry->connector, scopes, std::move(decision.reason));
      denied.push_back({entry, {}, {}, std::move(refusal)});
    } else {
      unknown = std::move(decision.reason);
    }
  }
  std::move(denied.begin(), denied.end(), std::back_inserter(ranked));
  ranked.push_back({nullptr, {}, {}, ConnectorNotFound(ToString(target), std::move(unknown))});
  return ranked;
}

}  // namespace connector::broker::authorization
