#include "dataplane/server/server.h"

#include "common/base/keyed_version.h"
#include "dataplane/oci/errors.h"
#include "dataplane/server/listener_names.h"
#include "dataplane/server/session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

namespace connector::dataplane::server {
namespace {

using PauseTimer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                              asio::wait_traits<std::chrono::steady_clock>,
                                              Executor>;
using TcpAcceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

const std::string& TooManyConnections() {
  static const std::string kReply = [] {
    std::string out;
    oci::AppendErrorReply(out, oci::ReplyFor(oci::ErrorKind::kOverloaded), {.keep_alive = false});
    return out;
  }();
  return kReply;
}

// One thread and what runs on it.
class WorkerThread {
 public:
  WorkerThread(const WorkerShared& shared, int access_log_fd)
      : worker_(io_, shared, access_log_fd) {
    worker_.timers.OnTick([this] {
      worker_.access_log.Flush();
      worker_.pool.Sweep();
    });
  }

  // `certificates` as Server has them.
  [[nodiscard]] Result<Done> Listen(Listener& listener,
                                    certificates::CertificateCache* certificates) {
    const Result<int> fd = listener.OpenSocket();
    if (!fd) {
      return fd.error();
    }
    auto acceptor = std::make_unique<TcpAcceptor>(io_.get_executor());
    acceptor->assign(listener.protocol(), *fd);
    acceptors_.push_back(std::move(acceptor));
    net::ServerNames* names = nullptr;
    if (listener.options().from_broker && certificates != nullptr) {
      names_.push_back(
          std::make_unique<ListenerNames>(worker_,
                                          *certificates,
                                          listener.options().dataplane_hosts,
                                          !listener.options().certificate_file.empty()));
      names = names_.back().get();
    }
    asio::co_spawn(io_, Accept(*acceptors_.back(), listener, names), asio::detached);
    return Done{};
  }

  void Start() {
    thread_ = std::thread([this] {
      worker_.timers.Start();
      io_.run();
    });
  }

  template <typename F>
  void Post(F action) {
    asio::post(io_, std::move(action));
  }

  void BeginDrain() {
    Post([this] {
      worker_.draining = true;
      CloseAcceptors();
      sessions_.CloseIdle();
    });
  }
  void TakeRoutes(const std::shared_ptr<const routes::RouteTable>& table) {
    const bool other_deny_list = !SameVersion(table->deny_list, worker_.routes->deny_list);
    worker_.TakeRoutes(table);
    if (other_deny_list) {
      sessions_.AskAgain();
    }
  }
  void CloseSessions() {
    Post([this] { sessions_.CloseAll(); });
  }
  // Sessions refer to this worker, so all must have ended before it does. Those that still wait for
  // the broker are resumed by its client, which ends before the server.
  ~WorkerThread() {
    Join();
    worker_.pool.Clear();
    CloseAcceptors();
    sessions_.CloseAll();
    worker_.timers.Stop();
    work_.reset();
    io_.restart();
    io_.run_for(std::chrono::seconds(5));
  }
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  void Join() {
    io_.stop();
    if (thread_.joinable()) {
      thread_.join();
    }
    worker_.access_log.Flush();
  }

  Worker& worker() { return worker_; }

 private:
  Task<void> Accept(TcpAcceptor& acceptor, Listener& listener, net::ServerNames* names);
  [[nodiscard]] bool Admit(connections::ClientAddress address);

  void CloseAcceptors() {
    for (const auto& acceptor : acceptors_) {
      boost::system::error_code ignored;
      acceptor->close(ignored);
    }
  }

  asio::io_context io_{1};
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  Worker worker_;
  std::vector<std::unique_ptr<ListenerNames>> names_;  // Of the listeners that have some.
  Sessions sessions_;
  std::vector<std::unique_ptr<TcpAcceptor>> acceptors_;
  std::thread thread_;
};

// Over its share an address ends its own connections, and over the limit the address with the most
// does; both only those that wait. Of this worker alone, which has its part of every address.
bool WorkerThread::Admit(connections::ClientAddress address) {
  AddressBudget& budget = worker_.shared.budgets.connections;
  const AddressBudget::Answer answer = budget.Take(address);
  if (answer == AddressBudget::Answer::kTaken) {
    return true;
  }
  const bool room = answer == AddressBudget::Answer::kFull ? sessions_.table().MakeRoom()
                                                           : sessions_.table().MakeRoomOf(address);
  if (room) {
    worker_.counters.connections_evicted.Add();
    budget.TakeInPlace(address);
  }
  return room;
}

Task<void> WorkerThread::Accept(TcpAcceptor& acceptor,
                                Listener& listener,
                                net::ServerNames* names) {
  PauseTimer pause(io_.get_executor());
  while (acceptor.is_open()) {
    asio::ip::tcp::endpoint peer;
    auto [error, socket] = co_await acceptor.async_accept(io_, peer, asio::as_tuple(kUseTask));
    if (error) {
      if (!acceptor.is_open()) {
        co_return;
      }
      // Out of descriptors, as a rule: trying again at once would only burn the worker.
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::as_tuple(kUseTask));
      continue;
    }
    const connections::ClientAddress address(peer.address());
    if (!Admit(address)) {
      worker_.counters.connections_refused.Add();
      boost::system::error_code ignored;
      socket.write_some(asio::buffer(TooManyConnections()), ignored);
      continue;
    }
    worker_.counters.connections_accepted.Add();
    net::Socket mine(std::move(socket));
    SessionTls tls{listener.tls(), names};
    asio::co_spawn(io_,
                   RunSession(worker_, sessions_, std::move(mine), address, std::move(tls)),
                   asio::detached);
  }
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions from,
       token::GrantCache& cache,
       log::Logger& log,
       certificates::CertificateCache* for_hosts)
      : options(std::move(from)),
        grants(cache),
        logger(log),
        certificates(for_hosts),
        budgets(options.settings.max_connections,
                options.settings.max_connections_per_address,
                options.settings.refused_tokens_per_second) {}

