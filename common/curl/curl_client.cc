#include "common/curl/curl_client.h"

#include "common/curl/curl_loop.h"
#include "common/curl/curl_transfer.h"
#include "common/curl/trust.h"
#include "common/curl/wiping_memory.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace connector::curl {
namespace {

constexpr std::chrono::seconds kGrace{1};
// A transfer that has not ended so long after its deadline: this program was stopped meanwhile.
constexpr std::chrono::milliseconds kStopped{50};
constexpr long kMaxConnections = 256;
// Where the server cannot share them, each watch has one.
constexpr long kMaxSharedConnections = 8192;

Error ShutDown() {
  return MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kSelf, "this program is shutting down", Retry::kSafe);
}

Error Cancelled() {
  return MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kSelf, "it was no longer wanted", Retry::kSafe);
}

void InitializeCurlOnce() {
  static const CURLcode kOnce = curl_global_init_mem(
      CURL_GLOBAL_DEFAULT, std::malloc, WipeAndFree, WipingRealloc, WipingStrdup, std::calloc);
  static_cast<void>(kOnce);
}

// Turns the handler of an awaiting coroutine into a function that resumes it on its own executor,
// and keeps that executor's io_context running until then.
template <typename Handler>
CurlTransfer::Done ResumeOnItsExecutor(Handler handler) {
  const auto executor = asio::get_associated_executor(handler);
  auto shared = std::make_shared<Handler>(std::move(handler));
  auto work =
      std::make_shared<asio::executor_work_guard<std::decay_t<decltype(executor)>>>(executor);
  return [executor, shared, work](Result<CurlResponse> result) {
    auto resume = [handler = std::move(*shared), value = std::move(result)]() mutable {
      std::move(handler)(std::move(value));
    };
    asio::post(executor, std::move(resume));
    work->reset();
  };
}

}  // namespace

// The loop's thread owns every transfer; other threads only add to `queued_` and `left_`. A
// transfer's end runs in the loop's thread and only posts.
class CurlClient::Impl {
 public:
  Impl(ConnectionReuse reuse, HttpVersion version)
      : reuse_(reuse), sharing_(version == HttpVersion::k2 ? &sharing_state_ : nullptr) {
    CURLM* multi = loop_.multi();
    const bool shared = sharing_ != nullptr;
    curl_multi_setopt(
        multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, shared ? kMaxSharedConnections : kMaxConnections);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, shared ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING);
    // The loop's thread takes no signal: those are the main thread's.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { Run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~Impl() {
    Shutdown();
    thread_.join();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Start(std::unique_ptr<CurlTransfer> transfer) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopped_) {
        queued_.push_back(std::move(transfer));
        // Under the lock: once the transfer is done, this object may die, which takes the lock too.
        loop_.Wake();
        return;
      }
    }
    transfer->Finish(ShutDown());
  }

  void Leave(std::shared_ptr<CurlInbox> inbox) {
    const std::lock_guard lock(mutex_);
    left_.push_back(std::move(inbox));
    loop_.Wake();
  }

  void Shutdown() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    loop_.Wake();
  }

 private:
  using Transfers = std::map<CURL*, std::unique_ptr<CurlTransfer>>;

  void Run() {
    while (TakeQueued()) {
      loop_.Wait();
      CutWhatIsPast();
      loop_.Act();
      FinishDone();
    }
    while (!waiting_.empty()) {
      TakeWaiting()->Finish(ShutDown());
    }
    while (!active_.empty()) {
      End(active_.begin(), ShutDown());
    }
  }

  // False once Shutdown was called and nothing is queued.
  bool TakeQueued() {
    std::vector<std::unique_ptr<CurlTransfer>> taken;
    std::vector<std::shared_ptr<CurlInbox>> left;
    bool stopped = false;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(queued_);
      left.swap(left_);
      stopped = stopped_;
    }
    for (std::unique_ptr<CurlTransfer>& transfer : taken) {
      if (stopped) {
        transfer->Finish(ShutDown());
      } else {
        waiting_.push_back(std::move(transfer));
      }
    }
    for (const std::shared_ptr<CurlInbox>& inbox : left) {
      Drop(inbox.get());
    }
    while (!waiting_.empty() && (sharing_ == nullptr || sharing_->MayBegin(active_.size()))) {
      Begin(TakeWaiting());
    }
    return !stopped;
  }

  std::unique_ptr<CurlTransfer> TakeWaiting() {
    std::unique_ptr<CurlTransfer> first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }

  void Drop(const CurlInbox* inbox) {
    // It may have ended by itself.
    if (const auto found = streams_.find(inbox); found != streams_.end()) {
      End(active_.find(found->second), ShutDown());
    } else {
      std::erase_if(waiting_, [inbox](const auto& each) { return each->inbox() == inbox; });
    }
  }

  void Begin(std::unique_ptr<CurlTransfer> transfer) {
    if (transfer->deadline() <= std::chrono::steady_clock::now()) {
      transfer->Finish(transfer->NoTimeLeft());
      return;
    }
    if (Result<Done> prepared = transfer->Prepare(reuse_, sharing_, trust_); !prepared) {
      transfer->Finish(std::move(prepared).error());
      return;
    }
    CURL* easy = transfer->handle();
    if (transfer->inbox() != nullptr) {
      streams_.emplace(transfer->inbox(), easy);
    }
    if (sharing_ != nullptr) {
      sharing_->Begun(easy, active_.size());
    }
    active_.emplace(easy, std::move(transfer));
    curl_multi_add_handle(loop_.multi(), easy);
  }

  // Curl ends transfers one after another, and each end sends what stands in the connection: of
  // others that are past their deadline too, such as the writes of a leader that was stopped.
  void CutWhatIsPast() {
    if (loop_.Overdue() < kStopped) {
      return;
    }
    const Deadline past = std::chrono::steady_clock::now() - kStopped;
    for (const auto& [easy, transfer] : active_) {
      if (transfer->deadline() < past) {
        transfer->CutConnection();
      }
    }
  }

  // `how`: a CURLcode or an Error.
  template <typename How>
  void End(Transfers::iterator transfer, How how) {
    if (sharing_ != nullptr && sharing_->Ended(transfer->first)) {
      GiveUpWaiting(how);
    }
    curl_multi_remove_handle(loop_.multi(), transfer->first);
    streams_.erase(transfer->second->inbox());
    transfer->second->Finish(std::move(how));
    active_.erase(transfer);
  }

  // What waited for a connection to the same server would fare no better than who made it.
  void GiveUpWaiting(CURLcode how) {
    for (const std::unique_ptr<CurlTransfer>& each : std::exchange(waiting_, {})) {
      each->Finish(how);
    }
  }
  void GiveUpWaiting(const Error& /*it was dropped*/) {}

  void FinishDone() {
    int more = 0;
    while (const CURLMsg* message = curl_multi_info_read(loop_.multi(), &more)) {
      if (message->msg == CURLMSG_DONE) {
        End(active_.find(message->easy_handle), message->data.result);
      }
    }
  }

  const ConnectionReuse reuse_;
  CurlSharing sharing_state_;
  CurlSharing* const sharing_;  // Null for HTTP/1.1.
  CurlLoop loop_;               // Its connections tell `sharing_` of their end.
  TrustStores trust_;
  Transfers active_;
  std::deque<std::unique_ptr<CurlTransfer>> waiting_;  // For a connection with room.
  std::map<const CurlInbox*, CURL*> streams_;  // Of `active_`, those that are read as they come.

  std::mutex mutex_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<CurlTransfer>> queued_;
  std::vector<std::shared_ptr<CurlInbox>> left_;

  std::thread thread_;
};

