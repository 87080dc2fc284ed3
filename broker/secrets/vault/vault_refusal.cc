#include "broker/secrets/vault/vault_answers.h"
#include "common/json/wiped_json.h"

#include <algorithm>

namespace connector::broker::secrets {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxReason = 200;

std::string Quoted(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    out.append(out.empty() ? "`" : ", `").append(name).append("`");
  }
  return out;
}

const char* CapabilityOf(const VaultCall& call) {
  return call.method == "GET" ? "read" : "update";
}

// Vault's own words, on one line, unless they could hold what we sent.
std::string ReasonIn(const json::object& root, const VaultCall& call) {
  const json::value* errors = root.if_contains("errors");
  if (errors == nullptr || !errors->is_array() || errors->get_array().empty() ||
      !errors->get_array().front().is_string()) {
    return {};
  }
  const std::string_view text = errors->get_array().front().get_string();
  const std::string_view sensitive = call.sensitive.Reveal();
  if (text.size() > kMaxReason ||
      (!sensitive.empty() && text.find(sensitive) != std::string_view::npos)) {
    return {};
  }
  std::string out;
  for (const char c : text) {
    if (c > 0x20 && c < 0x7F) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  return out;
}

const json::object* MemberObject(const json::object& root, std::string_view name) {
  const json::value* value = root.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

// KV v2 answers 404 with the metadata of a version that is no more.
std::string GoneVersion(const json::object& root) {
  const json::object* data = MemberObject(root, "data");
  const json::object* metadata = data == nullptr ? nullptr : MemberObject(*data, "metadata");
  if (metadata == nullptr) {
    return {};
  }
  const json::value* version = metadata->if_contains("version");
  const std::string number = version != nullptr && version->is_int64()
                                 ? "version " + std::to_string(version->get_int64())
                                 : "the version";
  const json::value* destroyed = metadata->if_contains("destroyed");
  return destroyed != nullptr && destroyed->is_bool() && destroyed->get_bool()
             ? number + " was destroyed; write a new one"
             : number + " was deleted; undelete it or write a new one";
}

bool WarnsOfVersionedPath(const json::object& root) {
  const json::value* warnings = root.if_contains("warnings");
  return warnings != nullptr && warnings->is_array() &&
         std::any_of(
             warnings->get_array().begin(), warnings->get_array().end(), [](const auto& text) {
               return text.is_string() && std::string_view(text.get_string()).find("versioned") !=
                                              std::string_view::npos;
             });
}

std::string WithData(const std::string& path) {
  const std::size_t slash = path.find('/');
  return path.substr(0, slash) + "/data" + path.substr(slash);
}

Error Of(ErrorCode code, std::string message) {
  return MakeError(code, ErrorOrigin::kUpstream, std::move(message));
}

Error NotFound(const VaultCall& call, const json::object& root) {
  if (const std::string gone = GoneVersion(root); !gone.empty()) {
    return Of(ErrorCode::kNotFound, call.path + " in Vault: " + gone);
  }
  if (WarnsOfVersionedPath(root)) {
    return Of(ErrorCode::kNotFound,
              call.path + " in Vault: the engine keeps versions (KV v2); write the path as " +
                  WithData(call.path));
  }
  return Of(ErrorCode::kNotFound, "there is nothing at " + call.path + " in Vault");
}

}  // namespace

Error ReadRefusal(const VaultCall& call,
                  const VaultAnswer& answer,
                  const std::vector<std::string>& policies) {
  WipingMemory memory;
  const auto parsed = ParseWipedObject(answer.body.Reveal(), memory);
  const json::object nothing;
  const json::object& root = parsed ? *parsed : nothing;
  const std::string reason = ReasonIn(root, call);
  const std::string why = reason.empty() ? std::string() : ": " + reason;
  const bool login = call.operation == VaultOperation::kLogin;
  if (answer.status == 404 && !login) {
    return NotFound(call, root);
  }
  if (login && answer.status >= 400 && answer.status < 500) {
    return Of(ErrorCode::kPermissionDenied,
              "Vault refuses the broker's login at " + call.path + why);
  }
  if (answer.status == 403) {
    return Of(ErrorCode::kPermissionDenied,
              policies.empty()
                  ? "Vault does not let the broker " + std::string(CapabilityOf(call)) + " " +
                        call.path + "; its login has no policy but the default"
                  : (policies.size() == 1 ? "policy " : "policies ") + Quoted(policies) +
                        (policies.size() == 1 ? " lacks `" : " lack `") + CapabilityOf(call) +
                        "` on `" + call.path + "`");
  }
  if (answer.status >= 400 && answer.status < 500) {
    return Of(ErrorCode::kInvalidArgument, "Vault refuses to serve " + call.path + why);
  }
  // Without Vault's words: an engine may put into them what it got from a database.
  Error error = Of(ErrorCode::kUnavailable,
                   "Vault failed at " + call.path + " (status " + std::to_string(answer.status) +
                       "); its log says why");
  error.retry = Retry::kSafe;
  return error;
}

}  // namespace connector::broker::secrets
