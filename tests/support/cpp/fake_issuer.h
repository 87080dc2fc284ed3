#pragma once

// FakeIssuer: an Issuer that answers what a test says, at once or when the test lets it, and
// remembers what it was asked.

#include "dataplane/token/issuer.h"
#include "tests/support/cpp/held_answers.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace connector::testing_support {

class FakeIssuer final : public dataplane::token::Issuer {
 public:
  using Answer =
      std::function<dataplane::token::GrantResult(const dataplane::token::GrantRequest&)>;

  explicit FakeIssuer(Answer answer) : answer_(std::move(answer)) {}

  void Issue(dataplane::token::GrantRequest grant_request,
             std::function<void(dataplane::token::GrantResult)> done) override {
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      asks_.push_back(grant_request);
      answer = answer_;
    }
    held_.Give([answer = std::move(answer),
                grant_request = std::move(grant_request),
                done = std::move(done)] { done(answer(grant_request)); });
  }

  void SetAnswer(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  // From now on answers wait for Release.
  void Hold() { held_.Hold(); }
  void Release() { held_.Release(); }
  [[nodiscard]] std::vector<dataplane::token::GrantRequest> asks() const {
    const std::lock_guard lock(mutex_);
    return asks_;
  }

 private:
  mutable std::mutex mutex_;
  Answer answer_;
  HeldAnswers held_;
  std::vector<dataplane::token::GrantRequest> asks_;
};

// A grant of a bearer token for "ns/name", good for a minute.
inline std::shared_ptr<dataplane::token::Grant> MakeGrant(const ConnectorRef& connector,
                                                          std::string_view token,
                                                          std::string epoch) {
  auto grant = std::make_shared<dataplane::token::Grant>();
  grant->connector = connector;
  grant->authorization_line = Secret("Authorization: Bearer ", token, "\r\n");
  grant->no_echo = dataplane::oci::NoEcho(token);
  grant->not_after = std::chrono::system_clock::now() + std::chrono::minutes(5);
  grant->authorization_not_after = std::chrono::system_clock::now() + std::chrono::minutes(1);
  grant->subject = "system:serviceaccount:ci:builder";
  grant->epoch = std::move(epoch);
  return grant;
}

}  // namespace connector::testing_support
