#pragma once

// WipedBuffer: bytes that arrive or are put together piece by piece and hold a credential, before
// they become a Secret. What it outgrows, and itself at the end, is wiped. Not for keeping.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace connector::curl {

class WipedBuffer {
 public:
  WipedBuffer() = default;
  WipedBuffer(const WipedBuffer&) = delete;
  WipedBuffer& operator=(const WipedBuffer&) = delete;
  ~WipedBuffer();

  void Append(std::string_view bytes);
  // Percent-encodes all but the unreserved characters of RFC 3986, in upper-case hexadecimal.
  void AppendPercentEncoded(std::string_view bytes);
  void Clear();

  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Overwrites the bytes of `text` in a way that the compiler keeps, and empties it.
void Wipe(std::string& text);

}  // namespace connector::curl
