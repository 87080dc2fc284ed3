#pragma once

// Relay: moves one body from one connection to another, with back-pressure and without a copy of
// the whole anywhere. Reads only when the last read has been written.
//
// The one place that knows how bodies move: large plain ones are spliced inside the kernel, all
// others go through a buffer. Deliberately decides nothing about heads, status codes or retries.

#include "common/http/head.h"
#include "dataplane/net/buffer_pool.h"
#include "dataplane/net/stream.h"
#include "dataplane/relay/kept_body.h"
#include "dataplane/relay/request_slots.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace connector::dataplane::relay {

// A body with more left than this is spliced, when both connections are plain and its length is
// known. A splice costs a pipe.
inline constexpr std::uint64_t kSpliceBytes = 256 * 1024;

enum class RelayEnd : std::uint8_t {
  kDone,
  kSourceCut,        // Closed or failed before the body's end.
  kSourceMalformed,  // Chunked framing that breaks the rules.
  kSourceTimeout,    // No progress within the source's timeout, or less than its least rate.
  kSinkCut,
  kSinkTimeout,
  kInterrupted,  // `*interrupted` became true.
  kTooLarge,     // More payload than `max_payload`.
};

struct RelayJob {
  net::Stream& from;
  net::Stream& to;
  http::BodyFraming in = http::BodyFraming::kNone;
  std::uint64_t length = 0;  // Of a kContentLength body.
  std::uint64_t max_payload = UINT64_MAX;
  bool chunk_output = false;  // Else payload bytes as they are.
  // Written before the body, together with its first bytes. Lives until the relay ends.
  std::string_view head;
  // Body bytes that were read together with the source's head. Lives until the relay ends.
  std::string_view buffered;
  net::BufferPool& buffers;
  std::chrono::milliseconds source_timeout;
  std::chrono::milliseconds sink_timeout;
  // Least bytes per second while waiting for that side, each over its timeout (rate_floor.h); 0 for
  // none.
  std::uint64_t min_source_rate = 0;
  std::uint64_t min_sink_rate = 0;
  // Set by someone else on this worker, who then also cancels the wait; null for never.
  const bool* interrupted = nullptr;
  // Given back once the source has been read to its end, before the last bytes go to the sink;
  // null for none.
  InFlightSlot* slot = nullptr;
  // Gets a copy of the payload, all that was read of it; null for none.
  KeptBody* keep = nullptr;
  // Says what goes on in the place of a run of payload, which holds until it is called again; null
  // for the run itself.
  const std::function<std::string_view(std::string_view)>* rewrite = nullptr;
};

struct RelayResult {
  RelayEnd end = RelayEnd::kDone;
  std::uint64_t payload_bytes = 0;  // Written to the sink.
  // What followed the body in the source: the next pipelined message, or noise.
  std::string leftover;
};

[[nodiscard]] Task<RelayResult> Relay(RelayJob job);

}  // namespace connector::dataplane::relay
