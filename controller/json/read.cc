#include "controller/json/read.h"

namespace connector::controller {

const boost::json::object* ObjectAt(const boost::json::object& in, std::string_view key) {
  const boost::json::value* found = in.if_contains(key);
  return found == nullptr ? nullptr : found->if_object();
}

const boost::json::array* ArrayAt(const boost::json::object& in, std::string_view key) {
  const boost::json::value* found = in.if_contains(key);
  return found == nullptr ? nullptr : found->if_array();
}

std::string TextAt(const boost::json::object& in, std::string_view key) {
  const boost::json::value* found = in.if_contains(key);
  const boost::json::string* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::optional<std::int64_t> NumberAt(const boost::json::object& in, std::string_view key) {
  const boost::json::value* found = in.if_contains(key);
  const std::int64_t* number = found == nullptr ? nullptr : found->if_int64();
  return number == nullptr ? std::nullopt : std::optional(*number);
}

bool TrueAt(const boost::json::object& in, std::string_view key) {
  const boost::json::value* found = in.if_contains(key);
  const bool* flag = found == nullptr ? nullptr : found->if_bool();
  return flag != nullptr && *flag;
}

std::string LabelOf(const boost::json::object& resource, std::string_view key) {
  const boost::json::object* metadata = ObjectAt(resource, "metadata");
  const boost::json::object* labels = metadata == nullptr ? nullptr : ObjectAt(*metadata, "labels");
  return labels == nullptr ? std::string() : TextAt(*labels, key);
}

}  // namespace connector::controller
