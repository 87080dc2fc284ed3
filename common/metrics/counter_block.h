#pragma once

// CounterBlock: counters for a hot path. Each core adds to cells of its own without a lock prefix
// and without sharing a cache line; a scrape sums them. For everything that is not hot, use
// prometheus::Registry.

#include <prometheus/collectable.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace connector::metrics {

struct CounterSpec {
  enum class Kind : std::uint8_t { kCounter, kGauge };

  std::string name;  // connector_<program>_<what>_<unit>; specs of one name stand together.
  std::string help;
  std::vector<std::pair<std::string, std::string>> labels = {};  // Bounded, fixed values.
  Kind kind = Kind::kCounter;
};

class CounterBlock final : public prometheus::Collectable {
 public:
  // The cells of one core. Add and Sub are for one thread only.
  class Shard {
   public:
    void Add(std::size_t counter, std::uint64_t n = 1) noexcept {
      std::atomic<std::uint64_t>& cell = cells_[counter];
      // Load and store instead of fetch_add: there is one writer, so no locked instruction.
      cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    // For gauges. A gauge may rise on one core and fall on another: cells wrap, their sum does not.
    void Sub(std::size_t counter, std::uint64_t n = 1) noexcept { Add(counter, 0 - n); }

   private:
    friend class CounterBlock;
    struct alignas(64) Line {
      std::atomic<std::uint64_t> cells[8];
    };
    std::unique_ptr<Line[]> lines_;  // Whole cache lines, of which no other shard has a part.
    std::atomic<std::uint64_t>* cells_ = nullptr;
  };

  // A counter's number is its place in `specs`.
  CounterBlock(std::vector<CounterSpec> specs, std::size_t shards);

  // `index` is below the number of shards. The shard lives as long as the block.
  [[nodiscard]] Shard& shard(std::size_t index) { return shards_[index]; }

  // Over all shards. Thread-safe; adds that happen meanwhile may or may not be in it.
  [[nodiscard]] std::uint64_t Sum(std::size_t counter) const noexcept;

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::vector<CounterSpec> specs_;
  std::vector<Shard> shards_;
};

}  // namespace connector::metrics
