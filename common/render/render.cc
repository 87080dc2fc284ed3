#include "common/render/render.h"

#include "common/base/encoding.h"
#include "common/http/origin.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace connector::render {
namespace {

Error Invalid(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kClient, std::move(message));
}

// A quoted string that JSON and TOML basic strings both read the same way (RFC 8259 section 7, TOML
// 1.0 "String"): the escapes used here are in both.
std::string Quote(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (byte < 0x20 || byte == 0x7F) {
      out.append({'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 0xF]});
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

Result<Done> CheckAuthority(std::string_view authority, std::string_view what) {
  const Result<http::Origin> origin = http::ParseOrigin("https://" + std::string(authority));
  if (!origin || authority.ends_with('/')) {
    return Invalid(std::string(what) + " must be HOST or HOST:PORT, without a scheme or a path" +
                   (origin ? "" : ": " + origin.error().message));
  }
  // Clients compare the key in auths with the image reference byte by byte.
  if (std::any_of(
          authority.begin(), authority.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return Invalid(std::string(what) + " must be in lower case, as in image references");
  }
  return Done{};
}

bool IsDnsLabel(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 63 && alphanumeric(text.front()) &&
         alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return c == '-' || alphanumeric(c); });
}

// "connector:TOKEN" in Base64: what follows "Basic ".
Result<Secret> BasicCredential(const Secret& token) {
  const std::string_view bytes = token.Reveal();
  if (bytes.empty() ||
      !std::all_of(bytes.begin(), bytes.end(), [](char c) { return c > 0x20 && c < 0x7F; })) {
    return Invalid("the token must be visible ASCII without white space");
  }
  const Secret pair(std::string(kUserName) + ":", bytes, "");
  std::string encoded = Base64Encode(pair.Reveal());
  Secret credential(encoded);
  OPENSSL_cleanse(encoded.data(), encoded.size());
  return credential;
}

std::string Url(const Target& target) {
  return (target.tls ? "https://" : "http://") + target.authority;
}

std::string BuildkitdToml(const Target& target) {
  std::string text;
  if (!target.mirror_of.empty()) {
    text +=
        "# Pulls only: buildkit pushes to the registry itself, and falls back to it.\n[registry." +
        Quote(target.mirror_of) + "]\n  mirrors = [" + Quote(target.ReferencePrefix()) + "]\n\n";
  }
  text += "[registry." + Quote(target.authority) + "]\n";
  if (!target.tls) {
    // Alone: together with "insecure" buildkit would try https first.
    text += "  http = true\n";
  } else if (!target.ca_file.empty()) {
    text += "  ca = [" + Quote(target.ca_file) + "]\n";
  } else {
    text += "  # TLS, verified against the system's trust.\n";
  }
  return text;
}

// dockerd mirrors only Docker Hub, and sends Hub's own credential to the mirror; so mirror_of adds
// nothing here. Over TLS it takes the CA from certs.d (RelativeCaPath), not from this file.
std::string DaemonJson(const Target& target) {
  return target.tls ? "{}\n" : "{\"insecure-registries\": [" + Quote(target.authority) + "]}\n";
}

// The opening of hosts.toml up to the table of the one host. No skip_verify: on a plain host
// containerd would try https first, and 1.6 then fails. containerd before 2.0 ignores a file
// without a [host] table, and asks `server` last, so that both must name the data plane.
std::string HostsToml(const Target& target, std::string_view header) {
  const bool override_path = !target.mirror_of.empty() && target.path_form.has_value();
  std::string url = Url(target);
  std::string settings = "capabilities = [\"pull\", \"resolve\", \"push\"]\n";
  if (!target.ca_file.empty()) {
    settings += "ca = " + Quote(target.ca_file) + "\n";
  }
  if (override_path) {
    url += "/v2/namespaces/" + target.path_form->ns + "/connectors/" + target.path_form->name;
    settings += "override_path = true\n";
  }
  const std::string host = "host." + Quote(url);
  std::string text = "server = " + Quote(url) + "\n" + settings;
  if (!header.empty()) {
    text.append("\n[header]\n").append(header);
  }
  text += "\n[" + host + "]\n" + settings;
  if (!header.empty()) {
    text.append("\n[" + host + ".header]\n").append(header);
  }
  return text;
}

std::string RegistriesConf(const Target& target) {
  std::string text;
  const std::string insecure = target.tls ? "" : "insecure = true\n";
  if (!target.mirror_of.empty()) {
    text +=
        "# Pulls only: a push goes to the registry itself. There is no fallback.\n[[registry]]\n" +
        ("prefix = " + Quote(target.mirror_of)) +
        "\nlocation = " + Quote(target.ReferencePrefix()) + "\n" + insecure + "\n";
  }
  return text + "[[registry]]\nlocation = " + Quote(target.authority) + "\n" + insecure;
}

// No credential and no CA: regctl takes them from config.json and from docker's certs.d. A mirror
// is not rendered: regctl would fall back to the registry itself.
std::string RegctlJson(const Target& target) {
  return "{\"hosts\": {" + Quote(target.authority) + ": {\"tls\": \"" +
         (target.tls ? "enabled" : "disabled") + "\"}}}\n";
}

}  // namespace

std::string_view Name(Format format) {
  switch (format) {
    case Format::kConfigJson:
      return "config.json";
    case Format::kAuthJson:
      return "auth.json";
    case Format::kBuildkitdToml:
      return "buildkitd.toml";
    case Format::kDaemonJson:
      return "daemon.json";
    case Format::kHostsToml:
      return "hosts.toml";
    case Format::kRegistriesConf:
      return "registries.conf";
    case Format::kRegctlJson:
      return "regctl.json";
  }
  return {};
}

std::optional<Format> FormatFromName(std::string_view name) {
  for (const Format format : kFormats) {
    if (Name(format) == name) {
      return format;
    }
  }
  return std::nullopt;
}

bool HoldsCredential(Format format) {
  return format == Format::kConfigJson || format == Format::kAuthJson;
}

std::string Target::ReferencePrefix() const {
  return path_form ? authority + "/namespaces/" + path_form->ns + "/connectors/" + path_form->name
                   : authority;
}

Result<Target> MakeTarget(Target target) {
  if (const Result<Done> checked = CheckAuthority(target.authority, "the host"); !checked) {
    return checked.error();
  }
  if (target.path_form &&
      (!IsDnsLabel(target.path_form->ns) || !IsDnsLabel(target.path_form->name))) {
    return Invalid("the connector must be NAMESPACE/NAME, each a DNS label (a-z, 0-9, '-')");
  }
  if (!target.ca_file.empty() && (!target.tls || !target.ca_file.starts_with('/'))) {
    return Invalid(target.tls
                       ? "the CA file must be an absolute path: clients resolve it themselves"
                       : "a CA file has no use without TLS");
  }
  if (target.mirror_of.empty()) {
    return target;
  }
  if (const Result<Done> checked = CheckAuthority(target.mirror_of, "the upstream host");
      !checked) {
    return checked.error();
  }
  if (target.mirror_of == target.authority) {
    return Invalid("the upstream host is the data plane's own: a mirror of itself");
  }
  return target;
}

Result<Secret> RenderCredential(const Target& target, const Secret& token) {
  Result<Secret> credential = BasicCredential(token);
  if (!credential) {
    return credential;
  }
  return Secret("{\"auths\": {" + Quote(target.authority) + ": {\"auth\": \"",
                credential->Reveal(),
                "\"}}}\n");
}

std::string RenderConfiguration(Format format, const Target& target) {
  switch (format) {
    case Format::kBuildkitdToml:
      return BuildkitdToml(target);
    case Format::kDaemonJson:
      return DaemonJson(target);
    case Format::kHostsToml:
      return HostsToml(target, "");
    case Format::kRegistriesConf:
      return RegistriesConf(target);
    case Format::kRegctlJson:
      return RegctlJson(target);
    case Format::kConfigJson:
    case Format::kAuthJson:
      break;
  }
  return {};
}

Result<Secret> RenderMirrorHostsToml(const Target& target, const Secret& token) {
  const Result<Secret> credential = BasicCredential(token);
  if (!credential) {
    return credential.error();
  }
  const Secret header("Authorization = \"Basic ", credential->Reveal(), "\"\n");
  std::string text = HostsToml(target, header.Reveal());
  Secret secret(text);
  OPENSSL_cleanse(text.data(), text.size());
  return secret;
}

std::string RelativePath(Format format, const Target& target) {
  if (format != Format::kHostsToml) {
    return std::string(Name(format));
  }
  std::string host = target.mirror_of.empty() ? target.authority : target.mirror_of;
  // "host:port" is "host_port_" on disk; an IPv6 address keeps its own colons.
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && !host.ends_with(']')) {
    host[colon] = '_';
    host += '_';
  }
  return "containerd/certs.d/" + host + "/hosts.toml";
}

std::string RelativeCaPath(const Target& target) {
  return "certs.d/" + target.authority + "/ca.crt";
}

}  // namespace connector::render
