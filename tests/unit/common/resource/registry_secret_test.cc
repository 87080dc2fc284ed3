#include "common/resource/registry_secret.h"

#include "common/base/encoding.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>
#include <string_view>

namespace connector::resource {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasErrorMessage;

using Data = std::map<std::string, Secret>;

Data Pair(std::string_view username, std::string_view password) {
  Data out;
  out.emplace("username", Secret(username));
  out.emplace("password", Secret(password));
  return out;
}

// "user/password/identity token" of what was read, or the error.
std::string Read(const std::string& type, const Data& data, std::string_view host = "r.example") {
  const Result<RegistrySecret> read = ReadRegistrySecret(type, data, host);
  if (!read) {
    return read.error().message;
  }
  return read->username + "/" + std::string(read->password.Reveal()) + "/" +
         std::string(read->identity_token.Reveal());
}

Data DockerConfig(std::string_view json) {
  Data out;
  out.emplace(".dockerconfigjson", Secret(json));
  return out;
}

std::string ReadConfig(std::string_view json, std::string_view host = "r.example") {
  return Read("kubernetes.io/dockerconfigjson", DockerConfig(json), host);
}

TEST(ReadRegistrySecret, ReadsThePairOfEveryPlainType) {
  for (const char* type :
       {"", "Opaque", "kubernetes.io/basic-auth", "cpaas.io/distribution-registry-token"}) {
    EXPECT_EQ(Read(type, Pair("robot$ci+x", "pw:with:colons")), "robot$ci+x/pw:with:colons/")
        << type;
  }
}

TEST(ReadRegistrySecret, ReadsBase64AuthOfADockerConfig) {
  EXPECT_EQ(ReadConfig(R"({"auths":{"r.example":{"auth":")" + Base64Encode("u:p:q") + R"("}}})"),
            "u/p:q/");
}

TEST(ReadRegistrySecret, ReadsUserAndPasswordOfADockerConfig) {
  EXPECT_EQ(ReadConfig(R"({"auths":{"r.example":{"username":"u","password":"p"}}})"), "u/p/");
}

TEST(ReadRegistrySecret, PrefersAnIdentityToken) {
  EXPECT_EQ(ReadConfig(R"({"auths":{"r.example":{"auth":"dTpw","identitytoken":"t"}}})"), "//t");
}

TEST(ReadRegistrySecret, FindsTheHostHoweverDockerWroteIt) {
  for (const char* key : {"r.example",
                          "https://r.example",
                          "http://r.example/",
                          "R.Example",
                          "https://r.example/v1/",
                          "https://r.example/v2/",
                          "r.example:443"}) {
    EXPECT_EQ(ReadConfig(std::string(R"({"auths":{")") + key + R"(":{"auth":"dTpw"}}})"), "u/p/")
        << key;
  }
  EXPECT_EQ(ReadConfig(R"({"auths":{"r.example":{"auth":"dTpw"}}})", "r.example:443"), "u/p/");
  EXPECT_EQ(ReadConfig(R"({"auths":{"r.example:5000":{"auth":"dTpw"}}})", "r.example:5000"),
            "u/p/");
}

TEST(ReadRegistrySecret, FindsDockerHubUnderEachOfItsNames) {
  for (const char* key : {"https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"}) {
    EXPECT_EQ(ReadConfig(std::string(R"({"auths":{")") + key + R"(":{"auth":"dTpw"}}})",
                         "registry-1.docker.io"),
              "u/p/")
        << key;
  }
}

TEST(ReadRegistrySecret, TakesNoOtherHostsEntry) {
  for (const char* key : {"r.example:5000",
                          "x.r.example",
                          "r.example/team",
                          "r.example.evil",
                          "https://evil/r.example",
                          "docker.io"}) {
    EXPECT_THAT(ReadConfig(std::string(R"({"auths":{")") + key + R"(":{"auth":"dTpw"}}})"),
                HasSubstr("has no entry for r.example"))
        << key;
  }
}

struct RefusedSecret {
  std::string_view name;
  std::string type;
  std::string key;  // Of one value; empty for the pair in `value` "user|password".
  std::string value;
  std::string_view reason;

  friend void PrintTo(const RefusedSecret& row, std::ostream* os) { *os << row.name; }
};

class ReadRegistrySecretRefuses : public ::testing::TestWithParam<RefusedSecret> {};

TEST_P(ReadRegistrySecretRefuses, NamingTheKeyAndNoContent) {
  const RefusedSecret& row = GetParam();
  Data data;
  if (row.key.empty()) {
    const std::size_t bar = row.value.find('|');
    data = Pair(row.value.substr(0, bar), row.value.substr(bar + 1));
  } else {
    data.emplace(row.key, Secret(row.value));
  }
  EXPECT_THAT(ReadRegistrySecret(row.type, data, "r.example"),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              AllOf(HasSubstr(row.reason), Not(HasSubstr("hunter2")))));
}

constexpr const char* kConfig = "kubernetes.io/dockerconfigjson";
constexpr const char* kConfigKey = ".dockerconfigjson";

INSTANTIATE_TEST_SUITE_P(
    Content,
    ReadRegistrySecretRefuses,
    ::testing::Values(
        RefusedSecret{"AMissingPassword", "Opaque", "username", "u", "lacks the key password"},
        RefusedSecret{
            "AMissingUserName", "Opaque", "password", "hunter2", "lacks the key username"},
        RefusedSecret{"AnEmptyPassword", "Opaque", "", "u|", "empty key password"},
        RefusedSecret{"AnEmptyUserName", "Opaque", "", "|hunter2", "empty key username"},
        RefusedSecret{"AColonInTheUserName", "Opaque", "", "u:x|hunter2", "a user name with ':'"},
        RefusedSecret{"ATrailingLineBreak", "Opaque", "", "u|hunter2\n", "a line break"},
        RefusedSecret{"ALineBreakInTheUserName", "Opaque", "", "u\n|hunter2", "a line break"},
        RefusedSecret{"AnotherType", "kubernetes.io/tls", "", "u|hunter2", "holds no registry"},
        RefusedSecret{
            "NoDockerConfigKey", kConfig, "config.json", "{}", "lacks the key .dockerconfigj"},
        RefusedSecret{"NoJson", kConfig, kConfigKey, "hunter2", "not docker's configuration"},
        RefusedSecret{"NoAuths", kConfig, kConfigKey, "{}", "not docker's configuration"},
        RefusedSecret{"AuthsThatAreAList", kConfig, kConfigKey, R"({"auths":[]})", "not docker's"},
        RefusedSecret{"AnEntryThatIsText",
                      kConfig,
                      kConfigKey,
                      R"({"auths":{"r.example":"hunter2"}})",
                      "has no entry for"},
        RefusedSecret{"AuthThatIsNotBase64",
                      kConfig,
                      kConfigKey,
                      R"({"auths":{"r.example":{"auth":"u:hunter2"}}})",
                      "not base64"},
        RefusedSecret{"AuthWithoutAColon",
                      kConfig,
                      kConfigKey,
                      R"({"auths":{"r.example":{"auth":"aHVudGVyMg=="}}})",
                      "has no password"},
        RefusedSecret{"AnEmptyEntry",
                      kConfig,
                      kConfigKey,
                      R"({"auths":{"r.example":{}}})",
                      "has no user name"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace connector::resource
