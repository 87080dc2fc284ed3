#pragma once

// CurlStream: the answer to CurlClient::Open, whose body is read piece by piece as it arrives and
// may never end. Destroying it ends the transfer.

#include "common/async/one_shot.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "common/curl/wiped_buffer.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace connector::curl {

// What the loop's thread has received and the reader has not taken. Thread-safe.
class CurlInbox {
 public:
  using Headers = std::map<std::string, std::string>;

  explicit CurlInbox(std::size_t limit) : limit_(limit) {}

  // The loop's side. False when the reader is more than the limit behind. The first end counts.
  void PutHead(int status, Headers headers);
  [[nodiscard]] bool PutBody(std::string_view bytes);
  void PutEnd(std::optional<Error> error);

  // The reader's side. WaitForHead and Read: kDeadlineExceeded when `until` comes first, and the
  // transfer goes on; the error of the transfer once all that came before it was read.
  [[nodiscard]] static Task<Result<Done>> WaitForHead(std::shared_ptr<CurlInbox> self,
                                                      Deadline until);
  [[nodiscard]] static Task<Result<std::unique_ptr<WipedBuffer>>> Read(
      std::shared_ptr<CurlInbox> self, Deadline until);
  [[nodiscard]] int status() const { return status_; }  // Both only after WaitForHead.
  [[nodiscard]] const Headers& headers() const { return headers_; }

 private:
  using Signal = std::shared_ptr<OneShot<Done>>;

  [[nodiscard]] static Task<bool> WaitFor(std::shared_ptr<CurlInbox> self,
                                          bool (CurlInbox::*ready)() const,
                                          Deadline until);
  [[nodiscard]] bool HasHead() const { return status_ != 0 || ended_; }
  [[nodiscard]] bool HasBody() const { return pending_ != nullptr || ended_; }
  [[nodiscard]] Signal TakeSignal();

  const std::size_t limit_;
  std::mutex mutex_;
  int status_ = 0;
  Headers headers_;
  std::unique_ptr<WipedBuffer> pending_;  // Null when nothing is.
  bool ended_ = false;
  std::optional<Error> error_;
  Signal signal_;
};

class CurlStream {
 public:
  CurlStream(std::shared_ptr<CurlInbox> inbox, std::function<void()> cancel)
      : inbox_(std::move(inbox)), cancel_(std::move(cancel)) {}
  ~CurlStream() { cancel_(); }
  CurlStream(const CurlStream&) = delete;
  CurlStream& operator=(const CurlStream&) = delete;

  [[nodiscard]] int status() const { return inbox_->status(); }
  // Names in lower case, as in CurlResponse.
  [[nodiscard]] const CurlInbox::Headers& headers() const { return inbox_->headers(); }

  // Keeps `registration`, of what may end the stream, as long as the stream.
  void EndWith(std::shared_ptr<void> registration) { registration_ = std::move(registration); }

  // What has arrived since the last call, at least one byte; null at the end of the body. One call
  // at a time. kDeadlineExceeded when `until` comes first: the stream goes on, read again.
  // kResourceExhausted: the reader was too slow. All others as CurlClient::Perform.
  [[nodiscard]] Task<Result<std::unique_ptr<WipedBuffer>>> Read(Deadline until) {
    return CurlInbox::Read(inbox_, until);
  }

 private:
  const std::shared_ptr<CurlInbox> inbox_;
  const std::function<void()> cancel_;
  std::shared_ptr<void> registration_;
};

}  // namespace connector::curl
