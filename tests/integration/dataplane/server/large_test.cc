// Blobs of 5 GiB, up and down, that nobody stores: the bytes are made and compared as they pass,
// and the memory of this program, which the data plane is a part of, stays flat.

#include "tests/support/cpp/dataplane_world.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

namespace connector::dataplane {
namespace {

using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::kRepositoryPath;
using testing_support::RawClient;
using testing_support::RawResponse;

constexpr std::uint64_t kSize = 5ULL << 30;
constexpr std::uint64_t kMaxGrowthKiB = 16 * 1024;
// A prime period: bytes that are lost, doubled or swapped do not fit.
constexpr std::size_t kPeriod = 1'048'573;

const std::string kBlob = std::string(kRepositoryPath) + "/blobs/sha256:" + std::string(64, 'a');
const std::string kUploads = std::string(kRepositoryPath) + "/blobs/uploads/";

// Two periods, so that a run of one period starts anywhere in the first.
const std::string& Pattern() {
  static const std::string pattern = [] {
    std::string made(2 * kPeriod, '\0');
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < kPeriod; ++i) {
      state = state * 1'664'525 + 1'013'904'223;
      made[i] = made[i + kPeriod] = static_cast<char>(state >> 24U);
    }
    return made;
  }();
  return pattern;
}

// The blob's bytes from `offset` on, at most one period of them.
std::string_view BytesAt(std::uint64_t offset, std::uint64_t end) {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(kPeriod, end - offset));
  return {Pattern().data() + offset % kPeriod, size};
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

bool SendBlob(int fd, bool chunked) {
  for (std::uint64_t at = 0; at < kSize;) {
    const std::string_view bytes = BytesAt(at, kSize);
    char header[32];
    const int length = std::snprintf(header, sizeof header, "%zx\r\n", bytes.size());
    if ((chunked && !SendAll(fd, {header, static_cast<std::size_t>(length)})) ||
        !SendAll(fd, bytes) || (chunked && !SendAll(fd, "\r\n"))) {
      return false;
    }
    at += bytes.size();
  }
  return !chunked || SendAll(fd, "0\r\n\r\n");
}

// Reads bytes of one connection, and takes lines, heads and blobs off them.
class Source {
 public:
  explicit Source(int fd) : fd_(fd), buffer_(1 << 20, '\0') {}

  std::optional<std::string> Through(std::string_view end) {
    std::string text;
    while (!text.ends_with(end)) {
      if (begin_ == end_ && !Fill()) {
        return std::nullopt;
      }
      text.push_back(buffer_[begin_++]);
    }
    return text;
  }

  // How many of `size` bytes came and were the blob's from `offset` on.
  std::uint64_t Blob(std::uint64_t offset, std::uint64_t size) {
    std::uint64_t good = 0;
    while (good < size && (begin_ < end_ || Fill())) {
      const std::string_view expected = BytesAt(offset + good, offset + size);
      const std::size_t run = std::min(expected.size(), end_ - begin_);
      if (std::memcmp(buffer_.data() + begin_, expected.data(), run) != 0) {
        return good;
      }
      begin_ += run;
      good += run;
    }
    return good;
  }

  std::uint64_t ChunkedBlob() {
    std::uint64_t good = 0;
    while (const std::optional<std::string> header = Through("\r\n")) {
      const std::uint64_t size = std::stoull(*header, nullptr, 16);
      const std::uint64_t got = Blob(good, size);
      good += got;
      if (got != size || Through("\r\n") != "\r\n" || size == 0) {
        break;
      }
    }
    return good;
  }

 private:
  bool Fill() {
    const ssize_t got = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
    begin_ = 0;
    end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
    return got > 0;
  }

