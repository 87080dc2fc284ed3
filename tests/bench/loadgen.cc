// A load generator: one thread, epoll, HTTP/1.1 over plain TCP to 127.0.0.1. Prints one line of
// JSON with what happened; any answer but the expected one counts as an error.
//
//   loadgen --port P --path /v2/... --authorization VALUE [--connections 32]
//     --requests N            closed loop: each connection asks again as soon as it was answered
//     --requests N --rate R   open loop: requests are due at random times, R a second on average,
//     and
//                             their latency counts from when they were due, so that a server that
//                             stalls cannot hide the requests that it delayed
//     --requests N --push B   each request is an upload: POST, PATCH of B bytes, PUT; --path is the
//                             repository's /v2/NAME
//     --method HEAD           instead of GET
//     --idle                  asks once on each connection, prints, and keeps them open until its
//                             standard input ends
//
// In contrast to wrk it does an exact number of requests, so that CPU time divides without a rest.

#include "tests/bench/stream.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace connector::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Time = SteadyClock::time_point;

constexpr std::size_t kChunk = 1 << 20;
constexpr std::string_view kDigest =
    "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

struct Options {
  std::uint16_t port = 0;
  std::string path;
  std::string authorization;
  std::string method = "GET";  // Or HEAD.
  std::size_t connections = 32;
  std::uint64_t requests = 0;
  double rate = 0;
  std::uint64_t push = 0;
  bool idle = false;
};

enum class Step : std::uint8_t { kGet, kPost, kPatch, kPut };

struct Connection {
  explicit Connection(Stream s) : stream(std::move(s)) {}

  Stream stream;
  Step step = Step::kGet;
  bool busy = false;
  Time due;
  std::string out;
  std::size_t out_sent = 0;
  std::uint64_t zeros_left = 0;  // Of an upload's body, after `out`.
  std::string in;                // Head of the answer, as far as it came.
  bool head_done = false;
  std::uint64_t body_left = 0;
};

struct Tally {
  std::uint64_t answered = 0;
  std::uint64_t errors = 0;
  std::uint64_t bytes = 0;  // Of bodies, both directions.
  std::string first_error;
  std::vector<std::uint32_t> latencies_ns;
};

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), zeros_(kChunk, '\0') {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    tally_.latencies_ns.reserve(options_.requests);
    for (std::size_t i = 0; i < options_.connections; ++i) {
      Open();
    }
  }

  void Run() {
    started_ = SteadyClock::now();
    next_due_ = started_;
    while (tally_.answered + tally_.errors < options_.requests) {
      StartWhatIsDue();
      Wait();
    }
    ended_ = SteadyClock::now();
  }

  void Print();

 private:
  void Open() {
    auto added = std::make_unique<Connection>(Stream(Connect(options_.port)));
    Watch(epoll_, EPOLL_CTL_ADD, added->stream.fd(), EPOLLIN | EPOLLOUT | EPOLLET, added.get());
    free_.push_back(added.get());
    connections_.emplace(added.get(), std::move(added));
  }

  void StartWhatIsDue();
  void Wait();
  void Start(Time due);
  void Send(Connection& c, std::string_view method, std::string_view target, std::uint64_t body);
  void Drive(Connection& c);
  bool Write(Connection& c);
  bool Read(Connection& c, bool& answered);
  void OnAnswer(Connection& c);
  void Finish(Connection& c, bool ok);

  const Options options_;
  const std::string zeros_;
  int epoll_ = -1;
  std::map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> free_;
  std::deque<Time> waiting_;  // Due, but every connection is busy.
  std::uint64_t begun_ = 0;
  Time started_;
  Time ended_;
  Time next_due_;
  std::mt19937_64 random_{42};  // NOLINT(cert-msc51-cpp): the same arrivals in every run.
  Tally tally_;
};

