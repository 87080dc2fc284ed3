#include "common/curl/wiping_memory.h"

#include <malloc.h>
#include <string.h>

#include <algorithm>
#include <cstdlib>

namespace connector::curl {

void WipeAndFree(void* memory) {
  if (memory != nullptr) {
    explicit_bzero(memory, malloc_usable_size(memory));
    std::free(memory);
  }
}

void* WipingRealloc(void* memory, std::size_t size) {
  const std::size_t held = memory == nullptr ? 0 : malloc_usable_size(memory);
  if (size <= held && size > held / 2) {
    return memory;
  }
  void* const moved = std::malloc(size);
  if (moved == nullptr) {
    return nullptr;
  }
  if (memory != nullptr) {
    memcpy(moved, memory, std::min(size, held));
  }
  WipeAndFree(memory);
  return moved;
}

char* WipingStrdup(const char* text) {
  const std::size_t size = strlen(text) + 1;
  auto* const copy = static_cast<char*>(std::malloc(size));
  if (copy != nullptr) {
    memcpy(copy, text, size);
  }
  return copy;
}

}  // namespace connector::curl
