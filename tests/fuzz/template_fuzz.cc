#include "common/mustache/template.h"
#include "tests/fuzz/check.h"

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using connector::fuzz::Check;

using namespace connector::mustache;  // NOLINT(google-build-using-namespace): a fuzz target.

const Names& Known() {
  static const Names names{{"a", "s"}, {{"l", {{"i"}, {}}}}};
  return names;
}

std::string Make(const Template& parsed, const std::string& value, std::string_view secret) {
  const connector::Secret held(secret);
  Fields item;
  item.texts["i"] = value;
  Fields fields;
  fields.texts["a"] = value;
  fields.lists["l"] = {item, item};
  fields.secrets["s"] = &held;
  const auto rendered = parsed.Render({&fields});
  return rendered ? std::string(rendered->content.Reveal()) : std::string();
}

bool IsJson(const std::string& text) {
  boost::json::error_code error;
  boost::json::parse(text, error);
  return !error;
}

}  // namespace

// The first line is a value, the rest a template. No input crashes; what a template of JSON makes
// is JSON with every value where it is with a harmless one; and no mark of a secret stays.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  if (end == std::string::npos) {
    return 0;
  }
  const std::string value = input.substr(0, end);
  for (const Format format : {Format::kJson,
                              Format::kToml,
                              Format::kYaml,
                              Format::kShell,
                              Format::kPlain,
                              Format::kPath}) {
    const auto parsed = Template::Parse(input.substr(end + 1), format, Known());
    if (!parsed) {
      continue;
    }
    const std::string made = Make(*parsed, value, "x\"'y");
    Check(made.find('\0') == std::string::npos);
    const bool taken = !value.empty() && Escape(format, value).has_value();
    if (format == Format::kJson && taken) {
      Check(IsJson(made) == IsJson(Make(*parsed, "harmless", "harmless")));
    }
  }
  return 0;
}
