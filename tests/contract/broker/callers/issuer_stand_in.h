#pragma once

// Stands in for an OpenID issuer behind a FetchDocument: documents by URL, which a test may change,
// break or hold back, and a count of what was asked for.

#include "broker/callers/oidc/key_source.h"
#include "tests/contract/broker/callers/hostile_tokens.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <map>
#include <string>
#include <vector>

namespace connector::testing_support {

inline constexpr const char* kDiscoveryUrl =
    "https://issuer.example/.well-known/openid-configuration";
inline constexpr const char* kJwksUrl = "https://keys.example/jwks";

class IssuerStandIn {
 public:
  explicit IssuerStandIn(std::string jwks) {
    documents[kDiscoveryUrl] =
        R"({"issuer":"https://issuer.example","jwks_uri":"https://keys.example/jwks"})";
    documents[kJwksUrl] = std::move(jwks);
  }

  [[nodiscard]] broker::callers::FetchDocument Fetch() {
    return [this](http::Url url, std::string ca_pem, Deadline) {
      return Answer(url.ToString(), std::move(ca_pem));
    };
  }

  std::map<std::string, std::string> documents;
  bool down = false;
  bool throws = false;
  int turns = 0;  // How often other work runs before an answer comes.
  std::vector<std::string> asked;
  std::string last_ca;

 private:
  Task<Result<std::string>> Answer(std::string url, std::string ca_pem) {
    asked.push_back(url);
    last_ca = std::move(ca_pem);
    const Executor executor = co_await asio::this_coro::executor;
    for (int i = 0; i < turns; ++i) {
      co_await asio::post(executor, kUseTask);
    }
    if (throws) {
      throw std::runtime_error("fetch");
    }
    const auto found = documents.find(url);
    if (down || found == documents.end()) {
      co_return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "no connection");
    }
    co_return found->second;
  }
};

}  // namespace connector::testing_support