CurlClient::CurlClient(ConnectionReuse reuse, HttpVersion version) {
  InitializeCurlOnce();
  impl_ = std::make_shared<Impl>(reuse, version);
}

CurlClient::~CurlClient() {
  impl_->Shutdown();
}

void CurlClient::Shutdown() {
  impl_->Shutdown();
}

Task<Result<CurlResponse>> CurlClient::Perform(CurlRequest request, Deadline deadline) {
  auto start = [impl = impl_.get()](auto handler, CurlRequest moved, Deadline until) {
    impl->Start(std::make_unique<CurlTransfer>(
        std::move(moved), until, ResumeOnItsExecutor(std::move(handler))));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&,
                                          void(Result<CurlResponse>)>(
      start, kUseTask, std::move(request), deadline);
}

Task<Result<std::unique_ptr<CurlStream>>> CurlClient::Open(CurlRequest request,
                                                           Deadline deadline,
                                                           std::shared_ptr<Cancel> cancel) {
  // The transfer ends by itself at the deadline, with a better reason.
  Deadline head_until = deadline + kGrace;
  if (request.head_timeout.count() > 0) {
    head_until = std::min(head_until, std::chrono::steady_clock::now() + request.head_timeout);
  }
  const auto inbox = std::make_shared<CurlInbox>(request.max_response_bytes);
  impl_->Start(std::make_unique<CurlTransfer>(std::move(request), deadline, inbox));
  auto stream = std::make_unique<CurlStream>(inbox, [weak = std::weak_ptr(impl_), inbox] {
    if (const std::shared_ptr<Impl> impl = weak.lock()) {
      impl->Leave(inbox);
    }
  });
  if (cancel != nullptr) {
    stream->EndWith(cancel->OnRequest([inbox] { inbox->PutEnd(Cancelled()); }));
  }
  Result<Done> head = co_await CurlInbox::WaitForHead(inbox, head_until);
  if (!head) {
    co_return std::move(head).error();
  }
  co_return std::move(stream);
}

}  // namespace connector::curl
