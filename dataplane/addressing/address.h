#pragma once

// Which connector a request names: by its Host (common/routing/connector_host.h), by its path
// (namespaces/<namespace>/connectors/<name>/ before the repository) or, with neither, by the mirror
// form's ?ns=. Rule source: docs/rules.md "Addressing".
//
// Pure. It only reads names: whether such a connector exists is the route table's to say, and
// whether the caller may use it the broker's. A Host that is not in host form is not an error, and
// never decides anything else.

#include "common/base/connector_ref.h"
#include "dataplane/addressing/target.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace connector::dataplane::addressing {

// A registry named by ?ns=, to be matched against the connectors' mirror hosts; never dialled.
struct MirrorForm {
  std::string host;  // host[:port], lower case.

  bool operator==(const MirrorForm&) const = default;
};

// No connector was named: fine for kPing, which is all that it occurs with.
struct Unnamed {
  bool operator==(const Unnamed&) const = default;
};

struct Address {
  std::variant<Unnamed, ConnectorRef, MirrorForm> target;
  // What stands before the repository in paths that this client uses: "" or
  // "namespaces/<ns>/connectors/<name>/". Location and Link are written with it.
  std::string client_prefix;

  bool operator==(const Address&) const = default;
};

// Resolves `host` (as validated by the head parser) and the operation's own names. On success
// `operation.repository` and `operation.from` no longer hold the prefix.
//
// A `from` of another connector takes `mount` and `from` away: the request degrades to a plain
// upload, which every client continues (docs/rules.md "Mounts"). A `from` without a
// prefix is a repository of the same connector.
// Fails with kNameInvalid when host and path name different connectors or the repository is over
// 255 bytes, kNoSuchEndpoint when nothing names a connector; its sentence then says what is wrong
// with a host that nearly names one. `operation.ns` stays set: with a
// ConnectorRef the caller checks that it is one of that connector's mirror hosts.
[[nodiscard]] std::variant<Address, TargetError> ResolveAddress(
    std::string_view host, const std::vector<std::string>& host_suffixes, Operation& operation);

// The path that this client uses for `repository`: "/v2/<client_prefix><repository>".
[[nodiscard]] std::string ClientPath(const Address& address, std::string_view repository);

}  // namespace connector::dataplane::addressing
