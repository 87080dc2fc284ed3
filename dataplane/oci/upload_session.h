#pragma once

// Upload sessions: the registry's upload URL, sealed together with who may go on with it, becomes
// the last segment of the Location that the client gets (promise P7: any replica opens it).
//
// Pure but for the nonce. Whoever opens states what the request is for; a session of another
// subject, connector or repository is as unknown to the client as a forged one. What was sealed is
// decided again (sealed_target.h): a session says where, and never whether the credential goes
// along.

#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/http/origin.h"
#include "dataplane/addressing/address.h"
#include "dataplane/oci/redirect.h"
#include "dataplane/oci/sealed.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace connector::dataplane::oci {

struct UploadState {
  ConnectorRef connector;
  std::string repository = {};  // The registry's name.
  std::string subject = {};
  std::int64_t expires_at = 0;  // Seconds since 1970.
  http::Url url;                // Where the registry wants the next request of this upload.
  std::string cookies = {};     // That `url`'s origin set (upload_cookies.h).

  bool operator==(const UploadState&) const = default;
};

// What an opened session must have been sealed for.
struct UploadExpectation {
  const ConnectorRef& connector;
  std::string_view repository = {};
  std::string_view subject = {};
  std::int64_t now = 0;  // Seconds since 1970; at `expires_at` the session is over.
  EgressPolicy policy;   // Of the route that is in force now.
};

// The segment, in [A-Za-z0-9_-]. Fails with kUnavailable without a key (503), kInvalidArgument when
// a field is longer than 64 KiB.
[[nodiscard]] Result<std::string> SealUpload(const crypto::SealKeys& keys,
                                             const UploadState& state);

// Where the upload goes on, by what the connector allows now. A client gets 404 BLOB_UPLOAD_UNKNOWN
// for every refusal.
[[nodiscard]] std::variant<NextHop, SealRefusal> OpenUpload(const crypto::SealKeys& keys,
                                                            std::string_view segment,
                                                            const UploadExpectation& expectation);

// A Docker-Upload-UUID for old clients: a digest of the segment in the form of a UUID.
[[nodiscard]] std::string DerivedUuid(std::string_view segment);

// "/v2/<prefix><repository>/blobs/uploads/<segment>", in the client's naming.
[[nodiscard]] std::string UploadLocation(const addressing::Address& address,
                                         std::string_view client_repository,
                                         std::string_view segment);

// The registry's target for this step: the session's own query unchanged, `digest` added where
// given.
[[nodiscard]] std::string UploadTarget(const http::Url& url, std::string_view digest);

}  // namespace connector::dataplane::oci
