#include "common/curl/wiped_buffer.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

namespace connector::curl {

WipedBuffer::~WipedBuffer() {
  Clear();
}

void WipedBuffer::Clear() {
  if (data_ != nullptr) {
    OPENSSL_cleanse(data_.get(), capacity_);
  }
  size_ = 0;
}

void WipedBuffer::Append(std::string_view bytes) {
  if (bytes.empty()) {
    return;
  }
  if (capacity_ - size_ < bytes.size()) {
    const std::size_t capacity = std::max({size_ + bytes.size(), capacity_ * 2, std::size_t{256}});
    auto larger = std::make_unique<char[]>(capacity);
    const std::size_t size = size_;
    if (size > 0) {
      std::memcpy(larger.get(), data_.get(), size);
    }
    Clear();
    data_ = std::move(larger);
    size_ = size;
    capacity_ = capacity;
  }
  std::memcpy(data_.get() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void WipedBuffer::AppendPercentEncoded(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : bytes) {
    const bool unreserved = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                            (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      Append({&c, 1});
    } else {
      const auto byte = static_cast<unsigned char>(c);
      const char encoded[] = {'%', kHex[byte >> 4U], kHex[byte & 15U]};
      Append({encoded, sizeof encoded});
    }
  }
}

void Wipe(std::string& text) {
  text.resize(text.capacity());  // The tail beyond size() may hold more of it.
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace connector::curl
