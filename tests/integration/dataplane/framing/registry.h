#pragma once

// Registry: an upstream that reads strictly, remembers every byte that arrived on each connection,
// and answers like a registry unless a script says otherwise. One thread, so that it stays cheap
// under a hundred thousand requests.

#include "tests/integration/dataplane/framing/strict_http.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace connector::framing {

// One request, or what else arrived.
struct Seen {
  std::size_t connection = 0;
  Message message;
  bool complete = false;
  std::string malformed;  // Why it is no request; empty for one that is, even when unfinished.
  std::string raw;
};

// What to do with one request instead of answering it like a registry.
struct Script {
  std::string early;   // Sent when the head has come.
  std::string answer;  // Sent when the request is whole.
  bool close = false;  // Afterwards: after `early` where there is no answer.
};

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  [[nodiscard]] std::string address() const;    // "http://127.0.0.1:PORT"
  [[nodiscard]] std::string authority() const;  // "127.0.0.1:PORT"

  // For the next requests, one each; then like a registry again.
  void SetScripts(std::vector<Script> scripts);

  // Waits until all that was sent here has been read and no request is half done, at most ten
  // seconds; then what arrived since the last time. A request that its sender left unfinished, and
  // bytes that are no request, are entries too.
  [[nodiscard]] std::vector<Seen> Take();

  // Waits until the first script has begun: its head has come, its early part is sent.
  void AwaitScript();

  // Sends `bytes` on every connection that waits for a request, and returns when the other side's
  // kernel has them.
  void PushToIdle(std::string_view bytes);

  // The repository in which the upload session with this id was opened here; empty for none.
  [[nodiscard]] std::string SessionRepository(std::string_view id) const;
  [[nodiscard]] static std::string SessionState(std::string_view id);

 private:
  struct Connection {
    int fd = -1;
    std::size_t number = 0;
    std::string input;
    bool began = false;     // The head of the request at the front was seen, and its script taken.
    bool discards = false;  // Answered for the last time; a body may still come, but no request.
    std::string discarded;
    Script script;
    bool scripted = false;
  };

  void Run();
  void Accept();
  void OnReadable(Connection& connection);
  void Serve(Connection& connection);
  void Begin(Connection& connection, const Message& message);
  void Answer(Connection& connection, const Message& message);
  std::string DefaultAnswer(const Message& message);
  std::string AnswerUpload(const Message& message, const std::string& repository);
  void Record(Connection& connection,
              Message message,
              bool complete,
              std::string malformed,
              std::string raw);
  void Close(int fd);
  void Wake();

  int listener_ = -1;
  int poller_ = -1;
  int wakeup_ = -1;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, Connection> connections_;
  std::size_t accepted_ = 0;
  std::deque<Script> scripts_;
  std::vector<Seen> seen_;
  std::map<std::string, std::string, std::less<>> sessions_;
  std::uint64_t rounds_asked_ = 0;
  std::uint64_t rounds_done_ = 0;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace connector::framing
