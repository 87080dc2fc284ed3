#include "dataplane/addressing/address.h"

#include "common/routing/connector_host.h"

#include <optional>

namespace connector::dataplane::addressing {
namespace {

// Takes the text up to `separator` off the front. False when there is none.
bool TakeUpTo(char separator, std::string_view& text, std::string_view& taken) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) {
    return false;
  }
  taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return true;
}

struct PathForm {
  ConnectorRef connector;
  std::string_view repository;  // What follows the prefix.
};

// "namespaces/<ns>/connectors/<name>/<repository>", or nullopt when the name is not in path form.
std::optional<PathForm> ReadPathForm(std::string_view name) {
  std::string_view first;
  std::string_view ns;
  std::string_view second;
  std::string_view connector;
  if (!TakeUpTo('/', name, first) || first != "namespaces" || !TakeUpTo('/', name, ns) ||
      !TakeUpTo('/', name, second) || second != "connectors" || !TakeUpTo('/', name, connector)) {
    return std::nullopt;
  }
  return PathForm{ConnectorRef{std::string(ns), std::string(connector)}, name};
}

std::string PrefixOf(const ConnectorRef& connector) {
  return "namespaces/" + connector.ns + "/connectors/" + connector.name + "/";
}

// Brings `from` into the same naming as the repository, or gives the mount up. A bare name is one
// of the connector's own in every form: in the path form only a mirror whose URL holds the prefix
// sends it, and it sends the registry's names (containerd's labels know no other).
void TranslateFrom(const ConnectorRef* connector, Operation& operation) {
  if (operation.from.empty()) {
    return;
  }
  const std::optional<PathForm> from = ReadPathForm(operation.from);
  if (from && connector != nullptr && from->connector == *connector) {
    operation.from = std::string(from->repository);
  } else if (from) {
    operation.from.clear();
  }
  if (!connector::oci::IsRepository(operation.from)) {
    operation.mount.clear();
    operation.from.clear();
  }
}

}  // namespace

std::variant<Address, TargetError> ResolveAddress(std::string_view host,
                                                  const std::vector<std::string>& host_suffixes,
                                                  Operation& operation) {
  Address address;
  const routing::HostReading reading = routing::ReadConnectorHost(host, host_suffixes);
  const auto* const host_connector = std::get_if<ConnectorRef>(&reading);
  const std::optional<PathForm> path_form = ReadPathForm(operation.repository);
  if (path_form) {
    if (host_connector != nullptr && *host_connector != path_form->connector) {
      return TargetError{TargetErrorCode::kNameInvalid,
                         "The host and the path name different connectors; use one of the forms."};
    }
    address.target = path_form->connector;
    address.client_prefix = PrefixOf(path_form->connector);
    operation.repository = std::string(path_form->repository);
  } else if (host_connector != nullptr) {
    address.target = *host_connector;
  } else if (!operation.ns.empty()) {
    address.target = MirrorForm{operation.ns};
  }
  if (operation.kind == OperationKind::kPing) {
    return address;
  }
  if (std::holds_alternative<Unnamed>(address.target)) {
    return TargetError{TargetErrorCode::kNoSuchEndpoint,
                       routing::Sentence(std::get<routing::HostProblem>(reading))};
  }
  if (!connector::oci::IsRepository(operation.repository)) {
    return TargetError{TargetErrorCode::kNameInvalid,
                       "A repository's name must be at most 255 characters."};
  }
  TranslateFrom(std::get_if<ConnectorRef>(&address.target), operation);
  return address;
}

std::string ClientPath(const Address& address, std::string_view repository) {
  return std::string("/v2/").append(address.client_prefix).append(repository);
}

}  // namespace connector::dataplane::addressing
