#include "broker/rpc/choose.h"

#include "broker/policy/policy.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace connector::broker::rpc {
namespace {

using EntryPtr = std::shared_ptr<const catalog::Entry>;

std::vector<EntryPtr> Candidates(const catalog::Snapshot& snapshot,
                                 const Target& target,
                                 const identity::Caller& caller) {
  if (const auto* ref = std::get_if<ConnectorRef>(&target)) {
    EntryPtr entry = snapshot.Find(*ref);
    return entry ? std::vector<EntryPtr>{std::move(entry)} : std::vector<EntryPtr>{};
  }
  const auto* mirror = std::get_if<MirrorHost>(&target);
  if (mirror == nullptr) {
    return {};
  }
  std::vector<EntryPtr> entries = snapshot.FindByMirrorHost(mirror->host);
  if (caller.service_account) {
    std::stable_partition(entries.begin(), entries.end(), [&](const EntryPtr& entry) {
      return entry->connector->ref.ns == caller.service_account->ns;
    });
  }
  return entries;
}

}  // namespace

Choice Choose(const catalog::Snapshot& snapshot,
              const Target& target,
              const identity::Caller& caller,
              const std::vector<oci::Scope>& scopes) {
  const std::vector<EntryPtr> candidates = Candidates(snapshot, target, caller);
  std::optional<Choice> denied;
  std::string unknown = "no such connector";
  for (const EntryPtr& entry : candidates) {
    policy::Decision decision = policy::Evaluate(*entry->connector, caller, scopes);
    if (decision.allowed) {
      return {entry, std::move(decision.rule), std::nullopt};
    }
    if (decision.caller_known && !denied) {
      denied =
          Choice{entry, {}, AccessDenied(*entry->connector, scopes, std::move(decision.reason))};
    } else if (!decision.caller_known) {
      unknown = std::move(decision.reason);
    }
  }
  if (denied) {
    return std::move(*denied);
  }
  return {nullptr, {}, ConnectorNotFound(ToString(target), std::move(unknown))};
}

}  // namespace connector::broker::rpc