void Load::StartWhatIsDue() {
  std::exponential_distribution<double> gap(options_.rate > 0 ? options_.rate : 1);
  const Time now = SteadyClock::now();
  while (options_.rate > 0 && begun_ + waiting_.size() < options_.requests && next_due_ <= now) {
    waiting_.push_back(next_due_);
    next_due_ += std::chrono::nanoseconds(static_cast<std::int64_t>(gap(random_) * 1e9));
  }
  while (!free_.empty() && begun_ < options_.requests) {
    if (options_.idle && begun_ > tally_.answered) {
      return;  // One after the other: a crowd would need memory that idle connections do not.
    }
    if (options_.rate == 0) {
      Start(now);
    } else if (!waiting_.empty()) {
      Start(waiting_.front());
      waiting_.pop_front();
    } else {
      return;
    }
  }
}

void Load::Wait() {
  timespec timeout{1, 0};
  if (options_.rate > 0 && begun_ + waiting_.size() < options_.requests) {
    const auto left =
        std::max<std::int64_t>(0, std::chrono::nanoseconds(next_due_ - SteadyClock::now()).count());
    timeout = {left / 1'000'000'000, left % 1'000'000'000};
  }
  std::array<epoll_event, 256> events{};
  const int ready =
      epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  for (int i = 0; i < ready; ++i) {
    Drive(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
  }
}

// On a free connection.
void Load::Start(Time due) {
  Connection& c = *free_.back();
  free_.pop_back();
  ++begun_;
  c.busy = true;
  c.due = due;
  if (options_.push == 0) {
    c.step = Step::kGet;
    Send(c, options_.method, options_.path, 0);
  } else {
    c.step = Step::kPost;
    Send(c, "POST", options_.path + "/blobs/uploads/", 0);
  }
  Drive(c);
}

void Load::Send(Connection& c,
                std::string_view method,
                std::string_view target,
                std::uint64_t body) {
  c.out = std::string(method) + " " + std::string(target) +
          " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options_.port) +
          "\r\nAccept: application/vnd.oci.image.manifest.v1+json\r\nUser-Agent: loadgen\r\n"
          "Authorization: " +
          options_.authorization + "\r\n";
  if (method == "PATCH") {
    c.out += "Content-Type: application/octet-stream\r\n";
  }
  if (method != "GET" && method != "HEAD") {
    c.out += "Content-Length: " + std::to_string(body) + "\r\n";
  }
  c.out += "\r\n";
  c.out_sent = 0;
  c.zeros_left = body;
  c.in.clear();
  c.head_done = false;
  tally_.bytes += body;
}

void Load::Drive(Connection& c) {
  for (bool answered = true; answered && c.busy;) {
    answered = false;
    if (!Write(c) || !Read(c, answered)) {
      if (tally_.first_error.empty()) {
        tally_.first_error = "connection closed";
      }
      Finish(c, false);
      return;
    }
    if (answered) {
      OnAnswer(c);
    }
  }
}

// False when the connection is over.
bool Load::Write(Connection& c) {
  while (c.out_sent < c.out.size()) {
    const Moved n = c.stream.Write(c.out.data() + c.out_sent, c.out.size() - c.out_sent);
    if (n <= 0) {
      return n == 0;
    }
    c.out_sent += static_cast<std::size_t>(n);
  }
  while (c.zeros_left > 0) {
    const Moved n = c.stream.Write(zeros_.data(), std::min<std::uint64_t>(c.zeros_left, kChunk));
    if (n <= 0) {
      return n == 0;
    }
    c.zeros_left -= static_cast<std::uint64_t>(n);
  }
  return true;
}

bool Load::Read(Connection& c, bool& answered) {
  std::array<char, 8192> piece{};
  while (!c.head_done) {
    const Moved n = c.stream.Read(piece.data(), piece.size());
    if (n <= 0) {
      return n == 0;
    }
    c.in.append(piece.data(), static_cast<std::size_t>(n));
    const std::size_t end = c.in.find("\r\n\r\n");
    if (end == std::string::npos) {
      continue;
    }
    c.head_done = true;
    const std::uint64_t early = c.in.size() - end - 4;
    c.in.resize(end + 4);
    const std::string length(Header(c.in, "content-length"));
    c.body_left = options_.method == "HEAD" ? 0 : std::strtoull(length.c_str(), nullptr, 10);
    tally_.bytes += c.body_left;
    c.body_left -= std::min(early, c.body_left);
  }
  while (c.body_left > 0) {
    const Moved n = c.stream.Discard(c.body_left);
    if (n <= 0) {
      return n == 0;
    }
    c.body_left -= static_cast<std::uint64_t>(n);
  }
  answered = true;
  return true;
}

void Load::OnAnswer(Connection& c) {
  static const std::map<Step, std::string_view> kExpected = {
      {Step::kGet, "200"}, {Step::kPost, "202"}, {Step::kPatch, "202"}, {Step::kPut, "201"}};
  const std::string_view status = std::string_view(c.in).substr(9, 3);
  if (status != kExpected.at(c.step)) {
    if (tally_.first_error.empty()) {
      tally_.first_error = "status " + std::string(status);
    }
    Finish(c, false);
    return;
  }
  std::string location(Header(c.in, "location"));
  if (const std::size_t scheme = location.find("://"); scheme != std::string::npos) {
    location = location.substr(location.find('/', scheme + 3));
  }
  if (c.step == Step::kPost) {
    c.step = Step::kPatch;
    Send(c, "PATCH", location, options_.push);
  } else if (c.step == Step::kPatch) {
    c.step = Step::kPut;
    const char join = location.find('?') == std::string::npos ? '?' : '&';
    Send(c, "PUT", location + join + "digest=" + std::string(kDigest), 0);
  } else {
    Finish(c, true);
  }
}

void Load::Finish(Connection& c, bool ok) {
  c.busy = false;
  const Time now = SteadyClock::now();
  if (ok) {
    ++tally_.answered;
    const auto taken = std::chrono::nanoseconds(now - c.due).count();
    tally_.latencies_ns.push_back(
        static_cast<std::uint32_t>(std::min<std::int64_t>(taken, UINT32_MAX)));
    if (!options_.idle) {
      free_.push_back(&c);
    }
  } else {
    ++tally_.errors;
    if (tally_.errors > 100) {
      Print();
      std::exit(1);
    }
    Open();
    connections_.erase(&c);
  }
}

void Load::Print() {
  std::vector<std::uint32_t>& sorted = tally_.latencies_ns;
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&sorted](double share) {
    return sorted.empty()
               ? 0.0
               : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))] /
                     1e3;
  };
  std::printf(
      "{\"answered\":%llu,\"errors\":%llu,\"firstError\":\"%s\",\"bytes\":%llu,\"seconds\":%.6f,"
      "\"p50\":%.2f,\"p99\":%.2f,\"p999\":%.2f}\n",
      static_cast<unsigned long long>(tally_.answered),
      static_cast<unsigned long long>(tally_.errors),
      tally_.first_error.c_str(),
      static_cast<unsigned long long>(tally_.bytes),
      std::chrono::duration<double>(ended_ - started_).count(),
      at(0.5),
      at(0.99),
      at(0.999));
  std::fflush(stdout);
}

