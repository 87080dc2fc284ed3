#include "dataplane/oci/tag_list.h"
#include "tests/fuzz/check.h"

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Renaming changes one name at most: a list stays a list with the same tags, and its name is the
// client's where it was the registry's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using connector::fuzz::Check;
  namespace json = boost::json;
  constexpr std::string_view kRegistry = "team/app";
  constexpr std::string_view kClient = "namespaces/n/connectors/c/team/app";
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string output = connector::dataplane::oci::RenameTagList(input, kRegistry, kClient);
  Check(output == input || output.size() == size + kClient.size() - kRegistry.size());
  json::error_code wrong;
  const json::value before = json::parse(input, wrong);
  if (wrong || !before.is_object()) {
    return 0;
  }
  const json::value after = json::parse(output, wrong);
  Check(!wrong && after.is_object());
  const json::object& list = before.get_object();
  if (list.size() != 2 || !list.contains("name") || !list.contains("tags") ||
      !list.at("tags").is_array()) {
    return 0;
  }
  for (const json::value& tag : list.at("tags").get_array()) {
    if (!tag.is_string()) {
      return 0;
    }
  }
  Check(after.at("tags") == list.at("tags"));
  const json::value& name = list.at("name");
  Check(after.at("name") == name || after.at("name") == json::value(kClient));
  return 0;
}
