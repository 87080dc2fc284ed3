#include "common/base/secret_place.h"

#include <utility>

namespace connector {
namespace {

thread_local ArenaUse current = ArenaUse::kStored;

// Restores it also when the memory is exhausted.
class UseOfArena {
 public:
  explicit UseOfArena(ArenaUse use) : before_(std::exchange(current, use)) {}
  ~UseOfArena() { current = before_; }
  UseOfArena(const UseOfArena&) = delete;
  UseOfArena& operator=(const UseOfArena&) = delete;

 private:
  const ArenaUse before_;
};

}  // namespace

ArenaUse CurrentArenaUse() {
  return current;
}

Secret ForeignSecret(std::string_view bytes) {
  const UseOfArena use(ArenaUse::kForeign);
  return Secret(bytes);
}

Secret TokenSecret(std::string_view prefix, std::string_view bytes, std::string_view suffix) {
  const UseOfArena use(ArenaUse::kToken);
  return {prefix, bytes, suffix};
}

}  // namespace connector
