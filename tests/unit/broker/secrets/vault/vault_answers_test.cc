#include "broker/secrets/vault/vault_answers.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasError;
using testing_support::HasErrorMessage;

VaultAnswer Ok(std::string_view body) {
  return {200, Secret(body)};
}

resource::VaultLocation LocationOf(std::string path) {
  resource::VaultLocation location;
  location.path = std::move(path);
  return location;
}

TEST(ReadLogin, TakesTheTokenItsLifeAndItsPolicies) {
  const auto grant = ReadLogin(Ok(R"({"auth":{"client_token":"hvs.x","accessor":"acc",
      "policies":["b","default","a"],"token_policies":["a"],"identity_policies":["c"],
      "lease_duration":60,"renewable":true}})"));

  ASSERT_TRUE(grant.has_value());
  EXPECT_EQ(grant->token.Reveal(), "hvs.x");
  EXPECT_EQ(grant->accessor, "acc");
  EXPECT_THAT(grant->policies, ElementsAre("a", "b", "c"));
  EXPECT_TRUE(grant->has_default_policy);
  EXPECT_EQ(grant->ttl, seconds(60));
  EXPECT_TRUE(grant->renewable);
}

TEST(ReadLogin, RefusesWhatIsNoLogin) {
  for (const char* body : {"",
                           "[]",
                           "{}",
                           R"({"auth":null})",
                           R"({"auth":{"client_token":"x"}})",
                           R"({"auth":{"lease_duration":60}})",
                           R"({"auth":{"client_token":"a b","lease_duration":60}})",
                           R"({"auth":{"client_token":"a\r\nX: y","lease_duration":60}})",
                           R"({"auth":{"client_token":"x","lease_duration":-1}})"}) {
    EXPECT_THAT(ReadLogin(Ok(body)), HasError(ErrorCode::kUnavailable)) << body;
  }
  EXPECT_THAT(ReadLogin(Ok(R"({"auth":null,"wrap_info":{"token":"hvs.w"}})")),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("wrapped")));
}

TEST(ReadReading, TellsKvV2ByItsShape) {
  const auto v2 = ReadReading(LocationOf("secret/data/x"), Ok(R"({"data":{"data":{"username":"u",
      "password":"p"},"metadata":{"version":3,"created_time":"t"}}})"));
  ASSERT_TRUE(v2.has_value());
  ASSERT_TRUE(v2->kv.has_value());
  EXPECT_EQ(v2->kv->version, 3u);
  EXPECT_EQ(v2->data.at("password").Reveal(), "p");

  const auto v1 = ReadReading(LocationOf("kv/x"), Ok(R"({"lease_id":"","lease_duration":2764800,
      "data":{"username":"u","password":"p","data":"d"}})"));
  ASSERT_TRUE(v1.has_value());
  EXPECT_FALSE(v1->kv.has_value());
  EXPECT_FALSE(v1->lease.has_value());
  EXPECT_EQ(v1->data.at("password").Reveal(), "p");
}

TEST(ReadReading, TakesTheLeaseOfADynamicCredential) {
  const auto reading = ReadReading(LocationOf("db/creds/x"), Ok(R"({"lease_id":"db/creds/x/1",
      "lease_duration":30,"renewable":true,"data":{"username":"u","password":"p"}})"));

  ASSERT_TRUE(reading && reading->lease);
  EXPECT_EQ(reading->lease->id.Reveal(), "db/creds/x/1");
  EXPECT_EQ(reading->lease->ttl, seconds(30));
  EXPECT_TRUE(reading->lease->renewable);
}

TEST(ReadReading, RefusesAWrappedAnswerAndNonsense) {
  EXPECT_THAT(ReadReading(LocationOf("a/b"), Ok(R"({"data":null,"wrap_info":{"token":"t"}})")),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              HasSubstr("with a wrapped response, which is not accepted")));
  const std::string deep = R"({"data":)" + std::string(100, '[') + std::string(100, ']') + "}";
  for (const std::string& body : {std::string(),
                                  std::string("{"),
                                  std::string(R"({"data":7})"),
                                  std::string(R"({"data":null})"),
                                  deep}) {
    EXPECT_THAT(ReadReading(LocationOf("a/b"), Ok(body)), HasError(ErrorCode::kUnavailable))
        << body;
  }
}

