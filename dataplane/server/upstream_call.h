#pragma once

// UpstreamCall: one request to one origin and the head of its answer. Takes a connection from the
// pool, sends head and body, notices an answer that comes before the body was sent, and repeats
// once on a new connection when a reused one died before it answered. A small body is kept for
// that, and for a call that repeats this one. Decides nothing about the answer.

#include "dataplane/oci/headers.h"
#include "dataplane/server/authorized.h"
#include "dataplane/upstream/pool.h"

#include <memory>
#include <string>
#include <string_view>

namespace connector::dataplane::server {

// Where one request goes.
struct UpstreamTarget {
  http::Origin origin;
  std::string target = {};  // Path and query.
  http::Method method = http::Method::kGet;
  oci::HopKind hop = oci::HopKind::kRegistry;
  bool send_credential = true;
  bool allow_private_address = true;
  std::string_view range_override = {};  // Static text.
  std::string cookies = {};              // Of an upload, for this one request.
};

// What became of a call. When `refusal` is set there is no answer; `client_lost` means that there
// is nobody left to tell.
struct CallResult {
  std::optional<oci::ErrorReply> refusal = {};
  bool client_lost = false;
};

class UpstreamCall {
 public:
  UpstreamCall(const Authorized& authorized, UpstreamTarget target);
  ~UpstreamCall();
  UpstreamCall(const UpstreamCall&) = delete;
  UpstreamCall& operator=(const UpstreamCall&) = delete;

  // The answer's head is then in scratch.response.
  [[nodiscard]] Task<CallResult> Run();

  [[nodiscard]] const UpstreamTarget& target() const { return target_; }
  [[nodiscard]] net::Stream& stream() { return *stream_; }
  // Bytes of the answer's body that came with its head.
  [[nodiscard]] std::string_view buffered() const {
    return {buffer_.data() + body_begin_, body_end_ - body_begin_};
  }

  // The answer was read to its end: keeps the connection for the next request, if it allows it.
  void Finish(bool leftover);
  // The answer's body is not wanted: reads it away when it is here already, else closes.
  void Discard();

 private:
  [[nodiscard]] Task<Result<Done>> Open(bool fresh);
  void ComposeHead();
  // What stops a request before its answer: the upstream's failure, or the client's.
  struct Stop {
    std::optional<Error> upstream = {};
    CallResult client = {};
    [[nodiscard]] bool stopped() const {
      return upstream.has_value() || client.refusal.has_value() || client.client_lost;
    }
  };
  [[nodiscard]] Task<Stop> Send();
  [[nodiscard]] Task<Stop> SendWithBody();
  struct EarlyAnswer;
  [[nodiscard]] http::HeadResult ParseHead();
  [[nodiscard]] bool AnswerBegins();
  [[nodiscard]] Task<Result<Done>> ReadHead();
  [[nodiscard]] oci::ErrorReply Failure(const Error& error);
  [[nodiscard]] bool has_body() const;
  [[nodiscard]] oci::Framing BodyFraming() const;
  void KeepBody();

  const Authorized& authorized_;
  RequestContext& context_;
  UpstreamTarget target_;
  upstream::PoolKey key_;
  std::unique_ptr<net::Stream> stream_;
  net::PooledBuffer buffer_;
  std::size_t body_begin_ = 0;  // Until the head is read: where the part not understood begins.
  std::size_t body_end_ = 0;
  bool reused_ = false;
  bool answer_begun_ = false;
  bool body_cut_short_ = false;  // The answer came before the whole body was sent.
};

}  // namespace connector::dataplane::server
