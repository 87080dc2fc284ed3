#include "dataplane/oci/tag_list.h"

#include <algorithm>

namespace connector::dataplane::oci {
namespace {

constexpr std::string_view kKey = "\"name\"";
constexpr std::string_view kSpace = " \t\r\n";

std::size_t SkipSpace(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kSpace, at), text.size());
}

}  // namespace

std::string RenameTagList(std::string_view body,
                          std::string_view registry_name,
                          std::string_view client_name) {
  const std::string quoted = "\"" + std::string(registry_name) + "\"";
  for (std::size_t key = body.find(kKey); key != std::string_view::npos;
       key = body.find(kKey, key + 1)) {
    const std::size_t colon = SkipSpace(body, key + kKey.size());
    if (colon == body.size() || body[colon] != ':') {
      continue;  // A tag called "name".
    }
    const std::size_t value = SkipSpace(body, colon + 1);
    if (!body.substr(value).starts_with(quoted)) {
      break;
    }
    std::string out(body.substr(0, value + 1));
    out.append(client_name).append(body.substr(value + quoted.size() - 1));
    return out;
  }
  return std::string(body);
}

}  // namespace connector::dataplane::oci
