#pragma once

// Decides where what is sealed may lead: before it is sealed, and by the same functions again when
// it is opened. What is sealed restricts and never grants (promise P5): whoever has a sealing key
// writes any state, and must get no further by it than the registry's own answers lead.
//
// Pure. Rule source: docs/rules.md "What is sealed".

#include "common/http/origin.h"
#include "dataplane/oci/redirect.h"

#include <string_view>

namespace connector::dataplane::oci {

// May an upload of `repository` (the registry's name of it) go on at `url`? On the connector's own
// origin only where the path is an upload's. The credential goes along to
// `/v2/<repository>/blobs/uploads/<id>`, with or without a prefix; and to all of them where the
// registry itself refuses it for what it is not for. Elsewhere only on a listed host, without it.
[[nodiscard]] HopDecision DecideUploadTarget(const EgressPolicy& policy,
                                             std::string_view repository,
                                             http::Url url);

// The same for a Location of the registry, read against the URL that was asked.
[[nodiscard]] HopDecision DecideUploadLocation(const EgressPolicy& policy,
                                               std::string_view repository,
                                               const http::Url& asked,
                                               std::string_view location);

// May a list be asked for by this URL? Origin and path are the list's own; the query is what a
// registry wrote, or what was sealed.
[[nodiscard]] bool IsPageUrl(const http::Url& url);

}  // namespace connector::dataplane::oci