  int fd_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// A listening loopback socket, or one connected to a port there.
int OpenSocket(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const bool opened = port != 0 ? ::connect(fd, raw, size) == 0
                                : ::bind(fd, raw, size) == 0 && ::listen(fd, 16) == 0 &&
                                      ::getsockname(fd, raw, &size) == 0;
  EXPECT_TRUE(opened);
  port = ntohs(address.sin_port);
  return fd;
}

// A registry that takes the blob or sends it, on one connection after the other.
class SparseRegistry {
 public:
  explicit SparseRegistry(bool chunked)
      : chunked_(chunked), listener_(OpenSocket(port_)), thread_([this] { Run(); }) {}
  ~SparseRegistry() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  SparseRegistry(const SparseRegistry&) = delete;
  SparseRegistry& operator=(const SparseRegistry&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Of the last upload. Read it after its answer.
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  void Run() {
    for (int fd = 0; (fd = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(fd)) {
      Source source(fd);
      while (const std::optional<std::string> head = source.Through("\r\n\r\n")) {
        if (!Answer(fd, source, *head)) {
          break;
        }
      }
    }
  }

  bool Answer(int fd, Source& source, const std::string& head) {
    if (head.starts_with("GET ")) {
      return SendAll(fd,
                     chunked_ ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              : "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) +
                                    "\r\n\r\n") &&
             SendBlob(fd, chunked_);
    }
    if (head.starts_with("PATCH ")) {
      received_ = chunked_ ? source.ChunkedBlob() : source.Blob(0, kSize);
    }
    return SendAll(fd,
                   "HTTP/1.1 202 Accepted\r\nLocation: /v2/team/app/blobs/uploads/s\r\n"
                   "Content-Length: 0\r\n\r\n");
  }

  bool chunked_;
  std::uint16_t port_ = 0;
  std::atomic<std::uint64_t> received_{0};
  int listener_;
  std::thread thread_;
};

std::uint64_t PeakKiB() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmHWM:")) {
      return std::stoull(line.substr(6));
    }
  }
  return 0;
}

// From here on the peak is this program's size now.
std::uint64_t ResetPeak() {
  std::ofstream("/proc/self/clear_refs") << "5";
  return PeakKiB();
}

class ABlobOf5GiB : public ::testing::TestWithParam<bool> {
 protected:
  ABlobOf5GiB()
      : registry_(GetParam()),
        world_([](const HttpRequest&) { return HttpAnswer{}; },
               {.adjust = [this](routes::Route& route) { route.origin.port = registry_.port(); }}) {
    Pattern();
  }

  SparseRegistry registry_;
  DataplaneWorld world_;
};

TEST_P(ABlobOf5GiB, IsPulledWholeInFlatMemory) {
  std::uint16_t port = world_.port();
  const int fd = OpenSocket(port);
  Source source(fd);
  const std::uint64_t before = ResetPeak();

  SendAll(fd, DataplaneWorld::Request("GET", kBlob));
  EXPECT_THAT(source.Through("\r\n\r\n").value_or(""), ::testing::HasSubstr(" 200 "));

  EXPECT_EQ(GetParam() ? source.ChunkedBlob() : source.Blob(0, kSize), kSize);
  EXPECT_LE(PeakKiB(), before + kMaxGrowthKiB);
  ::close(fd);
}

TEST_P(ABlobOf5GiB, IsPushedWholeInFlatMemory) {
  const std::string location = world_.Do("POST", kUploads).Header("location");
  std::uint16_t port = world_.port();
  const int fd = OpenSocket(port);
  Source source(fd);
  const std::uint64_t before = ResetPeak();

  SendAll(
      fd,
      DataplaneWorld::Request("PATCH",
                              location,
                              GetParam() ? "Transfer-Encoding: chunked\r\n"
                                         : "Content-Length: " + std::to_string(kSize) + "\r\n"));
  EXPECT_TRUE(SendBlob(fd, GetParam()));

  EXPECT_THAT(source.Through("\r\n\r\n").value_or(""), ::testing::HasSubstr(" 202 "));
  EXPECT_EQ(registry_.received(), kSize);
  EXPECT_LE(PeakKiB(), before + kMaxGrowthKiB);
  ::close(fd);
}

INSTANTIATE_TEST_SUITE_P(Framed, ABlobOf5GiB, ::testing::Values(false, true), [](const auto& row) {
  return row.param ? "InChunks" : "ByLength";
});

}  // namespace
}  // namespace connector::dataplane
