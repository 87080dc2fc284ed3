#include "broker/callers/audience.h"

#include <utility>

namespace connector::broker::callers {

std::optional<OurAudiences> FindAudiences(const std::vector<std::string>& aud,
                                          std::string_view audience) {
  OurAudiences ours;
  for (const std::string& each : aud) {
    if (each == audience) {
      ours.any_connector = true;
      ours.named.push_back(each);
      continue;
    }
    std::string_view rest = each;
    if (!rest.starts_with(audience) || rest.substr(audience.size()).find('/') != 0) {
      continue;
    }
    rest.remove_prefix(audience.size() + 1);
    const std::size_t slash = rest.find('/');
    if (slash == 0 || slash == std::string_view::npos || slash + 1 == rest.size() ||
        rest.find('/', slash + 1) != std::string_view::npos) {
      continue;
    }
    ours.connectors.push_back(
        {std::string(rest.substr(0, slash)), std::string(rest.substr(slash + 1))});
    ours.named.push_back(each);
  }
  return ours.named.empty() ? std::nullopt : std::optional(std::move(ours));
}

std::string AudienceOf(std::string_view audience, const ConnectorRef& connector) {
  return std::string(audience) + "/" + connector.ns + "/" + connector.name;
}

}  // namespace connector::broker::callers
