// The registry that benchmarks stand in front of: answers as a registry does, out of memory, so
// that the proxy under test is what is measured. One thread, epoll, plain or TLS.
//
//   upstream AUTHORIZATION [CERT KEY]     prints its port, serves until it is killed
//
// GET of a manifest: 1.5 KB of JSON. GET of a tag list: a page of 100 with a Link. GET of a blob:
// zeros, as many as the first 16 digits of its digest say in hexadecimal. Uploads (POST, PATCH,
// PUT): taken and thrown away. A request without exactly the given Authorization value is refused,
// so that no proxy is measured that forgot it.

#include "tests/bench/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace connector::bench {
namespace {

constexpr std::size_t kChunk = 1 << 20;
constexpr std::string_view kDigest =
    "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

struct Server {
  int epoll = -1;
  int listener = -1;
  SSL_CTX* context = nullptr;
  std::string authorization;
  std::string manifest;
  std::string tags;
  std::string zeros = std::string(kChunk, '\0');
};

struct Connection {
  explicit Connection(Stream s) : stream(std::move(s)) {}

  Stream stream;
  std::string in;                 // Head of the request, as far as it came.
  std::string out;                // Head and small body of the answer.
  std::size_t out_sent = 0;       // Of `out`.
  std::uint64_t zeros_left = 0;   // Of a blob, after `out`.
  std::uint64_t upload_left = 0;  // Of the request's body, before the answer.
  std::uint64_t upload_size = 0;
  bool close_after = false;
};

std::string Answer(std::string_view status, std::string_view headers, std::uint64_t length) {
  std::string out = "HTTP/1.1 ";
  out += status;
  out +=
      "\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nDocker-Distribution-Api-Version: "
      "registry/2.0\r\n";
  out += headers;
  out += "Content-Length: " + std::to_string(length) + "\r\n\r\n";
  return out;
}

std::string UploadHeaders(std::uint64_t received) {
  return "Location: /v2/app/blobs/uploads/0b7c8f2e-5b0e-4a3e-9d55-1f1f4ce0a1b2?_state=aGVsbG8\r\n"
         "Docker-Upload-UUID: 0b7c8f2e-5b0e-4a3e-9d55-1f1f4ce0a1b2\r\nRange: 0-" +
         std::to_string(received == 0 ? 0 : received - 1) + "\r\n";
}

void AnswerGet(const Server& server, Connection& c, std::string_view target, bool head_only) {
  const std::string digest_header = "Docker-Content-Digest: " + std::string(kDigest) + "\r\n";
  if (target.find("/manifests/") != std::string_view::npos) {
    c.out = Answer("200 OK",
                   digest_header + "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n" +
                       "Etag: \"" + std::string(kDigest) + "\"\r\n",
                   server.manifest.size());
    c.out += head_only ? "" : server.manifest;
    return;
  }
  if (target.find("/tags/list") != std::string_view::npos) {
    c.out = Answer("200 OK",
                   "Content-Type: application/json\r\n"
                   "Link: </v2/app/tags/list?last=v99&n=100>; rel=\"next\"\r\n",
                   server.tags.size());
    c.out += head_only ? "" : server.tags;
    return;
  }
  const std::size_t digest = target.find("sha256:");
  std::uint64_t size = 0;
  if (digest == std::string_view::npos || target.size() < digest + 7 + 64 ||
      std::from_chars(target.data() + digest + 7, target.data() + digest + 7 + 16, size, 16).ec !=
          std::errc()) {
    c.out = Answer("404 Not Found", "", 0);
    return;
  }
  c.out = Answer("200 OK",
                 digest_header +
                     "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n"
                     "Cache-Control: max-age=31536000\r\n",
                 size);
  c.zeros_left = head_only ? 0 : size;
}

// The whole request is there: prepares the answer.
void AnswerRequest(const Server& server, Connection& c) {
  const std::string_view head = c.in;
  const std::string_view method = head.substr(0, head.find(' '));
  const std::size_t begin = method.size() + 1;
  const std::string_view target = head.substr(begin, head.find(' ', begin) - begin);
  if (Header(head, "authorization") != server.authorization) {
    c.out = Answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"bench\"\r\n", 0);
    c.close_after = true;
  } else if (method == "GET" || method == "HEAD") {
    AnswerGet(server, c, target, method == "HEAD");
  } else if (method == "PUT") {
    c.out = Answer("201 Created",
                   "Location: /v2/app/blobs/" + std::string(kDigest) +
                       "\r\nDocker-Content-Digest: " + std::string(kDigest) + "\r\n",
                   0);
  } else {
    c.out = Answer("202 Accepted", UploadHeaders(c.upload_size), 0);
  }
  c.in.clear();
  c.out_sent = 0;
}

