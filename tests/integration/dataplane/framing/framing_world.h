#pragma once

// FramingWorld: the data plane between raw clients and the strict registry, with the ledger as its
// issuer. Table tests and the generator share it.

#include "tests/integration/dataplane/framing/ledger.h"
#include "tests/integration/dataplane/framing/registry.h"
#include "tests/integration/dataplane/framing/rows.h"
#include "tests/support/cpp/dataplane_world.h"

#include <string>
#include <vector>

namespace connector::framing {

class FramingWorld {
 public:
  FramingWorld();

  Registry& registry() { return registry_; }
  const Ledger& ledger() const { return ledger_; }
  [[nodiscard]] std::uint16_t port() const { return world_.port(); }
  testing_support::DataplaneWorld& world() { return world_; }

  // What the tables may write: {repo}, {auth}, {get}, {patch}, {session} ... (README of the data).
  [[nodiscard]] Macros MakeMacros();

  // The path of a new upload session, as a client sees it.
  [[nodiscard]] std::string OpenUpload();

  // An ordinary request on a connection of its own. Says what is wrong with its answer or with what
  // arrived for it; empty when all is well. `connection` is the one that it went out on.
  [[nodiscard]] std::string Canary(std::size_t& connection);
  [[nodiscard]] std::string CanaryRequest();     // Another one each time.
  [[nodiscard]] std::string CanaryBody() const;  // Of the last CanaryRequest.
  [[nodiscard]] std::string CanaryTarget() const;

 private:
  Registry registry_;
  Ledger ledger_;
  testing_support::DataplaneWorld world_;
  int canaries_ = 0;
};

// The problems of one row, and whether what arrived upstream is among them.
struct RowResult {
  std::vector<std::string> problems;
  bool reached_wrongly = false;
};

// How the client hands over the bytes of a row.
enum class Delivery : std::uint8_t { kWhole, kByteByByte };

[[nodiscard]] RowResult RunRequestRow(FramingWorld& world, const Row& row, Delivery delivery);
[[nodiscard]] RowResult RunResponseRow(FramingWorld& world, const Row& row);

// The files of tests/data/framing/<folder>, sorted.
[[nodiscard]] std::vector<std::string> TableFiles(const std::string& folder);

// Adds to the summary that is printed when the program ends.
void Count(const std::string& what, std::size_t tried, std::size_t wrong);

}  // namespace connector::framing
