#include "broker/secrets/vault/vault_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

VaultCall Read(const std::string& path) {
  VaultCall call;
  call.path = path;
  return call;
}

Error Of(const VaultCall& call,
         int status,
         std::string_view body,
         std::vector<std::string> policies = {}) {
  return ReadRefusal(call, {status, Secret(body)}, policies);
}

TEST(ReadRefusal, NamesThePoliciesThatLackTheRight) {
  const Error one = Of(Read("s/data/x"), 403, "{}", {"ci"});
  EXPECT_EQ(one.code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(one.message, "policy `ci` lacks `read` on `s/data/x`");
  EXPECT_EQ(Of(Read("s/data/x"), 403, "{}", {"a", "b"}).message,
            "policies `a`, `b` lack `read` on `s/data/x`");
  EXPECT_EQ(Of(Read("s/data/x"), 403, "{}").message,
            "Vault does not let the broker read s/data/x; its login has no policy but the default");
  EXPECT_EQ(Of(RevokeLeaseCall({}, "id"), 403, "{}", {"ci"}).message,
            "policy `ci` lacks `update` on `sys/leases/revoke`");
}

TEST(ReadRefusal, TellsWhatIsGoneFromWhatNeverWas) {
  EXPECT_EQ(Of(Read("s/data/x"), 404, R"({"errors":[]})").message,
            "there is nothing at s/data/x in Vault");
  EXPECT_EQ(Of(Read("s/data/x"), 404, "not JSON").code, ErrorCode::kNotFound);
  EXPECT_EQ(
      Of(Read("s/data/x"), 404, R"({"data":{"metadata":{"version":3,"destroyed":false}}})").message,
      "s/data/x in Vault: version 3 was deleted; undelete it or write a new one");
  EXPECT_EQ(
      Of(Read("s/data/x"), 404, R"({"data":{"metadata":{"version":3,"destroyed":true}}})").message,
      "s/data/x in Vault: version 3 was destroyed; write a new one");
}

TEST(ReadRefusal, SaysHowAVersionedPathIsWritten) {
  EXPECT_THAT(Of(Read("kv/ci/harbor"),
                 404,
                 R"({"warnings":["Invalid path for a versioned K/V secrets engine."]})")
                  .message,
              HasSubstr("write the path as kv/data/ci/harbor"));
}

TEST(ReadRefusal, PassesVaultsWordsOnUnlessTheyEchoWhatWeSent) {
  const VaultCall login = AppRoleLoginCall({"role", "file"}, "the-secret-id");
  EXPECT_EQ(Of(login, 400, R"({"errors":["invalid role\n\tor secret ID"]})").message,
            "Vault refuses the broker's login at auth/approle/login: invalid role or secret ID");
  EXPECT_EQ(Of(login, 400, R"({"errors":["no the-secret-id here"]})").message,
            "Vault refuses the broker's login at auth/approle/login");
  EXPECT_EQ(Of(login, 400, R"({"errors":[")" + std::string(300, 'x') + R"("]})").message,
            "Vault refuses the broker's login at auth/approle/login");
  EXPECT_EQ(Of(login, 404, "{}").code, ErrorCode::kPermissionDenied);
}

TEST(ReadRefusal, LeavesOutWhatAnEngineMayHaveHeardFromADatabase) {
  const Error error = Of(Read("db/creds/x"), 500, R"({"errors":["password=canary"]})");

  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(error.retry, Retry::kSafe);
  EXPECT_EQ(error.message, "Vault failed at db/creds/x (status 500); its log says why");
}

}  // namespace
}  // namespace connector::broker::secrets
