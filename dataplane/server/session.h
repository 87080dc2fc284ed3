#pragma once

// Session: one client connection, from its first byte to its close. Reads heads, hands each request
// to Serve, and decides how the connection goes on.

#include "common/connections/connection_table.h"
#include "dataplane/server/worker.h"

namespace connector::dataplane::server {

// One client connection among those of its worker.
class SessionEntry : public connections::ConnectionTable::Entry {
 public:
  using Entry::Entry;

  virtual void Close() = 0;
  // Ends the wait of a connection that is between requests.
  virtual void CloseIfIdle() = 0;
  // Another deny list is in force: ends a request under way whose caller it names, once the broker
  // said so.
  virtual void AskAgain() = 0;
};

// The open sessions of one worker: for draining, and to choose the one that gives way when there
// are too many.
class Sessions {
 public:
  [[nodiscard]] connections::ConnectionTable& table() { return table_; }
  void CloseIdle() {
    ForEach([](SessionEntry& session) { session.CloseIfIdle(); });
  }
  void AskAgain() {
    ForEach([](SessionEntry& session) { session.AskAgain(); });
  }
  void CloseAll() {
    ForEach([](SessionEntry& session) { session.Close(); });
  }

 private:
  template <typename Call>
  void ForEach(Call call) {
    table_.ForEach([&call](connections::ConnectionTable::Entry& entry) {
      call(static_cast<SessionEntry&>(entry));  // NOLINT: there are no others in this table.
    });
  }

  connections::ConnectionTable table_;
};

struct SessionTls {
  net::TlsContext context;            // Null on a plain listener.
  net::ServerNames* names = nullptr;  // Null: the context's certificate for every name.
};

// Serves `socket` until it closes, and gives back the connection that the budget counts for
// `address`.
[[nodiscard]] Task<void> RunSession(Worker& worker,
                                    Sessions& sessions,
                                    net::Socket socket,
                                    connections::ClientAddress address,
                                    SessionTls tls);

}  // namespace connector::dataplane::server
