#include "common/base/secret.h"

#include <cstring>

namespace connector {

Secret::Secret(std::string_view bytes) : Secret({}, bytes, {}) {}

Secret::Secret(std::string_view prefix, std::string_view bytes, std::string_view suffix)
    : size_(prefix.size() + bytes.size() + suffix.size()) {
  if (size_ == 0) {
    return;
  }
  data_ = static_cast<char*>(LockedAllocate(size_));
  char* out = data_;
  for (const std::string_view part : {prefix, bytes, suffix}) {
    if (!part.empty()) {
      std::memcpy(out, part.data(), part.size());
      out += part.size();
    }
  }
}

Secret::~Secret() {
  if (data_ != nullptr) {
    LockedFree(data_, size_);
  }
}

}  // namespace connector