TEST(ReadReading, KeepsARenamedKeyApartFromOneOfThatName) {
  resource::VaultLocation location = LocationOf("kv/x");
  location.username_key = "password";
  location.password_key = "username";

  const auto swapped = ReadReading(
      location, Ok(R"({"data":{"username":"is the password","password":"is the user"}})"));

  ASSERT_TRUE(swapped.has_value());
  EXPECT_EQ(swapped->data.at("username").Reveal(), "is the user");
  EXPECT_EQ(swapped->data.at("password").Reveal(), "is the password");
}

TEST(ReadReading, TakesWholeNumbersForText) {
  const auto reading = ReadReading(
      LocationOf("kv/x"), Ok(R"({"data":{"username":-7,"password":18446744073709551615}})"));
  ASSERT_TRUE(reading.has_value());
  EXPECT_EQ(reading->data.at("username").Reveal(), "-7");
  EXPECT_EQ(reading->data.at("password").Reveal(), "18446744073709551615");
  for (const char* value : {"1.5", "1e3", "true", "[]", "null"}) {
    EXPECT_THAT(
        ReadReading(LocationOf("kv/x"),
                    Ok(R"({"data":{"username":"u","password":)" + std::string(value) + "}}")),
        HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("neither text nor a whole number")))
        << value;
  }
}

TEST(ReadReading, HoldsNothingButTheConfigurationWhenThatIsWhatIsAskedFor) {
  resource::VaultLocation location = LocationOf("kv/x");
  location.docker_config_key = "config";

  const auto reading = ReadReading(location, Ok(R"({"data":{"config":"{}","other":"x"}})"));

  ASSERT_TRUE(reading.has_value());
  EXPECT_EQ(reading->type, "kubernetes.io/dockerconfigjson");
  EXPECT_EQ(reading->data.size(), 1u);
  EXPECT_EQ(reading->data.at(".dockerconfigjson").Reveal(), "{}");
}

TEST(ReadKvState, ChangesWithAllThatReadingTheDataWouldShow) {
  const auto state = [](const std::string& version, std::uint32_t pinned = 0) {
    resource::VaultLocation location = LocationOf("secret/data/x");
    location.version = pinned;
    return *ReadKvState(
        location,
        Ok(R"({"data":{"current_version":2,"versions":{"1":{"created_time":"a"},"2":)" + version +
           "}}}"));
  };
  const VaultKvState base = state(R"({"created_time":"t","deletion_time":"","destroyed":false})");

  EXPECT_EQ(base, state(R"({"created_time":"t","deletion_time":"","destroyed":false})"));
  EXPECT_NE(base, state(R"({"created_time":"u","deletion_time":"","destroyed":false})"));
  EXPECT_NE(base, state(R"({"created_time":"t","deletion_time":"d","destroyed":false})"));
  EXPECT_NE(base, state(R"({"created_time":"t","deletion_time":"","destroyed":true})"));
  EXPECT_EQ(state("{}", 1).version, 1u) << "a pinned version's own";
}

TEST(ReadKvState, IsEqualWhetherTheDataOrTheMetadataTellIt) {
  constexpr const char* kVersion = R"("created_time":"t","deletion_time":"","destroyed":false)";
  const auto reading = ReadReading(
      LocationOf("s/data/x"),
      Ok(std::string(R"({"data":{"data":{},"metadata":{"version":4,)") + kVersion + "}}}"));
  const auto state = ReadKvState(
      LocationOf("s/data/x"),
      Ok(std::string(R"({"data":{"current_version":4,"versions":{"4":{)") + kVersion + "}}}}"));

  ASSERT_TRUE(reading && state);
  EXPECT_EQ(*reading->kv, *state);
}

TEST(MissingKeys, NamesThemAsTheConnectorDoes) {
  resource::VaultLocation location = LocationOf("kv/x");
  location.username_key = "user";
  std::map<std::string, Secret> data;
  EXPECT_EQ(MissingKeys(location, data),
            "lacks the key user (usernameKey) and lacks the key password (passwordKey)");
  data.emplace("username", Secret("u"));
  data.emplace("password", Secret());
  EXPECT_EQ(MissingKeys(location, data), "has an empty key password (passwordKey)");
  location.docker_config_key = "config";
  EXPECT_EQ(MissingKeys(location, data), "lacks the key config (dockerConfigKey)");
}

}  // namespace
}  // namespace connector::broker::secrets
