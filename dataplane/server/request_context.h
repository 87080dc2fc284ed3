#pragma once

// RequestContext: what every phase of one request may know and what the access log will tell of
// it. It holds no right to anything: that is Authorized (authorized.h), which a phase has to be
// given.
//
// The phases: ParseRequest makes a ParsedRequest, Authorize makes an Authorized of it, Forward
// takes an Authorized. Each may end in a Rejection instead.

#include "dataplane/addressing/address.h"
#include "dataplane/addressing/target.h"
#include "dataplane/oci/errors.h"
#include "dataplane/relay/kept_body.h"
#include "dataplane/relay/request_slots.h"
#include "dataplane/server/request_decision.h"
#include "dataplane/server/worker.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace connector::dataplane::server {

struct RequestContext;

// What a connection remembers from request to request.
struct ClientConnection {
  net::Stream& stream;
  std::string address;  // "ip:port"
  connections::ClientAddress source = {};
  // The last Authorization value and what it meant: most connections never change it.
  Secret authorization = {};
  std::shared_ptr<const Secret> token = {};  // Null: that value is no credential.
  token::TokenHash token_hash{};
  // The last caller that sent a request on; not kept while the connection is idle.
  std::shared_ptr<relay::RequestSlots::Subject> subject = {};
  RequestContext* request = nullptr;  // The one under way.
  AddressShare large_head =
      {};  // Held while the head of a request is large and its caller unknown.
};

// How the connection goes on.
struct ConnectionAction {
  bool keep_alive = false;
  bool drain_input = false;  // A body is still coming: read and discard before closing.
  bool reset = false;        // End the connection so that the client sees a failure.
  std::string leftover;      // The start of the next request.
};

// An answer of our own, and what the access log calls it.
struct Rejection {
  oci::ErrorReply reply;
  RequestDecision decision = RequestDecision::kInternal;
};

// For the access log and the counters.
struct RequestRecord {
  WallTime started_at = {};
  std::chrono::steady_clock::time_point started = {};
  std::chrono::steady_clock::time_point granted = {};
  std::chrono::steady_clock::time_point answered = {};  // Upstream's head was read.
  std::shared_ptr<const token::Grant> grant = {};       // The last one, while it held.
  std::shared_ptr<const routes::Route> route = {};
  RequestDecision decision = RequestDecision::kUndecided;
  std::string_view error = {};  // The reason of our own answer; static.
  int status = 0;
  int upstream_status = 0;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
};

struct RequestContext {
  Worker& worker;
  ClientConnection& client;
  Scratch& scratch;
  std::string_view buffered;  // Body bytes that came with the head.

  std::string request_id = {};
  addressing::Operation operation = {};
  addressing::Address address = {};
  token::GrantRequest grant_request = {};
  std::string cache_key = {};

  RequestRecord record = {};
  relay::InFlightSlot slot = {};  // Of the route; given back before the answer's end is written.
  // The request's body has been read to its end, or there is none.
  bool body_consumed = true;
  bool body_begun = false;  // Some of it may have been taken from the client.
  std::unique_ptr<relay::KeptBody> kept_body = {};  // Null where the body is not kept.
  std::string leftover = {};
};

}  // namespace connector::dataplane::server
