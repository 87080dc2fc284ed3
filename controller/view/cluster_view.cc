#include "controller/view/cluster_view.h"

#include "controller/json/read.h"

#include <algorithm>
#include <utility>

namespace connector::controller {
namespace {

constexpr std::string_view kPrefix = "c-";

std::string OurLabel() {
  return std::string(service::kManagedByLabel) + "=" + service::kManager;
}

kube::InformerOptions Of(kube::ResourceType type, kube::Selector selector = {}) {
  kube::InformerOptions options;
  options.type = type;
  options.selector = std::move(selector);
  return options;
}

std::optional<ConnectorRef> ConnectorOfItself(const kube::ObjectName& name) {
  return ConnectorRef{name.ns, name.name};
}

}  // namespace

std::optional<ConnectorRef> ConnectorOfService(const kube::ObjectName& name) {
  if (!name.name.starts_with(kPrefix) || name.name.size() == kPrefix.size()) {
    return std::nullopt;
  }
  return ConnectorRef{name.ns, name.name.substr(kPrefix.size())};
}

std::optional<ConnectorRef> ConnectorOfSlice(const kube::ObjectName& name) {
  // c-NAME-ipv4-0: the name may hold dashes and families of its own, so it is read from its end.
  const std::string_view text = name.name;
  const std::size_t digits = text.find_last_not_of("0123456789");
  const std::string_view before = text.substr(0, digits == text.npos ? 0 : digits + 1);
  for (const std::string_view family : {"-ipv4-", "-ipv6-"}) {
    if (before.ends_with(family) && before.size() < text.size()) {
      return ConnectorOfService(
          {name.ns, std::string(before.substr(0, before.size() - family.size()))});
    }
  }
  return std::nullopt;
}

struct ClusterView::Watch {
  std::string what;
  kube::Informer informer;
};

ClusterView::ClusterView(service::ProxyServiceSettings settings, Parts parts)
    : settings_(std::move(settings)), parts_(std::move(parts)) {
  Add("connectors", Of(kube::kConnectors), [this](const auto&, const auto& changes) {
    Report(changes, &ConnectorOfItself);
  });
  connectors_ = &watches_.back()->informer;
  Add("connectorclasses", Of(kube::kConnectorClasses), [this](const auto&, const auto&) {
    ReportAll();
  });
  classes_ = &watches_.back()->informer;
  Add("services",
      Of(kube::kServices, {{}, OurLabel(), {}}),
      [this](const auto&, const auto& changes) { Report(changes, &ConnectorOfService); });
  services_ = &watches_.back()->informer;
  Add("endpointslices",
      Of(kube::kEndpointSlices, {{}, OurLabel(), {}}),
      [this](const auto&, const auto& changes) { Report(changes, &ConnectorOfSlice); });
  slices_ = &watches_.back()->informer;
  if (settings_.mode == service::Mode::kEndpoints) {
    kube::Selector selector{
        settings_.dataplane_ns,
        std::string(service::kServiceNameLabel) + "=" + settings_.dataplane_name,
        {}};
    Add("the data plane's endpointslices",
        Of(kube::kEndpointSlices, std::move(selector)),
        [this](const std::shared_ptr<const kube::Store>& store, const auto&) {
          std::vector<kube::ObjectPtr> found;
          for (const auto& [name, slice] : store->objects) {
            found.push_back(slice);
          }
          endpoints_ = service::CollectEndpoints(found, settings_);
          ReportAll();
        });
  }
}

ClusterView::~ClusterView() = default;

void ClusterView::Add(std::string what,
                      kube::InformerOptions options,
                      kube::Informer::OnChange on_change) {
  const kube::Informer::Parts parts{parts_.client, parts_.clock, parts_.logger, parts_.random};
  watches_.push_back(std::unique_ptr<Watch>(
      new Watch{std::move(what), kube::Informer(std::move(options), parts, std::move(on_change))}));
}

void ClusterView::Start(Executor executor) {
  for (const auto& watch : watches_) {
    watch->informer.Start(executor);
  }
}

Task<bool> ClusterView::Stop(Deadline deadline) {
  bool all = true;
  for (const auto& watch : watches_) {
    const bool stopped = co_await watch->informer.Stop(deadline);
    all = all && stopped;
  }
  co_return all;
}

void ClusterView::Report(const kube::Changes& changes,
                         std::optional<ConnectorRef> (*owner)(const kube::ObjectName&)) {
  if (!was_synced_) {
    ReportAll();
    return;
  }
  std::vector<ConnectorRef> refs;
  for (const kube::ObjectName& name : changes) {
    if (std::optional<ConnectorRef> ref = owner(name)) {
      refs.push_back(*std::move(ref));
    }
  }
  if (!refs.empty()) {
    parts_.on_change(refs);
  }
}

void ClusterView::ReportAll() {
  // With half a view, Services that are there would be made again, and endpoints taken away.
  was_synced_ = was_synced_ || Synced();
  if (was_synced_) {
    parts_.on_all();
  }
}

std::shared_ptr<const kube::Store> ClusterView::connectors() const {
  return connectors_->Current();
}

bool ClusterView::Synced() const {
  return NotSynced().empty();
}

std::vector<std::string> ClusterView::NotSynced() const {
  std::vector<std::string> out;
  for (const auto& watch : watches_) {
    const kube::InformerHealth health = watch->informer.Health();
    if (!health.synced) {
      out.push_back(watch->what + " could not be listed yet" +
                    (health.problem.empty() ? "" : ": " + health.problem));
    }
  }
  return out;
}

std::vector<std::string> ClusterView::Failing() const {
  std::vector<std::string> out;
  for (const auto& watch : watches_) {
    const kube::InformerHealth health = watch->informer.Health();
    if (health.synced && health.failing_since) {
      out.push_back(watch->what + " are not watched at this moment: " + health.problem);
    }
  }
  return out;
}

std::vector<kube::ObjectPtr> ClusterView::classes() const {
  std::vector<kube::ObjectPtr> out;
  const std::shared_ptr<const kube::Store> store = classes_->Current();
  for (const auto& [name, object] : store->objects) {
    out.push_back(object);
  }
  return out;
}

kube::ObjectPtr ClusterView::FindService(const ConnectorRef& ref) const {
  return services_->Current()->Find({ref.ns, service::NameOf(ref)});
}

std::vector<kube::ObjectPtr> ClusterView::SlicesOf(const ConnectorRef& ref) const {
  std::vector<kube::ObjectPtr> out;
  const std::string prefix = service::NameOf(ref) + "-";
  const std::shared_ptr<const kube::Store> store = slices_->Current();
  for (auto at = store->objects.lower_bound({ref.ns, prefix});
       at != store->objects.end() && at->first.ns == ref.ns && at->first.name.starts_with(prefix);
       ++at) {
    if (ConnectorOfSlice(at->first) == ref) {
      out.push_back(at->second);
    }
  }
  return out;
}

}  // namespace connector::controller
