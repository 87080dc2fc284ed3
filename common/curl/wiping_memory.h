#pragma once

// What libcurl allocates by: its buffers hold credentials, and it frees them without wiping.

#include <cstddef>

namespace connector::curl {

// As free, realloc and strdup of C; for memory of std::malloc.
void WipeAndFree(void* memory);
[[nodiscard]] void* WipingRealloc(void* memory, std::size_t size);
[[nodiscard]] char* WipingStrdup(const char* text);

}  // namespace connector::curl
