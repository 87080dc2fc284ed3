#include "common/json/wiped_json.h"

#include <openssl/crypto.h>

#include <new>

namespace connector {

namespace json = boost::json;

// Boost.JSON gives keys back with another alignment than it took them with. No type of its needs
// more than operator new's.
void* WipingMemory::do_allocate(std::size_t bytes, std::size_t /*align*/) {
  return ::operator new(bytes);
}

void WipingMemory::do_deallocate(void* data, std::size_t bytes, std::size_t /*align*/) {
  OPENSSL_cleanse(data, bytes);
  ::operator delete(data);
}

std::optional<json::object> ParseWipedObject(std::string_view text, WipingMemory& memory) {
  unsigned char scratch[4096];
  json::error_code error;
  std::optional<json::object> object;
  {
    json::parser parser(json::storage_ptr(&memory), {}, scratch);
    parser.reset(json::storage_ptr(&memory));
    parser.write(text.data(), text.size(), error);
    if (!error) {
      json::value value = parser.release();
      if (value.is_object()) {
        object.emplace(std::move(value.as_object()));
      }
    }
  }
  OPENSSL_cleanse(scratch, sizeof scratch);
  return object;
}

std::string_view TextMember(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

}  // namespace connector
