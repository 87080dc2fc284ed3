#include "dataplane/relay/relay.h"

#include "common/http/chunked.h"
#include "dataplane/relay/body_portions.h"
#include "dataplane/relay/pipe.h"
#include "dataplane/relay/rate_floor.h"

#include <sys/uio.h>

#include <algorithm>
#include <utility>

namespace connector::dataplane::relay {
namespace {

constexpr std::size_t kMaxPieces = 4;  // Head, chunk header, payload, chunk end.

// What is to be written next, as views into buffers that stay put until it is.
class Pieces {
 public:
  void Add(std::string_view bytes) {
    if (!bytes.empty()) {
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): writev(2) does not write to it.
      pieces_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()};
    }
  }
  [[nodiscard]] bool empty() const { return first_ == count_; }
  [[nodiscard]] const iovec* data() const { return pieces_ + first_; }
  [[nodiscard]] int count() const { return static_cast<int>(count_ - first_); }

  void Consume(std::size_t bytes) {
    while (bytes > 0) {
      iovec& piece = pieces_[first_];
      const std::size_t step = std::min(bytes, piece.iov_len);
      piece.iov_base = static_cast<char*>(piece.iov_base) + step;
      piece.iov_len -= step;
      bytes -= step;
      first_ += piece.iov_len == 0 ? 1U : 0U;
    }
  }

 private:
  iovec pieces_[kMaxPieces];
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

class Mover {
 public:
  explicit Mover(RelayJob& job)
      : job_(job),
        portions_(job.in, job.length),
        source_floor_(job.min_source_rate, job.source_timeout),
        sink_floor_(job.min_sink_rate, job.sink_timeout) {}

  Task<RelayEnd> Run();
  RelayResult TakeResult(RelayEnd end) { return {end, payload_bytes_, std::move(leftover_)}; }

 private:
  Task<RelayEnd> Write(std::string_view payload, bool last);
  Task<RelayEnd> Flush(Pieces pieces);
  Task<RelayEnd> Read(char* buffer, std::string_view& input);
  // Wait until a blocked side can go on: kDone, or the end that the waiting makes.
  Task<RelayEnd> AwaitSource();
  Task<RelayEnd> AwaitSink();
  struct Ends {
    RelayEnd timeout;
    RelayEnd cut;
  };
  Task<RelayEnd> Await(net::Stream& side,
                       std::chrono::milliseconds timeout,
                       RateFloor& floor,
                       Ends ends);
  [[nodiscard]] bool CanSplice() const;
  Task<RelayEnd> SpliceRest();
  // Before the sink gets the last bytes: whoever reads them may ask again at once.
  void GiveBackSlotIf(bool source_read) {
    if (source_read && job_.slot != nullptr) {
      job_.slot->GiveBack();
    }
  }
  [[nodiscard]] bool Interrupted() const {
    return job_.interrupted != nullptr && *job_.interrupted;
  }

