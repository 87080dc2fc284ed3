#include "common/render/volume_connector.h"

#include "common/base/input_error.h"
#include "common/http/origin.h"
#include "common/resource/names.h"
#include "common/routing/connector_host.h"

#include <algorithm>
#include <set>
#include <utility>

namespace connector::render {
namespace {

using mustache::Fields;

Result<Done> CheckAuthority(std::string_view authority, const std::string& what) {
  const Result<http::Origin> origin = http::ParseOrigin("https://" + std::string(authority));
  if (!origin || authority.find_first_of("/?") != std::string_view::npos) {
    return InvalidInput(what + " must be HOST or HOST:PORT, without a scheme or a path" +
                        (origin ? "" : ": " + origin.error().message));
  }
  if (std::any_of(
          authority.begin(), authority.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return InvalidInput(what + " must be in lower case, as in image references");
  }
  return Done{};
}

std::string Flag(bool value) {
  return value ? "true" : "";
}

void Number(std::vector<Fields>& items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].texts["first"] = Flag(i == 0);
    items[i].texts["last"] = Flag(i + 1 == items.size());
  }
}

}  // namespace

std::string HostDirectory(std::string host) {
  // An IPv6 address keeps its own colons.
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && !host.ends_with(']')) {
    host[colon] = '_';
    host += '_';
  }
  return host;
}

std::string ConnectorTitle(const VolumeConnector& connector) {
  return connector.ref.name.empty() ? connector.host : "connector " + connector.ref.ToString();
}

std::string ImageAddress(const VolumeConnector& connector) {
  return connector.path_form ? connector.host + "/namespaces/" + connector.ref.ns + "/connectors/" +
                                   connector.ref.name
                             : connector.host;
}

Result<Done> CheckConnector(const VolumeConnector& connector) {
  if (Result<Done> checked = CheckAuthority(connector.host, "the host"); !checked) {
    return checked;
  }
  if (connector.path_form &&
      !(resource::IsDnsLabel(connector.ref.ns) && resource::IsDnsLabel(connector.ref.name))) {
    return InvalidInput("the connector must be NAMESPACE/NAME, each a DNS label (a-z, 0-9, '-')");
  }
  if (connector.upstream_host.empty()) {
    return Done{};
  }
  if (connector.upstream_host == connector.host) {
    return InvalidInput("the upstream host is the data plane's own: a mirror of itself");
  }
  return CheckAuthority(connector.upstream_host, "the upstream host");
}

Fields ConnectorFields(const VolumeConnector& connector, const Ca& ca, const OwnCredentials& own) {
  const std::string url = (connector.tls ? "https://" : "http://") + connector.host;
  const std::string path = ImageAddress(connector).substr(connector.host.size());
  Fields out;
  out.texts = {{"name", connector.ref.name},
               {"namespace", connector.ref.ns},
               {"host", connector.host},
               {"host_directory", HostDirectory(connector.host)},
               {"url", url},
               {"address", ImageAddress(connector)},
               {"tls", Flag(connector.tls)},
               {"plain_http", Flag(!connector.tls)},
               {"path_form", Flag(connector.path_form)},
               {"ca_file", connector.tls ? ca.file : ""},
               {"upstream_host", connector.upstream_host},
               {"upstream_directory", HostDirectory(connector.upstream_host)},
               {"mirror_url", path.empty() ? url : url + "/v2" + path},
               {"first", ""},
               {"last", ""}};
  out.verbatim = {{"ca", connector.tls ? ca.text : std::string_view()}};
  if (connector.token) {
    out.secrets = {{"token", connector.token.get()}, {"auth", &own.at(connector.token.get())}};
  }
  return out;
}

std::vector<VolumeConnector> UnderEachName(const VolumeConnector& connector) {
  std::vector<VolumeConnector> out = {connector};
  if (connector.path_form) {
    return out;
  }
  for (std::string& name : routing::NamesOfHost(connector.host)) {
    if (name != connector.host) {
      out.push_back(connector);
      out.back().host = std::move(name);
    }
  }
  return out;
}

void AddLists(const std::vector<VolumeConnector>& connectors,
              const Ca& ca,
              const OwnCredentials& own,
              Fields& out) {
  std::set<std::string> hosts;
  std::set<std::string> upstreams;
  // All four are there even when empty: to a template that is a condition.
  std::vector<Fields>& all = out.lists["connectors"];
  std::vector<Fields>& mirrors = out.lists["mirrors"];
  std::vector<Fields>& distinct = out.lists["hosts"];
  std::vector<Fields>& plain = out.lists["plain_hosts"];
  for (const VolumeConnector& connector : connectors) {
    all.push_back(ConnectorFields(connector, ca, own));
    if (!connector.upstream_host.empty() && upstreams.insert(connector.upstream_host).second) {
      mirrors.push_back(all.back());
    }
    for (const VolumeConnector& named : UnderEachName(connector)) {
      if (hosts.insert(named.host).second) {
        distinct.push_back(ConnectorFields(named, ca, own));
        if (!named.tls) {
          plain.push_back(distinct.back());
        }
      }
    }
  }
  for (auto* list : {&all, &mirrors, &distinct, &plain}) {
    Number(*list);
  }
}

}  // namespace connector::render
