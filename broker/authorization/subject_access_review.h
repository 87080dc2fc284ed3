#pragma once

// Builds and reads a SubjectAccessReview (authorization.k8s.io/v1). Pure. Internal
// to broker/authorization.

#include "broker/authorization/access_reviewer.h"
#include "broker/callers/caller_verifier.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/oci/reference.h"

#include <boost/json.hpp>

namespace connector::broker::authorization {

// The user of the review. When the API server did not authenticate the caller itself, this is the
// ServiceAccount with its standard groups. A caller of another issuer or cluster is ISSUER#SUBJECT
// without groups, which no built-in role binds.
[[nodiscard]] callers::KubernetesUser UserOf(const callers::Caller& caller);

// Has `user` the verb of `action` on connectors/proxy of `connector`?
[[nodiscard]] boost::json::object SubjectAccessReviewOf(const callers::KubernetesUser& user,
                                                        const ConnectorRef& connector,
                                                        oci::Action action);

// Only status.allowed without status.denied allows. Fails with kUnavailable when this is not
// the answer to a SubjectAccessReview.
[[nodiscard]] Result<AccessAnswer> ReadSubjectAccessReview(const boost::json::object& answer);

}  // namespace connector::broker::authorization
