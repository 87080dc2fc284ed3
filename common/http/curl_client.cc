#include "common/http/curl_client.h"

#include "common/http/curl_transfer.h"
#include "common/http/trust.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

namespace connector::http {
namespace {

inline constexpr long kMaxConnections = 256;
inline constexpr int kPollMilliseconds = 1000;

Error ShutDown() {
  return MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kSelf, "this program is shutting down", Retry::kSafe);
}

void InitializeCurlOnce() {
  static const CURLcode kOnce = curl_global_init(CURL_GLOBAL_DEFAULT);
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

// The loop's thread owns the multi handle and every transfer in it; other threads only add to
// `queued_`. A transfer's `done` runs in the loop's thread and only posts.
class CurlClient::Impl {
 public:
  explicit Impl(ConnectionReuse reuse) : reuse_(reuse) {
    InitializeCurlOnce();
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, kMaxConnections);
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
    curl_multi_cleanup(multi_);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Start(std::unique_ptr<CurlTransfer> transfer) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopped_) {
        queued_.push_back(std::move(transfer));
        // Under the lock: once the transfer is done, this object may die, which takes the lock too.
        curl_multi_wakeup(multi_);
        return;
      }
    }
    transfer->Finish(ShutDown());
  }

  void Shutdown() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    curl_multi_wakeup(multi_);
  }

 private:
  void Run() {
    while (TakeQueued()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      FinishDone();
      curl_multi_poll(multi_, nullptr, 0, kPollMilliseconds, nullptr);
    }
    for (auto& [easy, transfer] : active_) {
      curl_multi_remove_handle(multi_, easy);
      transfer->Finish(ShutDown());
    }
    active_.clear();
  }

  // False once Shutdown was called and nothing is queued.
  bool TakeQueued() {
    std::vector<std::unique_ptr<CurlTransfer>> taken;
    bool stopped = false;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(queued_);
      stopped = stopped_;
    }
    for (std::unique_ptr<CurlTransfer>& transfer : taken) {
      if (stopped) {
        transfer->Finish(ShutDown());
        continue;
      }
      if (Result<Done> prepared = transfer->Prepare(reuse_, trust_); !prepared) {
        transfer->Finish(std::move(prepared).error());
        continue;
      }
      CURL* easy = transfer->handle();
      active_.emplace(easy, std::move(transfer));
      curl_multi_add_handle(multi_, easy);
    }
    return !stopped;
  }

  void FinishDone() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) {
        continue;
      }
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;  // Gone with the handle below.
      const auto found = active_.find(easy);
      curl_multi_remove_handle(multi_, easy);
      found->second->Finish(code);
      active_.erase(found);
    }
  }

  const ConnectionReuse reuse_;
  CURLM* multi_ = nullptr;
  TrustStores trust_;
  std::map<CURL*, std::unique_ptr<CurlTransfer>> active_;

  std::mutex mutex_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<CurlTransfer>> queued_;

  std::thread thread_;
};

CurlClient::CurlClient(ConnectionReuse reuse) : impl_(std::make_unique<Impl>(reuse)) {}
CurlClient::~CurlClient() = default;

void CurlClient::Shutdown() {
  impl_->Shutdown();
}

Task<Result<CurlResponse>> CurlClient::Perform(CurlRequest request, Deadline deadline) {
  if (deadline <= std::chrono::steady_clock::now()) {
    co_return MakeError(ErrorCode::kDeadlineExceeded,
                        ErrorOrigin::kUpstream,
                        "no time was left to ask " + request.url.origin.Authority(),
                        Retry::kSafe);
  }
  auto start = [impl = impl_.get()](auto handler, CurlRequest moved, Deadline until) {
    impl->Start(std::make_unique<CurlTransfer>(
        std::move(moved), until, ResumeOnItsExecutor(std::move(handler))));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&,
                                          void(Result<CurlResponse>)>(
      start, kUseTask, std::move(request), deadline);
}

}  // namespace connector::http
