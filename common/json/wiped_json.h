#pragma once

// JSON that holds a credential: parsed into memory that is wiped when it is given back.

#include <boost/json.hpp>

#include <optional>
#include <string_view>

namespace connector {

class WipingMemory final : public boost::json::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t align) override;
  void do_deallocate(void* data, std::size_t bytes, std::size_t align) override;
  bool do_is_equal(const boost::json::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

// The object in `text`, with all its parts in `memory`; nullopt when it is anything else, or nested
// more than 32 deep.
[[nodiscard]] std::optional<boost::json::object> ParseWipedObject(std::string_view text,
                                                                  WipingMemory& memory);

// The text under `key`; empty where there is none, or it is no text. Refers to `object`.
[[nodiscard]] std::string_view TextMember(const boost::json::object& object, std::string_view key);

}  // namespace connector
