#include "controller/reconcile/proxy_service_reconciler.h"

#include "controller/json/read.h"
#include "controller/reconcile/reconcile_decisions.h"
#include "controller/service/proxy_slices.h"

#include <utility>

namespace connector::controller {
namespace {

using status::ConditionStatus;

status::ConditionState Right(const std::string& service) {
  return {ConditionStatus::kTrue,
          "ServiceCreated",
          "the Service " + service + " leads to the data plane"};
}

Result<status::ConditionState> FromError(const Error& error) {
  std::optional<status::ConditionState> refused = StateOfRefusal(error);
  if (refused) {
    return *std::move(refused);
  }
  return error;
}

status::ConditionState NameTaken(std::string problem) {
  return {ConditionStatus::kFalse, std::string(kServiceNameTaken), std::move(problem)};
}

}  // namespace

Deadline ProxyServiceReconciler::ReadDeadline() const {
  return std::chrono::steady_clock::now() + kWriteTimeout;
}

Task<Result<status::ConditionState>> ProxyServiceReconciler::Ensure(service::Owner owner) {
  const Result<kube::ObjectPtr> found = co_await FindOrCreate(owner);
  if (!found) {
    co_return FromError(found.error());
  }
  const kube::Object& observed = **found;
  ServiceDecision decision = DecideService(observed.json(), owner, settings_);
  if (decision.action == ServiceAction::kForeign) {
    co_return NameTaken(std::move(decision.problem));
  }
  if (decision.action == ServiceAction::kWait) {
    co_return MakeError(
        ErrorCode::kConflict, ErrorOrigin::kUpstream, "the Service is being deleted");
  }
  if (decision.action == ServiceAction::kPatch) {
    const Result<kube::ObjectPtr> patched = co_await parts_.writer->MergePatch(
        kube::kServices, observed.name(), std::string(), *std::move(decision.patch));
    if (!patched) {
      co_return FromError(patched.error());
    }
  }
  co_return co_await EnsureSlices(std::move(owner));
}

Task<Result<kube::ObjectPtr>> ProxyServiceReconciler::FindOrCreate(service::Owner owner) {
  if (kube::ObjectPtr seen = parts_.view->FindService(owner.ref)) {
    co_return seen;
  }
  const auto created = created_.find(owner.ref);
  if (created != created_.end() && service::IsOwnedBy(created->second->json(), owner.uid)) {
    co_return created->second;
  }
  // A create, because it alone fails when somebody else has the name: an apply would join in.
  boost::json::object body = service::BuildService(owner, settings_);
  Result<kube::ObjectPtr> made =
      co_await parts_.writer->Create(kube::kServices, owner.ref.ns, std::move(body));
  if (made) {
    created_[owner.ref] = *made;
    co_return made;
  }
  if (made.error().code != ErrorCode::kConflict) {
    co_return made;
  }
  const kube::ObjectName name{owner.ref.ns, service::NameOf(owner.ref)};
  co_return co_await parts_.client->Get(kube::kServices, name, ReadDeadline());
}

Task<Result<status::ConditionState>> ProxyServiceReconciler::EnsureSlices(service::Owner owner) {
  const std::string name = owner.ref.ns + "/" + service::NameOf(owner.ref);
  const service::DataplaneEndpoints none;
  const bool copies = settings_.mode == service::Mode::kEndpoints;
  const service::DataplaneEndpoints& endpoints = copies ? parts_.view->endpoints() : none;
  const bool any_ready = endpoints.any_ready;
  service::SliceChanges changes = service::DiffSlices(
      service::BuildSlices(endpoints, owner), parts_.view->SlicesOf(owner.ref), owner);
  for (boost::json::object& body : changes.create) {
    EnsureResult created = co_await CreateSlice(owner, std::move(body));
    if (!created || created->status == ConditionStatus::kFalse) {
      co_return created;
    }
  }
  for (auto& [slice, patch] : changes.patch) {
    kube::ObjectName slice_name{owner.ref.ns, slice};
    const Result<kube::ObjectPtr> patched = co_await parts_.writer->MergePatch(
        kube::kEndpointSlices, std::move(slice_name), std::string(), std::move(patch));
    if (!patched) {
      co_return FromError(patched.error());
    }
  }
  for (const kube::ObjectPtr& slice : changes.remove) {
    const Result<Done> removed =
        co_await parts_.writer->Delete(kube::kEndpointSlices, slice->name(), slice->uid());
    if (!removed && removed.error().code != ErrorCode::kNotFound) {
      co_return FromError(removed.error());
    }
  }
  if (copies && !any_ready) {
    co_return status::ConditionState{ConditionStatus::kFalse,
                                     std::string(kNoEndpoints),
                                     "no data plane is ready behind the Service " +
                                         settings_.dataplane_ns + "/" + settings_.dataplane_name};
  }
  co_return Right(name);
}

Task<Result<status::ConditionState>> ProxyServiceReconciler::CreateSlice(service::Owner owner,
                                                                         boost::json::object body) {
  const kube::ObjectName name{owner.ref.ns, TextAt(body.at("metadata").as_object(), "name")};
  const Result<kube::ObjectPtr> created =
      co_await parts_.writer->Create(kube::kEndpointSlices, owner.ref.ns, std::move(body));
  if (created) {
    co_return Right({});
  }
  if (created.error().code != ErrorCode::kConflict) {
    co_return FromError(created.error());
  }
  const Result<kube::ObjectPtr> there =
      co_await parts_.client->Get(kube::kEndpointSlices, name, ReadDeadline());
  if (!there) {
    co_return there.error();
  }
  if (!service::IsOwnedBy((*there)->json(), owner.uid)) {
    co_return NameTaken("the EndpointSlice " + name.ToString() +
                        " is not the Connector's; delete or rename it");
  }
  // Ours, and the view does not have it yet.
  co_return Result<status::ConditionState>(created.error());
}

}  // namespace connector::controller
