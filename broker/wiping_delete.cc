// What the broker frees is wiped. Stored secrets pass through the YAML parser, protobuf and strings
// of libraries, none of which wipes what it frees; here all of them do. libcurl has the same of
// common/curl/wiping_memory.h.
//
// Replaces the global operator delete ([new.delete]); operator new stays that of the library, which
// is std::malloc and std::aligned_alloc. Sanitizers bring their own pair.

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <malloc.h>
#include <string.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

void WipeAndDelete(void* memory) noexcept {
  if (memory != nullptr) {
    explicit_bzero(memory, malloc_usable_size(memory));
    std::free(memory);
  }
}

}  // namespace

void operator delete(void* memory) noexcept {
  WipeAndDelete(memory);
}
void operator delete[](void* memory) noexcept {
  WipeAndDelete(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  WipeAndDelete(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  WipeAndDelete(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  WipeAndDelete(memory);
}
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept {
  WipeAndDelete(memory);
}
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  WipeAndDelete(memory);
}
void operator delete[](void* memory,
                       std::size_t /*size*/,
                       std::align_val_t /*alignment*/) noexcept {
  WipeAndDelete(memory);
}

#endif
