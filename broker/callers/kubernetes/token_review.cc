#include "broker/callers/kubernetes/token_review.h"

#include "broker/callers/token_check.h"
#include "common/base/input_error.h"
#include "common/json/wiped_json.h"

#include <algorithm>
#include <utility>

namespace connector::broker::callers {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxGroups = 256;
constexpr std::size_t kMaxExtraKeys = 64;

Error NoAnswer(std::string_view what) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kUpstream,
                   "the API server's answer to a TokenReview " + std::string(what),
                   Retry::kSafe);
}

const json::object* ObjectAt(const json::object& parent, std::string_view name) {
  const json::value* found = parent.if_contains(name);
  return found == nullptr ? nullptr : found->if_object();
}

std::string TextAt(const json::object& parent, std::string_view name) {
  const json::value* found = parent.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

bool TrueAt(const json::object& parent, std::string_view name) {
  const json::value* found = parent.if_contains(name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

// An empty list when absent or null; nullopt when it is not a list of strings.
std::optional<std::vector<std::string>> TextsOf(const json::value* list) {
  std::vector<std::string> texts;
  if (list == nullptr || list->is_null()) {
    return texts;
  }
  if (!list->is_array() || list->get_array().size() > kMaxGroups) {
    return std::nullopt;
  }
  for (const json::value& each : list->get_array()) {
    if (!each.is_string()) {
      return std::nullopt;
    }
    texts.emplace_back(each.get_string());
  }
  return texts;
}

std::optional<std::map<std::string, std::vector<std::string>>> ReadExtra(const json::object& user) {
  std::map<std::string, std::vector<std::string>> extra;
  const json::object* const members = ObjectAt(user, "extra");
  if (members == nullptr) {
    return extra;
  }
  if (members->size() > kMaxExtraKeys) {
    return std::nullopt;
  }
  for (const auto& [key, value] : *members) {
    auto texts = TextsOf(&value);
    if (!texts) {
      return std::nullopt;
    }
    extra.emplace(std::string(key), *std::move(texts));
  }
  return extra;
}

}  // namespace

std::string HowToGetAToken(std::string_view audience) {
  return "kubectl create token NAME --audience " + std::string(audience) +
         ", or a projected volume with that audience";
}

json::object TokenReviewOf(std::string_view token, const std::vector<std::string>& audiences) {
  const json::storage_ptr memory = json::make_shared_resource<WipingMemory>();
  json::object body(memory);
  json::object spec(memory);
  spec.emplace("token", json::string(token, memory));
  json::array named(memory);
  for (const std::string& audience : audiences) {
    named.emplace_back(audience);
  }
  spec.emplace("audiences", std::move(named));
  body.emplace("spec", std::move(spec));
  return body;
}

Result<KubernetesUser> ReadTokenReview(const json::object& answer,
                                       const std::vector<std::string>& audiences) {
  const json::object* const status = ObjectAt(answer, "status");
  if (status == nullptr) {
    return NoAnswer("has no status");
  }
  if (!TrueAt(*status, "authenticated")) {
    return Unauthenticated(
        "the API server does not accept the token: " +
        std::string(TextAt(*status, "error").empty() ? "it gives no reason" : "see its own log"));
  }
  const auto confirmed = TextsOf(status->if_contains("audiences"));
  for (const std::string& audience : audiences) {
    if (!confirmed ||
        std::find(confirmed->begin(), confirmed->end(), audience) == confirmed->end()) {
      return Unauthenticated("the API server does not confirm that the token is for audience " +
                             audience + "; its --api-audiences may be all that it knows");
    }
  }
  const json::object* const from = ObjectAt(*status, "user");
  if (from == nullptr) {
    return NoAnswer("names no user");
  }
  KubernetesUser user{TextAt(*from, "username"), TextAt(*from, "uid")};
  if (!ParseServiceAccount(user.username)) {
    return Unauthenticated("the token is not a ServiceAccount's");
  }
  auto groups = TextsOf(from->if_contains("groups"));
  auto extra = ReadExtra(*from);
  if (!groups || !extra) {
    return NoAnswer("has groups or extra that are not texts");
  }
  user.groups = *std::move(groups);
  user.extra = *std::move(extra);
  return user;
}

}  // namespace connector::broker::callers