Options Parse(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    given[name] = name == "--idle" || i + 1 == argc ? "" : argv[++i];
  }
  Options options;
  options.port = static_cast<std::uint16_t>(std::strtoul(given["--port"].c_str(), nullptr, 10));
  options.path = given["--path"];
  options.authorization = given["--authorization"];
  options.requests = std::strtoull(given["--requests"].c_str(), nullptr, 10);
  options.rate = std::strtod(given["--rate"].c_str(), nullptr);
  options.push = std::strtoull(given["--push"].c_str(), nullptr, 10);
  options.idle = given.contains("--idle");
  if (given.contains("--method")) {
    options.method = given["--method"];
  }
  if (given.contains("--connections")) {
    options.connections = std::strtoull(given["--connections"].c_str(), nullptr, 10);
  }
  if (options.idle) {
    options.requests = options.connections;
  }
  if (options.port == 0 || options.path.empty() || options.requests == 0) {
    std::fputs("loadgen: --port, --path and --requests or --idle are needed\n", stderr);
    std::exit(2);
  }
  return options;
}

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1);  // Open-loop requests are due to the microsecond.
  const Options options = Parse(argc, argv);
  Load load(options);
  load.Run();
  load.Print();
  if (options.idle) {
    std::array<char, 64> ignored{};
    while (read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
    }
  }
  return 0;
}

}  // namespace
}  // namespace connector::bench

int main(int argc, char** argv) {
  return connector::bench::Main(argc, argv);
}
