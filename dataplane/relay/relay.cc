#include "dataplane/relay/relay.h"

#include "common/http/chunked.h"
#include "dataplane/relay/pipe.h"

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
  explicit Mover(Job& job) : job_(job) {}

  Task<End> Run();
  Outcome TakeOutcome(End end) { return {end, payload_bytes_, std::move(leftover_)}; }

 private:
  struct Portion {
    std::string_view payload;
    bool end = false;
    bool malformed = false;
  };

  Portion Next(std::string_view& input);
  Task<End> Write(std::string_view payload, bool last);
  Task<End> Flush(Pieces pieces);
  Task<End> Read(char* buffer, std::string_view& input);
  // Wait until a blocked side can go on: kDone, or the end that the waiting makes.
  Task<End> AwaitSource();
  Task<End> AwaitSink();
  [[nodiscard]] End AfterWait(const Result<Done>& waited, End timeout, End cut) const;
  [[nodiscard]] bool CanSplice() const;
  Task<End> SpliceRest();
  // Before the sink gets the last bytes: whoever reads them may ask again at once.
  void GiveBackSlotIf(bool source_read) {
    if (source_read && job_.slot != nullptr) {
      job_.slot->GiveBack();
    }
  }
  [[nodiscard]] bool Interrupted() const {
    return job_.interrupted != nullptr && *job_.interrupted;
  }

  Job& job_;
  http::ChunkedDecoder decoder_;
  std::uint64_t left_ = 0;  // Of a kContentLength body.
  std::uint64_t payload_bytes_ = 0;
  bool splice_refused_ = false;  // The rest goes through the buffer.
  std::string leftover_;
  std::string joined_;  // TLS sinks get one record where a plain one gets a writev.
};

// Takes the next run of payload off the front of `input`.
Mover::Portion Mover::Next(std::string_view& input) {
  switch (job_.in) {
    case http::BodyFraming::kChunked: {
      const http::ChunkedStep step = decoder_.Next(input);
      const Portion run{input.substr(step.payload_begin, step.payload_size),
                        step.status == http::ChunkedStatus::kDone,
                        step.status == http::ChunkedStatus::kError};
      input.remove_prefix(step.consumed);
      return run;
    }
    case http::BodyFraming::kContentLength: {
      const std::size_t take =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
      left_ -= take;
      const Portion run{input.substr(0, take), left_ == 0, false};
      input.remove_prefix(take);
      return run;
    }
    case http::BodyFraming::kUntilClose: {
      const Portion run{input, false, false};
      input = {};
      return run;
    }
    case http::BodyFraming::kNone:
      break;
  }
  return {{}, true, false};
}

End Mover::AfterWait(const Result<Done>& waited, End timeout, End cut) const {
  if (Interrupted()) {
    return End::kInterrupted;
  }
  if (waited) {
    return End::kDone;
  }
  return waited.error().code == ErrorCode::kDeadlineExceeded ? timeout : cut;
}

Task<End> Mover::AwaitSource() {
  const Result<Done> waited = co_await job_.from.WaitBlocked(job_.source_timeout);
  co_return AfterWait(waited, End::kSourceTimeout, End::kSourceCut);
}

Task<End> Mover::AwaitSink() {
  const Result<Done> waited = co_await job_.to.WaitBlocked(job_.sink_timeout);
  co_return AfterWait(waited, End::kSinkTimeout, End::kSinkCut);
}

bool Mover::CanSplice() const {
  return !splice_refused_ && job_.in == http::BodyFraming::kContentLength && !job_.chunk_output &&
         left_ > kSpliceBytes && job_.max_payload == UINT64_MAX && !job_.from.tls() &&
         !job_.to.tls();
}

