#include "common/base/input_error.h"
#include "common/config/problem.h"
#include "common/render/volume.h"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace connector::render {
namespace {

constexpr std::size_t kMaxNames = 64;
constexpr std::size_t kMaxParams = 64;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// What a template writes: text as it is, false as nothing.
std::optional<std::string> TextOf(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::string:
      return value.get_string() == "false" ? std::string() : std::string(value.get_string());
    case boost::json::kind::bool_:
      return value.get_bool() ? "true" : "";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return boost::json::serialize(value);
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<std::vector<std::string>> ParseConfigurationNames(std::string_view text) {
  std::vector<std::string> out;
  if (Trim(text).empty()) {
    return out;
  }
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string name(Trim(text.substr(0, comma)));
    if (name.empty() || name == "!") {
      return InvalidInput("configuration.names has an empty entry; write NAME,NAME,!FILE");
    }
    if (std::find(out.begin(), out.end(), name) != out.end()) {
      return InvalidInput("configuration.names has an entry twice; keep one of them");
    }
    if (out.size() == kMaxNames) {
      return InvalidInput("configuration.names has more than 64 entries; write fewer");
    }
    out.push_back(name);
    if (comma == std::string_view::npos) {
      return out;
    }
    text.remove_prefix(comma + 1);
  }
}

Result<std::map<std::string, std::string>> ParseParams(std::string_view json) {
  std::map<std::string, std::string> out;
  if (Trim(json).empty()) {
    return out;
  }
  boost::json::error_code error;
  const boost::json::value parsed =
      boost::json::parse(boost::json::string_view(json.data(), json.size()), error);
  if (error || !parsed.is_object()) {
    return InvalidInput(
        "configuration.params is not a JSON object; write for example "
        "{\"mirror\": true}");
  }
  if (parsed.get_object().size() > kMaxParams) {
    return InvalidInput("configuration.params has more than 64 entries; write fewer");
  }
  for (const auto& entry : parsed.get_object()) {
    const std::string name(entry.key());
    std::optional<std::string> text = TextOf(entry.value());
    if (!text) {
      return InvalidInput("configuration.params: " + config::Join("", name) +
                          " is a list, an object or null; write text, a number, true or false");
    }
    if (text->size() > resource::kMaxParamBytes) {
      return InvalidInput("configuration.params: " + config::Join("", name) +
                          " has more than 4096 bytes");
    }
    out.emplace(name, *std::move(text));
  }
  return out;
}

}  // namespace connector::render