  ServerOptions options;
  token::GrantCache& grants;
  log::Logger& logger;
  certificates::CertificateCache* certificates;
  RecentServerErrors recent_errors;
  EdgeBudgets budgets;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::unique_ptr<WorkerThread>> workers;
  std::atomic<bool> started{false};  // `workers` does not change any more.
};

Server::Server(ServerOptions options,
               token::GrantCache& grants,
               log::Logger& logger,
               certificates::CertificateCache* certificates)
    : impl_(std::make_unique<Impl>(std::move(options), grants, logger, certificates)) {}

Server::~Server() {
  for (const auto& worker : impl_->workers) {
    worker->Join();
  }
}

Result<Done> Server::Start() {
  const WorkerShared shared{.settings = impl_->options.settings,
                            .grants = impl_->grants,
                            .logger = impl_->logger,
                            .recent_errors = impl_->recent_errors,
                            .budgets = impl_->budgets};
  for (const ListenerOptions& from : impl_->options.listeners) {
    Result<std::unique_ptr<Listener>> listener = Listener::Make(from);
    if (!listener) {
      return std::move(listener).error();
    }
    impl_->listeners.push_back(*std::move(listener));
  }
  for (unsigned i = 0; i < impl_->options.threads; ++i) {
    auto worker = std::make_unique<WorkerThread>(shared, impl_->options.access_log_fd);
    for (const auto& listener : impl_->listeners) {
      Result<Done> listening = worker->Listen(*listener, impl_->certificates);
      if (!listening) {
        return listening;
      }
    }
    impl_->workers.push_back(std::move(worker));
  }
  WorkerThread& first = *impl_->workers.front();
  first.worker().timers.OnTick([impl = impl_.get(), &first, ticks = 0]() mutable {
    if (++ticks % 4 == 0) {
      for (const auto& listener : impl->listeners) {
        listener->ReloadIfChanged(impl->logger);
      }
      impl->grants.EvictExpired(first.worker().timers.WallNow());
    }
  });
  for (const auto& worker : impl_->workers) {
    worker->Start();
  }
  impl_->started = true;
  return Done{};
}

std::vector<std::uint16_t> Server::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : impl_->listeners) {
    ports.push_back(listener->port());
  }
  return ports;
}

void Server::PublishRoutes(std::shared_ptr<const routes::RouteTable> table) {
  for (const auto& worker : impl_->workers) {
    worker->Post([worker = worker.get(), table] { worker->TakeRoutes(table); });
  }
}

void Server::PublishSealingKeys(std::shared_ptr<const crypto::SealKeys> keys) {
  for (const auto& worker : impl_->workers) {
    worker->Post([worker = worker.get(), keys] { worker->worker().sealing_keys = keys; });
  }
}

void Server::Drain() {
  for (const auto& worker : impl_->workers) {
    worker->BeginDrain();
  }
  const auto give_up_at = std::chrono::steady_clock::now() + impl_->options.settings.drain_timeout;
  const auto drained = [this] { return impl_->budgets.connections.taken() == 0; };
  while (!drained() && std::chrono::steady_clock::now() < give_up_at) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (!drained()) {
    impl_->logger.Warning("drain timeout: closing connections that are still busy",
                          {{"connections", impl_->budgets.connections.taken()}});
    for (const auto& worker : impl_->workers) {
      worker->CloseSessions();
    }
    const auto last_call = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (!drained() && std::chrono::steady_clock::now() < last_call) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  for (const auto& worker : impl_->workers) {
    worker->Join();
  }
}

ServerSnapshot Server::Snapshot() const {
  ServerSnapshot snapshot;
  snapshot.connections = impl_->budgets.connections.taken();
  if (!impl_->started) {
    return snapshot;
  }
  for (const auto& worker : impl_->workers) {
    snapshot.counters.push_back(&worker->worker().counters);
  }
  return snapshot;
}

const RecentServerErrors& Server::recent_errors() const {
  return impl_->recent_errors;
}

}  // namespace connector::dataplane::server
