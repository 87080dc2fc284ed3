#pragma once

// A SubjectAccessReview (authorization.k8s.io/v1) as it is sent and as it is read. Pure. Internal
// to broker/access.

#include "broker/authorization/access_reviewer.h"
#include "broker/callers/caller_verifier.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"

#include <boost/json.hpp>

namespace connector::broker::authorization {

// Whom the API server is asked about. Where it was not itself that said who the caller is: a
// ServiceAccount with the groups that every one has; or, of another issuer, ISSUER#SUBJECT in no
// group, which no built-in role binds.
[[nodiscard]] callers::KubernetesUser UserOf(const callers::Caller& caller);

// May `user` get connectors/proxy of `connector`?
[[nodiscard]] boost::json::object SubjectAccessReviewOf(const callers::KubernetesUser& user,
                                                        const ConnectorRef& connector);

// Only status.allowed true without status.denied is a yes. Fails with kUnavailable when this is not
// the answer to a SubjectAccessReview.
[[nodiscard]] Result<AccessAnswer> ReadSubjectAccessReview(const boost::json::object& answer);

}  // namespace connector::broker::authorization