  RelayJob& job_;
  BodyPortions portions_;
  RateFloor source_floor_;
  RateFloor sink_floor_;
  std::uint64_t payload_bytes_ = 0;
  bool splice_refused_ = false;  // The rest goes through the buffer.
  std::string leftover_;
  std::string joined_;  // TLS sinks get one record where a plain one gets a writev.
};

Task<RelayEnd> Mover::Await(net::Stream& side,
                            std::chrono::milliseconds timeout,
                            RateFloor& floor,
                            Ends ends) {
  while (true) {
    const std::chrono::milliseconds time = std::min(timeout, floor.Left());
    const auto begun = std::chrono::steady_clock::now();
    const Result<Done> waited = co_await side.WaitBlocked(time);
    // An interruption wakes the wait by cancelling it, which looks like a failed socket: so ask for
    // the interruption first.
    if (Interrupted()) {
      co_return RelayEnd::kInterrupted;
    }
    if (!floor.Waited(std::chrono::steady_clock::now() - begun)) {
      co_return ends.timeout;
    }
    if (waited) {
      co_return RelayEnd::kDone;
    }
    timeout -= time;
    if (waited.error().code != ErrorCode::kDeadlineExceeded) {
      co_return ends.cut;
    }
    if (timeout.count() <= 0) {
      co_return ends.timeout;
    }
  }
}

Task<RelayEnd> Mover::AwaitSource() {
  const Ends ends{RelayEnd::kSourceTimeout, RelayEnd::kSourceCut};
  return Await(job_.from, job_.source_timeout, source_floor_, ends);
}

Task<RelayEnd> Mover::AwaitSink() {
  const Ends ends{RelayEnd::kSinkTimeout, RelayEnd::kSinkCut};
  return Await(job_.to, job_.sink_timeout, sink_floor_, ends);
}

// A pipe and its system calls only pay for themselves on a long body. Chunked framing, TLS and a
// limit all need to see the bytes.
bool Mover::CanSplice() const {
  return !splice_refused_ && job_.keep == nullptr && job_.rewrite == nullptr &&
         job_.in == http::BodyFraming::kContentLength && !job_.chunk_output &&
         portions_.left() > kSpliceBytes && job_.max_payload == UINT64_MAX && !job_.from.tls() &&
         !job_.to.tls();
}

// The rest of the body, inside the kernel. What an ending leaves in the pipe is lost with it, which
// is fine: after any end but kDone both connections are closed.
Task<RelayEnd> Mover::SpliceRest() {
  const Pipe pipe;
  splice_refused_ = !pipe.ok();
  while (!splice_refused_ && portions_.left() > 0) {
    const std::size_t want =
        static_cast<std::size_t>(std::min<std::uint64_t>(portions_.left(), Pipe::kBytes));
    if (Interrupted()) {
      co_return RelayEnd::kInterrupted;
    }
    const net::IoResult got = job_.from.TrySpliceInto(pipe.write_end(), want);
    if (got.status == net::IoStatus::kWouldBlock) {
      const RelayEnd end = co_await AwaitSource();
      if (end != RelayEnd::kDone) {
        co_return end;
      }
      continue;
    }
    // Some kernels and some sockets refuse: nothing was moved, so the buffer can go on.
    if (got.status == net::IoStatus::kUnsupported) {
      splice_refused_ = true;
      break;
    }
    if (got.status != net::IoStatus::kOk) {
      co_return RelayEnd::kSourceCut;
    }
    portions_.Skip(got.bytes);
    source_floor_.Moved(got.bytes);
    GiveBackSlotIf(portions_.left() == 0);
    for (std::size_t inside = got.bytes; inside > 0;) {
      const net::IoResult put =
          job_.to.TrySpliceFrom(pipe.read_end(), inside, portions_.left() > 0);
      if (put.status == net::IoStatus::kOk) {
        inside -= put.bytes;
        payload_bytes_ += put.bytes;
        sink_floor_.Moved(put.bytes);
        continue;
      }
      if (put.status != net::IoStatus::kWouldBlock) {
        co_return RelayEnd::kSinkCut;
      }
      const RelayEnd end = co_await AwaitSink();
      if (end != RelayEnd::kDone) {
        co_return end;
      }
    }
  }
  co_return RelayEnd::kDone;
}

Task<RelayEnd> Mover::Flush(Pieces pieces) {
  // SSL_write makes a record of each piece: a head of its own would cost one, and a packet.
  if (job_.to.tls() && pieces.count() > 1) {
    joined_.clear();
    for (int i = 0; i < pieces.count(); ++i) {
      joined_.append(static_cast<const char*>(pieces.data()[i].iov_base), pieces.data()[i].iov_len);
    }
    pieces = Pieces();
    pieces.Add(joined_);
  }
  while (!pieces.empty()) {
    const net::IoResult put = job_.to.TryWrite(pieces.data(), pieces.count());
    if (put.status == net::IoStatus::kOk) {
      pieces.Consume(put.bytes);
      sink_floor_.Moved(put.bytes);
      continue;
    }
    if (put.status != net::IoStatus::kWouldBlock) {
      co_return RelayEnd::kSinkCut;
    }
    const RelayEnd end = co_await AwaitSink();
    if (end != RelayEnd::kDone) {
      co_return end;
    }
  }
  co_return RelayEnd::kDone;
}

Task<RelayEnd> Mover::Write(std::string_view payload, bool last) {
  char header[http::kMaxChunkHeaderBytes];
  Pieces pieces;
  pieces.Add(std::exchange(job_.head, {}));
  if (job_.rewrite != nullptr) {
    payload = (*job_.rewrite)(payload);
  }
  // Before anything of this portion is written: what is too large must not arrive whole.
  if (payload.size() > job_.max_payload - payload_bytes_) {
    co_return RelayEnd::kTooLarge;
  }
  payload_bytes_ += payload.size();
  if (job_.keep != nullptr) {
    job_.keep->Append(payload);
  }
  if (!job_.chunk_output) {
    pieces.Add(payload);
    co_return co_await Flush(pieces);
  }
  if (!payload.empty()) {
    pieces.Add({header, http::WriteChunkHeader(payload.size(), header)});
    pieces.Add(payload);
    pieces.Add(http::kChunkEnd);
  }
  // The last chunk goes alone: only its arrival tells the sink that the body is whole, so it is
  // never on its way before the payload is.
  const RelayEnd end = co_await Flush(pieces);
  if (end != RelayEnd::kDone || !last) {
    co_return end;
  }
  Pieces final_piece;
  final_piece.Add(http::kLastChunk);
  co_return co_await Flush(final_piece);
}

// Fills `input` with what the source has next; leaves it empty at the source's end.
Task<RelayEnd> Mover::Read(char* buffer, std::string_view& input) {
  const std::size_t want = portions_.ReadSize(net::kBufferBytes);
  while (true) {
    if (Interrupted()) {
      co_return RelayEnd::kInterrupted;
    }
    const net::IoResult got = job_.from.TryRead(buffer, want);
    if (got.status == net::IoStatus::kOk || got.status == net::IoStatus::kEof) {
      input = {buffer, got.bytes};
      source_floor_.Moved(got.bytes);
      co_return RelayEnd::kDone;
    }
    if (got.status == net::IoStatus::kError) {
      co_return RelayEnd::kSourceCut;
    }
    const RelayEnd end = co_await AwaitSource();
    if (end != RelayEnd::kDone) {
      co_return end;
    }
  }
}

Task<RelayEnd> Mover::Run() {
  std::string_view input = job_.buffered;
  net::PooledBuffer buffer;
  bool source_ended = false;
  while (true) {
    const BodyPortion run = portions_.Next(input);
    if (run.malformed) {
      co_return RelayEnd::kSourceMalformed;
    }
    const bool last = run.end || source_ended;
    GiveBackSlotIf(last);
    if (!run.payload.empty() || last || !job_.head.empty()) {
      const RelayEnd end = co_await Write(run.payload, last);
      if (end != RelayEnd::kDone) {
        co_return end;
      }
    }
    if (last) {
      leftover_ = input;
      co_return RelayEnd::kDone;
    }
    if (!input.empty()) {
      continue;
    }
    if (CanSplice()) {
      const RelayEnd end = co_await SpliceRest();
      if (end != RelayEnd::kDone || portions_.left() == 0) {
        co_return end;
      }
    }
    if (!buffer) {
      buffer = job_.buffers.Take();
    }
    const RelayEnd end = co_await Read(buffer.data(), input);
    if (end != RelayEnd::kDone) {
      co_return end;
    }
    if (input.empty()) {
      // docs/rules.md "Upstream framing": a cut reaches the sink as a cut.
      if (!portions_.EndsWithSource()) {
        co_return RelayEnd::kSourceCut;
      }
      source_ended = true;
    }
  }
}

}  // namespace

Task<RelayResult> Relay(RelayJob job) {
  Mover mover(job);
  const RelayEnd end = co_await mover.Run();
  co_return mover.TakeResult(end);
}

}  // namespace connector::dataplane::relay
