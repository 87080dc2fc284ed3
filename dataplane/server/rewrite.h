#pragma once

// What of a registry's answer only we may write: Location, Link and Docker-Upload-UUID, each
// leading back to the path by which the client came, or sealed.

#include "dataplane/oci/errors.h"
#include "dataplane/oci/no_echo.h"
#include "dataplane/server/upstream_call.h"

#include <string>
#include <string_view>
#include <variant>

namespace connector::dataplane::server {

struct Rewritten {
  std::string location;
  std::string link;
  std::string upload_uuid;
};

using RewriteResult = std::variant<Rewritten, oci::ErrorReply>;

// For the answer in scratch.response. A refusal when it cannot be passed on: dropping the
// field would break an upload, or cut a list short.
[[nodiscard]] RewriteResult RewriteAnswer(const Authorized& authorized, const UpstreamCall& call);

// The registry's URL of this request.
[[nodiscard]] Result<http::Url> AskedUrl(const UpstreamCall& call);

// The question that an answer may repeat without telling a secret. Both live longer than it does.
[[nodiscard]] oci::Asked AskedBy(const Authorized& authorized, const UpstreamCall& call);
// Finds nothing where no credential was sent.
[[nodiscard]] oci::EchoSearch EchoSearchFor(const Authorized& authorized,
                                            const UpstreamCall& call,
                                            const oci::Asked& asked);
// Did the registry write the credential that we sent into the field? Then it is not passed on in
// any form (promise P1).
[[nodiscard]] bool Echoes(const Authorized& authorized,
                          const UpstreamCall& call,
                          std::string_view value);

// Seconds since 1970: of this request, and until when what is sealed for it holds.
[[nodiscard]] std::int64_t RequestSeconds(const RequestContext& context);
[[nodiscard]] std::int64_t SealedUntil(const RequestContext& context);

}  // namespace connector::dataplane::server