// The rest of the body, inside the kernel. What an ending leaves in the pipe is lost with it, which
// is fine: after any end but kDone both connections are closed.
Task<End> Mover::SpliceRest() {
  const Pipe pipe;
  splice_refused_ = !pipe.ok();
  while (!splice_refused_ && left_ > 0) {
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(left_, Pipe::kBytes));
    if (Interrupted()) {
      co_return End::kInterrupted;
    }
    const net::IoResult got = job_.from.TrySpliceInto(pipe.write_end(), want);
    if (got.status == net::IoStatus::kWouldBlock) {
      const End end = co_await AwaitSource();
      if (end != End::kDone) {
        co_return end;
      }
      continue;
    }
    if (got.status == net::IoStatus::kUnsupported) {
      splice_refused_ = true;
      break;
    }
    if (got.status != net::IoStatus::kOk) {
      co_return End::kSourceCut;
    }
    left_ -= got.bytes;
    GiveBackSlotIf(left_ == 0);
    for (std::size_t inside = got.bytes; inside > 0;) {
      const net::IoResult put = job_.to.TrySpliceFrom(pipe.read_end(), inside, left_ > 0);
      if (put.status == net::IoStatus::kOk) {
        inside -= put.bytes;
        payload_bytes_ += put.bytes;
        continue;
      }
      if (put.status != net::IoStatus::kWouldBlock) {
        co_return End::kSinkCut;
      }
      const End end = co_await AwaitSink();
      if (end != End::kDone) {
        co_return end;
      }
    }
  }
  co_return End::kDone;
}

Task<End> Mover::Flush(Pieces pieces) {
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
      continue;
    }
    if (put.status != net::IoStatus::kWouldBlock) {
      co_return End::kSinkCut;
    }
    const End end = co_await AwaitSink();
    if (end != End::kDone) {
      co_return end;
    }
  }
  co_return End::kDone;
}

Task<End> Mover::Write(std::string_view payload, bool last) {
  char header[http::kMaxChunkHeaderBytes];
  Pieces pieces;
  pieces.Add(std::exchange(job_.head, {}));
  if (payload.size() > job_.max_payload - payload_bytes_) {
    co_return End::kTooLarge;
  }
  payload_bytes_ += payload.size();
  if (!job_.chunk_output) {
    pieces.Add(payload);
    co_return co_await Flush(pieces);
  }
  if (!payload.empty()) {
    pieces.Add({header, http::WriteChunkHeader(payload.size(), header)});
    pieces.Add(payload);
    pieces.Add(http::kChunkEnd);
  }
  const End end = co_await Flush(pieces);
  if (end != End::kDone || !last) {
    co_return end;
  }
  Pieces final_piece;
  final_piece.Add(http::kLastChunk);
  co_return co_await Flush(final_piece);
}

// Fills `input` with what the source has next; leaves it empty at the source's end.
Task<End> Mover::Read(char* buffer, std::string_view& input) {
  const std::size_t want =
      job_.in == http::BodyFraming::kContentLength
          ? static_cast<std::size_t>(std::min<std::uint64_t>(left_, net::kBufferBytes))
          : net::kBufferBytes;
  while (true) {
    if (Interrupted()) {
      co_return End::kInterrupted;
    }
    const net::IoResult got = job_.from.TryRead(buffer, want);
    if (got.status == net::IoStatus::kOk || got.status == net::IoStatus::kEof) {
      input = {buffer, got.bytes};
      co_return End::kDone;
    }
    if (got.status == net::IoStatus::kError) {
      co_return End::kSourceCut;
    }
    const End end = co_await AwaitSource();
    if (end != End::kDone) {
      co_return end;
    }
  }
}

Task<End> Mover::Run() {
  left_ = job_.length;
  std::string_view input = job_.buffered;
  net::BufferPool::Lease buffer;
  bool source_ended = false;
  while (true) {
    const Portion run = Next(input);
    if (run.malformed) {
      co_return End::kSourceMalformed;
    }
    const bool last = run.end || source_ended;
    GiveBackSlotIf(last);
    if (!run.payload.empty() || last || !job_.head.empty()) {
      const End end = co_await Write(run.payload, last);
      if (end != End::kDone) {
        co_return end;
      }
    }
    if (last) {
      leftover_ = input;
      co_return End::kDone;
    }
    if (!input.empty()) {
      continue;
    }
    if (CanSplice()) {
      const End end = co_await SpliceRest();
      if (end != End::kDone || left_ == 0) {
        co_return end;
      }
    }
    if (!buffer) {
      buffer = job_.buffers.Take();
    }
    const End end = co_await Read(buffer.data(), input);
    if (end != End::kDone) {
      co_return end;
    }
    if (input.empty()) {
      if (job_.in != http::BodyFraming::kUntilClose) {
        co_return End::kSourceCut;
      }
      source_ended = true;
    }
  }
}

}  // namespace

Task<Outcome> Relay(Job job) {
  Mover mover(job);
  const End end = co_await mover.Run();
  co_return mover.TakeOutcome(end);
}

}  // namespace connector::dataplane::relay