// False when the connection is over; `blocked` when it has to wait.
bool ReadRequest(const Server& server, Connection& c, bool& blocked) {
  std::array<char, 8192> piece{};
  while (!c.in.ends_with("\r\n\r\n")) {
    const Moved n = c.stream.Read(piece.data(), piece.size());
    if (n <= 0) {
      blocked = n == 0;
      return n == 0;
    }
    c.in.append(piece.data(), static_cast<std::size_t>(n));
    const std::size_t end = c.in.find("\r\n\r\n");
    if (end == std::string::npos) {
      continue;
    }
    const std::string_view length =
        Header(std::string_view(c.in).substr(0, end + 4), "content-length");
    c.upload_size = 0;
    std::from_chars(length.data(), length.data() + length.size(), c.upload_size);
    const std::uint64_t early = c.in.size() - end - 4;
    c.upload_left = c.upload_size - std::min(early, c.upload_size);
    c.in.resize(end + 4);
  }
  while (c.upload_left > 0) {
    const Moved n = c.stream.Discard(c.upload_left);
    if (n <= 0) {
      blocked = n == 0;
      return n == 0;
    }
    c.upload_left -= static_cast<std::uint64_t>(n);
  }
  AnswerRequest(server, c);
  c.upload_size = 0;
  return true;
}

bool WriteAnswer(const Server& server, Connection& c, bool& blocked) {
  while (c.out_sent < c.out.size()) {
    const Moved n = c.stream.Write(c.out.data() + c.out_sent, c.out.size() - c.out_sent);
    if (n <= 0) {
      blocked = n == 0;
      return n == 0;
    }
    c.out_sent += static_cast<std::size_t>(n);
  }
  while (c.zeros_left > 0) {
    const Moved n =
        c.stream.Write(server.zeros.data(), std::min<std::uint64_t>(c.zeros_left, kChunk));
    if (n <= 0) {
      blocked = n == 0;
      return n == 0;
    }
    c.zeros_left -= static_cast<std::uint64_t>(n);
  }
  c.out.clear();
  return !c.close_after;
}

// Works on a connection until it blocks. False when it is over.
bool Drive(const Server& server, Connection& c) {
  bool blocked = false;
  while (!blocked) {
    if (!(c.out.empty() ? ReadRequest(server, c, blocked) : WriteAnswer(server, c, blocked))) {
      return false;
    }
  }
  return true;
}

[[noreturn]] void Serve(Server& server) {
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections;
  std::array<epoll_event, 128> events{};
  for (;;) {
    const int ready = epoll_wait(server.epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      if (events[static_cast<std::size_t>(i)].data.ptr == nullptr) {
        const int fd = accept4(server.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
          auto added = std::make_unique<Connection>(Stream(fd, server.context));
          Watch(server.epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLET, added.get());
          connections.emplace(added.get(), std::move(added));
        }
        continue;
      }
      auto* const c = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (!Drive(server, *c)) {
        connections.erase(c);
      }
    }
  }
}

SSL_CTX* MakeContext(const char* certificate, const char* key) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
    Die("certificate or key");
  }
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

int Main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::fputs("usage: upstream AUTHORIZATION [CERT KEY]\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  Server server;
  server.authorization = argv[1];
  server.context = argc == 4 ? MakeContext(argv[2], argv[3]) : nullptr;
  server.manifest = "{\"schemaVersion\":2,\"pad\":\"" + std::string(1450, 'x') + "\"}";
  server.tags = R"({"name":"app","tags":["v0")";
  for (int i = 1; i < 100; ++i) {
    server.tags += ",\"v" + std::to_string(i) + "\"";
  }
  server.tags += "]}\n";
  std::uint16_t port = 0;
  server.listener = Listen(port);
  server.epoll = epoll_create1(EPOLL_CLOEXEC);
  Watch(server.epoll, EPOLL_CTL_ADD, server.listener, EPOLLIN, nullptr);
  std::printf("%u\n", static_cast<unsigned>(port));
  std::fflush(stdout);
  Serve(server);
}

}  // namespace
}  // namespace connector::bench

int main(int argc, char** argv) {
  return connector::bench::Main(argc, argv);
}
