#include "dataplane/server/own_answer.h"

#include <utility>

namespace connector::dataplane::server {
namespace {

oci::ReplyContext ReplyContextOf(const RequestContext& context, bool keep_alive) {
  const http::RequestHead& head = context.scratch.request;
  return {.head_request = head.method == http::Method::kHead,
          .client_minor_version = head.minor_version,
          .keep_alive = keep_alive,
          .request_id = context.request_id};
}

Task<ConnectionAction> Send(RequestContext& context, bool keep_alive) {
  context.slot.GiveBack();
  const Result<Done> written =
      co_await context.client.stream.WriteAll(context.scratch.out, ClientWriteTime(context));
  co_return Continue(context, keep_alive && written);
}

}  // namespace

Task<ConnectionAction> Refuse(RequestContext& context, Rejection rejection) {
  const oci::ErrorReply& reply = rejection.reply;
  const bool keep_alive = context.scratch.request.keep_alive && context.body_consumed &&
                          !reply.close && !context.worker.draining;
  context.record.status = reply.status;
  context.record.error = reply.reason;
  context.record.decision = rejection.decision;
  context.scratch.out.clear();
  oci::AppendErrorReply(context.scratch.out, reply, ReplyContextOf(context, keep_alive));
  return Send(context, keep_alive);
}

Task<ConnectionAction> AnswerPing(RequestContext& context) {
  const bool keep_alive = context.scratch.request.keep_alive && !context.worker.draining;
  context.record.status = 200;
  context.scratch.out.clear();
  oci::AppendPingReply(context.scratch.out, ReplyContextOf(context, keep_alive));
  return Send(context, keep_alive);
}

std::chrono::milliseconds ClientWriteTime(const RequestContext& context) {
  const ServerSettings& settings = context.worker.shared.settings;
  return settings.idle_timeout +
         std::chrono::milliseconds(context.scratch.out.size() * 1000 / settings.min_client_rate);
}

ConnectionAction Continue(RequestContext& context, bool keep_alive) {
  return {.keep_alive = keep_alive && context.body_consumed && !context.worker.draining,
          .drain_input = !context.body_consumed,
          .reset = false,
          .leftover = std::move(context.leftover)};
}

}  // namespace connector::dataplane::server
