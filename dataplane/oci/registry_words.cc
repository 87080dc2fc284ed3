#include "dataplane/oci/registry_words.h"

#include "common/json/wiped_json.h"

#include <algorithm>
#include <optional>

namespace connector::dataplane::oci {
namespace {

namespace json = boost::json;

std::string_view TextOf(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

const json::object* FirstError(const json::object& answer) {
  const json::value* const errors = answer.if_contains("errors");
  if (errors == nullptr || !errors->is_array() || errors->get_array().empty()) {
    return nullptr;
  }
  return errors->get_array().front().if_object();
}

}  // namespace

std::string RegistryWords(std::string_view body) {
  WipingMemory memory;
  const std::optional<json::object> answer = ParseWipedObject(body, memory);
  const json::object* const error = answer ? FirstError(*answer) : nullptr;
  if (error == nullptr) {
    return {};
  }
  std::string words(TextOf(*error, "code"));
  const std::string_view message = TextOf(*error, "message");
  words.append(words.empty() || message.empty() ? "" : ": ").append(message);
  words.resize(std::min(words.size(), kMaxRegistryWordsBytes));
  std::replace_if(
      words.begin(), words.end(), [](char c) { return c < ' ' || c >= '\x7F'; }, ' ');
  while (!words.empty() && (words.back() == ' ' || words.back() == '.')) {
    words.pop_back();
  }
  return words;
}

}  // namespace connector::dataplane::oci
