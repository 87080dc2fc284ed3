#pragma once

// The second phase: Authorize obtains the broker's grant for a parsed request and joins it with
// the route that it is for. Whoever holds an Authorized may send the request on; a request that was
// denied has none, so that it cannot be sent.

#include "dataplane/server/parse_request.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace connector::dataplane::server {

// A grant and the route to use it with.
class Authorized {
 public:
  // Only with the route of the grant's own epoch, be the grant cached or new: else a password that
  // was just rotated would go to the registry of before (promises P5 and P6); and only when its
  // caller was checked against the deny list in force. nullopt when there is no route of the
  // connector, one of another epoch, or another list.
  [[nodiscard]] static std::optional<Authorized> Join(ParsedRequest request,
                                                      std::shared_ptr<const token::Grant> grant,
                                                      const routes::RouteTable& routes);

  [[nodiscard]] RequestContext& context() const { return request_.context(); }
  [[nodiscard]] ParsedRequest& request() { return request_; }
  [[nodiscard]] const ParsedRequest& request() const { return request_; }
  [[nodiscard]] const addressing::Operation& operation() const { return request_.operation(); }
  [[nodiscard]] const token::Grant& grant() const { return *grant_; }
  [[nodiscard]] const std::shared_ptr<const token::Grant>& shared_grant() const { return grant_; }
  [[nodiscard]] const routes::Route& route() const { return *route_; }
  [[nodiscard]] const std::shared_ptr<const routes::Route>& shared_route() const { return route_; }

  // For the status page: what the connector's registry did wrong. A sentence, never a secret.
  void NoteError(std::string what) const;

 private:
  Authorized(ParsedRequest request,
             std::shared_ptr<const token::Grant> grant,
             std::shared_ptr<const routes::Route> route)
      : request_(request), grant_(std::move(grant)), route_(std::move(route)) {}

  ParsedRequest request_;
  std::shared_ptr<const token::Grant> grant_;
  std::shared_ptr<const routes::Route> route_;
};

// The broker knows the caller. Enough for GET /v2/, and for nothing else.
struct CallerKnown {};

using AuthorizeResult = std::variant<Rejection, CallerKnown, Authorized>;

// Takes the grant out of the cache, or asks the broker; `mint_anew` asks in any case, because the
// registry refused the token that the broker has. A new grant waits a moment for the route of its
// epoch. CallerKnown for a ping, and only for that.
[[nodiscard]] Task<AuthorizeResult> Authorize(ParsedRequest request, bool mint_anew);

}  // namespace connector::dataplane::server
