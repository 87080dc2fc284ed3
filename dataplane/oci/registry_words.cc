#include "dataplane/oci/registry_words.h"

#include "common/json/wiped_json.h"

#include <algorithm>
#include <optional>

namespace connector::dataplane::oci {
namespace {

namespace json = boost::json;

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
  std::string words(TextMember(*error, "code"));
  const std::string_view message = TextMember(*error, "message");
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
