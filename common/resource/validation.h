#pragma once

// The rules of a Connector, a ConnectorClass and a Secret beyond the types of their fields: makes
// the checked resource from what a file says, and reports each rule that it breaks. Pure.
//
// What needs other resources (names used twice, classes, Secrets) is directory.h's.

#include "common/resource/configuration.h"
#include "common/resource/connector.h"
#include "common/resource/problem_report.h"
#include "common/resource/registry_secret.h"
#include "common/routing/route_settings.h"

#include <string>
#include <vector>

namespace connector::config::v1 {
class Connector;
class ConnectorAccessRule;
class ConnectorClass;
class Secret;
}  // namespace connector::config::v1

namespace connector::resource {

inline constexpr const char* kApiVersion = "oci-connector.dev/v1alpha1";
inline constexpr const char* kDefaultClass = "oci";
inline constexpr const char* kDefaultNamespace = "default";

struct ConnectorClass {
  std::string name;
  std::vector<AuthKind> allowed_auth;  // Empty: every kind.
  routing::WrittenSettings upstream;
  std::vector<Configuration> configurations = {};
  bool require_connector_audience = false;
  SharedClassPolicy policy = {};
};

// A Connector to which its class has not been applied yet: its redirects and limits are unset.
struct ConnectorDraft {
  Connector connector;
  routing::WrittenSettings written;
};

// With a report that was not empty before or is not after, what is returned is only to be named.
[[nodiscard]] ConnectorDraft ValidateConnector(const config::v1::Connector& file,
                                               ProblemReport& report);
[[nodiscard]] ConnectorClass ValidateClass(const config::v1::ConnectorClass& file,
                                           ProblemReport& report);
// Wipes the values in `file`.
[[nodiscard]] SecretResource ValidateSecret(config::v1::Secret& file, ProblemReport& report);

// One access rule, in validate_access.cc. `path` is its own.
[[nodiscard]] AccessRule ValidateAccessRule(const config::v1::ConnectorAccessRule& file,
                                            const std::string& path,
                                            ProblemReport& report);

[[nodiscard]] Connector ApplyClass(ConnectorDraft draft, const ConnectorClass& connector_class);
// Of that only what takes away: for a Connector to which the class was applied as it was before.
void NarrowByClass(Connector& connector, const ConnectorClass& connector_class);

}  // namespace connector::resource
