#pragma once

// ConnectionTable: the open connections of one server thread by client address, and which of them
// gives way when there is no room for another one. Pure: no socket, no clock.
//
// A connection that waits (for a head, for its next request, for its peer to end it) costs its
// client nothing but a new connection when it is closed; one whose request is under way never gives
// way. The address with the most connections gives way first, with the one that waits longest. So
// whoever opens many ends their own.

#include "common/connections/client_address.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <unordered_map>

namespace connector::connections {

// Not thread-safe: belongs to one thread, and outlives its entries.
class ConnectionTable {
 private:
  struct Group;

 public:
  // One open connection: a base of the object that serves it. It waits at first.
  class Entry {
   public:
    Entry(ConnectionTable& table, ClientAddress address);
    virtual ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    void SetWaiting(bool waiting);

   protected:
    // Ends the connection soon, and not within this call. Called once at most.
    virtual void GiveWay() = 0;

   private:
    friend class ConnectionTable;

    ConnectionTable& table_;
    Group& group_;
    std::list<Entry*>::iterator place_;  // In one of the lists of its group.
    std::uint64_t waits_since_ = 0;      // In the order of this table's waits; 0: does not wait.
    bool gives_way_ = false;
  };

  ConnectionTable() = default;
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  // Asks one waiting connection to give way: of the address that has the most connections here.
  // False when none waits.
  bool MakeRoom();
  // The same, of this address only.
  bool MakeRoomOf(ClientAddress address);

  [[nodiscard]] std::size_t size() const { return size_; }
  void ForEach(const std::function<void(Entry&)>& call) const;

 private:
  // Addresses with equally many connections, in the order in which they came to have so many.
  using Groups = std::list<Group*>;

  // The connections of one address.
  struct Group {
    ClientAddress address;
    std::size_t open = 0;
    std::list<Entry*> waiting = {};  // Longest first.
    std::list<Entry*> busy = {};     // Or gives way already.
    Groups::iterator place = {};
  };

  // How many addresses with equally many connections are compared by who waits longest.
  static constexpr std::size_t kCompared = 16;

  Group& GroupOf(ClientAddress address);
  void SetOpen(Group& group, std::size_t open);
  static void AskOldest(Group& group);

  std::unordered_map<ClientAddress, Group, ClientAddress::Hash> groups_;
  std::map<std::size_t, Groups> by_open_;
  std::size_t size_ = 0;
  std::uint64_t waits_ = 0;
};

}  // namespace connector::connections
