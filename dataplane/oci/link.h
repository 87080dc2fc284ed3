#pragma once

// Rewrites the Link of a paged answer (tags, referrers) and the final Location of a push, so that
// both point back at the path by which this client came.
//
// Pure but for a seal's nonce. Both are built from parsed fields; nothing of the registry's text is
// copied. A Link that pages by `n`, `last` and `artifactType` is written anew with these; the query
// of any other travels sealed, as ?page= (page_state.h).

#include "common/base/result.h"
#include "common/http/origin.h"
#include "dataplane/addressing/address.h"
#include "dataplane/addressing/target.h"
#include "dataplane/oci/page_state.h"

#include <string>
#include <string_view>

namespace connector::dataplane::oci {

struct LinkContext {
  const addressing::Operation& operation;  // In the client's naming, without a prefix.
  const addressing::Address& address;
  const http::Url& asked;  // The URL that answered: the registry's, or where it redirected to.
  http::Url list;          // The registry's URL of the list, without a query.
  bool docker_hub = false;
  // For whom a page is sealed.
  const crypto::SealKeys& keys;
  const ConnectorRef& connector;
  std::string_view subject = {};
  std::int64_t expires_at = 0;
};

// The Link for the client, `</v2/...?last=b&n=2>; rel="next"`; empty when `field_value` holds no
// next relation. Only its query matters, once its path is the list's own: the host is never
// dialled, since registries behind a terminator or with several names write one that nobody
// reaches. Fails with kUnavailable/kUpstream (a 502) for a next link to another repository or
// operation, to the page that was asked for, to none (no key but `n` and `artifactType`), over
// kMaxPageQueryBytes, or one that does not parse: dropping it would silently cut the list short.
// Fails with kUnavailable/kSelf when there is no key to seal with.
[[nodiscard]] Result<std::string> RewriteLink(const LinkContext& context,
                                              std::string_view field_value);

// The Location of something now stored (201): named by the digest that the registry reports
// (`docker_content_digest`), which may be of another algorithm than the client's; else by what was
// put.
[[nodiscard]] std::string FinalLocation(const addressing::Operation& operation,
                                        const addressing::Address& address,
                                        std::string_view docker_content_digest);

}  // namespace connector::dataplane::oci
