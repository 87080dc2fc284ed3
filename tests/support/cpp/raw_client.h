#pragma once

// RawClient: a blocking TCP client that sends exactly the bytes that it is told to, and reads
// responses without repairing anything.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace connector::testing_support {

struct RawResponse {
  int status = 0;                              // 0 when the connection ended before a head.
  std::map<std::string, std::string> headers;  // Names in lower case; the last value of each.
  std::string head;                            // As received.
  std::string body;                            // Chunked coding taken off.
  bool complete = false;                       // The body came to its announced end.

  [[nodiscard]] std::string Header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? "" : it->second;
  }
};

class RawClient {
 public:
  // On loopback, where `from` is one of its addresses too. Reads give up after 10 s.
  explicit RawClient(std::uint16_t port, const char* from = "127.0.0.1");
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void Send(std::string_view bytes);
  // Every byte in a segment of its own, as far as the kernel goes along.
  void SendByteByByte(std::string_view bytes);
  // Nothing more will be sent; reading goes on.
  void FinishSending();
  // `head_only`: the answer to a HEAD, whatever its Content-Length says.
  [[nodiscard]] RawResponse Read(bool head_only = false);
  // Everything up to the end of the connection.
  [[nodiscard]] std::string ReadToEnd();
  // Waits for the other side to close; true when it has, and nothing is left to read.
  [[nodiscard]] bool AtEnd();
  void Close();
  // Of this side: by it the other one knows the connection.
  [[nodiscard]] std::uint16_t local_port() const;
  // The other side reset the connection: what came before it is not whole.
  [[nodiscard]] bool was_reset() const { return reset_; }

 private:
  bool Fill();

  int fd_ = -1;
  bool reset_ = false;
  bool closed_ = false;  // By the other side, which is not the same as silent for 10 s.
  std::string buffer_;
};

}  // namespace connector::testing_support
