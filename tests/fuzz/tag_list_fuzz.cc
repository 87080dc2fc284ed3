#include "dataplane/oci/tag_list.h"
#include "tests/fuzz/check.h"

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Renaming changes the name alone, however the bytes come: what was JSON stays so, and all else in
// it is as it was.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using connector::dataplane::oci::TagListRenamer;
  using connector::fuzz::Check;
  namespace json = boost::json;
  constexpr std::string_view kClient = "namespaces/n/connectors/c/team/app";
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string output;
  TagListRenamer(std::string(kClient)).Append(input, output);
  std::string by_bytes;
  TagListRenamer renamer{std::string(kClient)};
  for (std::size_t i = 0; i < size; ++i) {
    renamer.Append(input.substr(i, 1), by_bytes);
  }
  Check(by_bytes == output);
  json::error_code wrong;
  const json::value before = json::parse(input, wrong);
  if (wrong) {
    return 0;
  }
  const json::value after = json::parse(output, wrong);
  Check(!wrong);
  if (!before.is_object() || !before.get_object().contains("name")) {
    return 0;
  }
  Check(after.is_object() && after.get_object().size() == before.get_object().size());
  for (const auto& [key, value] : before.get_object()) {
    const json::value& now = after.at(key);
    // A key that is spelled with escapes is nobody's: it may stay.
    Check(now == value || (key == "name" && value.is_string() && now == json::value(kClient)));
  }
  return 0;
}
