#pragma once

// Exchange: one request from its head to its answer, in phases: read the operation, read the
// caller, get the grant, forward (forward.h). Each phase either goes on or ends with one refusal.

#include "dataplane/addressing/address.h"
#include "dataplane/addressing/target.h"
#include "dataplane/oci/errors.h"
#include "dataplane/relay/in_flight_slot.h"
#include "dataplane/server/core.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace connector::dataplane::server {

// What a connection remembers from request to request.
struct Client {
  net::Stream& stream;
  std::string address;  // "ip:port"
  // The last Authorization value and what it meant: most connections never change it.
  Secret authorization = {};
  std::shared_ptr<const Secret> token = {};  // Null: that value is no credential.
  token::TokenHash token_hash{};
};

// How the connection goes on.
struct After {
  bool keep_alive = false;
  bool drain_input = false;  // A body is still coming: read and discard before closing.
  bool reset = false;        // End the connection so that the client sees a failure.
  std::string leftover;      // The start of the next request.
};

// Everything known of the request under way; filled phase by phase.
struct Exchange {
  Core& core;
  Client& client;
  Scratch& scratch;
  std::string_view buffered;  // Body bytes that came with the head.

  std::string request_id = {};
  addressing::Operation operation = {};
  addressing::Address address = {};
  token::Ask ask = {};
  std::string grant_key = {};
  std::shared_ptr<const token::Grant> grant = {};
  std::shared_ptr<const routes::Route> route = {};
  relay::InFlightSlot slot = {};  // Of the route; given back before the answer's end is written.

  // For the access log and the counters.
  WallTime started_at = {};
  std::chrono::steady_clock::time_point started = {};
  std::chrono::steady_clock::time_point granted = {};
  std::chrono::steady_clock::time_point answered = {};  // Upstream's head was read.
  std::string decision = "allowed";
  std::string_view error = {};  // The reason of our own answer; static.
  int status = 0;
  int upstream_status = 0;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
  // The request's body has been read to its end, or there is none.
  bool body_consumed = true;
  std::string leftover = {};
};

// Serves the request whose head is in `scratch.request`.
[[nodiscard]] Task<After> Serve(Core& core,
                                Client& client,
                                Scratch& scratch,
                                std::string_view buffered);

// Answers by ourselves; `decision` is what the access log says.
[[nodiscard]] Task<After> Refuse(Exchange& exchange, oci::ErrorReply reply, std::string decision);

// Whether and how the connection goes on after an answer that was written whole.
[[nodiscard]] After Continue(Exchange& exchange, bool keep_alive);

// Does the request carry a body, which could be sent once only?
[[nodiscard]] bool CarriesBody(const Exchange& exchange);

// Gives up the source of a mount that may not be: what is left is the start of a plain upload,
// which is how a registry declines a mount (docs/rules.md "Mounts"). False: no
// mount, or no way back because a body came along.
[[nodiscard]] bool GiveUpMount(Exchange& exchange);

// Makes the next ObtainGrant ask for what registries may want to cancel an upload. False, and
// nothing changed, when this is another operation.
[[nodiscard]] bool AskToCancel(Exchange& exchange);

// Asks the broker, or the cache. On success exchange.grant and exchange.route are set.
[[nodiscard]] Task<std::optional<oci::ErrorReply>> ObtainGrant(Exchange& exchange, bool mint_anew);

}  // namespace connector::dataplane::server
