#include "common/resource/registry_secret.h"

#include "common/base/encoding.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

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
std::string Read(const std::string& type,
                 const Data& data,
                 std::string_view host = "r.example",
                 std::string_view repository = {}) {
  const Result<RegistrySecret> read =
      ReadRegistrySecret(type, data, {std::string(host)}, repository);
  if (!read) {
    return read.error().message;
  }
  return read->username + "/" + std::string(read->password.Reveal()) + "/" +
         std::string(read->identity_token.Reveal());
}

Data One(const char* key, std::string_view value) {
  Data out;
  out.emplace(key, Secret(value));
  return out;
}

std::string ReadConfig(std::string_view json,
                       std::string_view host = "r.example",
                       std::string_view repository = {}) {
  return Read("kubernetes.io/dockerconfigjson", One(".dockerconfigjson", json), host, repository);
}

std::string WithAuth(std::string_view auth) {
  return R"({"auths":{"r.example":{"auth":")" + std::string(auth) + R"("}}})";
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

TEST(ReadRegistrySecret, KeepsTheLineBreaksInsideAPassword) {
  const std::string key = "{\n  \"type\": \"x\"\n}\n";
  EXPECT_EQ(Read("Opaque", Pair("_json_key", key)), "_json_key/" + key + "/");
  EXPECT_EQ(ReadConfig(WithAuth(Base64Encode("_json_key:" + key))), "_json_key/" + key + "/");
}

TEST(ReadRegistrySecret, ReadsAuthAsTheKubeletDoes) {
  struct Row {
    std::string_view name;
    std::string auth;
  };
  for (const Row& row :
       {Row{"without padding", "dXM6cGFzcw"},
        Row{"folded", "dXM6\\ncGFz\\r\\ncw==\\n"},
        Row{"a line break at its end", Base64Encode("us:pass\n")},
        Row{"padded with zero bytes", Base64Encode(std::string_view("us:pass\0\0", 9))}}) {
    EXPECT_EQ(ReadConfig(WithAuth(row.auth)), "us/pass/") << row.name;
  }
}

TEST(ReadRegistrySecret, TakesTheMostSpecificEntryOfTheRepository) {
  const std::string json = R"({"auths":{
    "*.example": {"username":"glob","password":"p"},
    "r.example/a": {"username":"a","password":"p"},
    "r.example/a/b": {"username":"ab","password":"p"},
    "r.example": {"username":"host","password":"p"},
    "other.example/a/b/c": {"username":"other","password":"p"}}})";
  for (const auto& [repository, user] :
       {std::pair{"a/b/c", "ab"}, {"a/x", "a"}, {"ab", "host"}, {"", "host"}}) {
    EXPECT_EQ(ReadConfig(json, "r.example", repository), std::string(user) + "/p/") << repository;
  }
  EXPECT_EQ(ReadConfig(json, "x.example", "a/b"), "glob/p/");
}

TEST(ReadRegistrySecret, HasNoEntryForARepositoryThatNoPathCovers) {
  const std::string json = R"({"auths":{"r.example/a":{"auth":"dTpw"}}})";
  EXPECT_EQ(ReadConfig(json, "r.example", "a/x"), "u/p/");
  EXPECT_EQ(ReadConfig(json), "u/p/") << "some repository has one";
  EXPECT_THAT(ReadConfig(json, "r.example", "b/x"), HasSubstr("has no entry for r.example/b/x"));
}

TEST(ReadRegistrySecret, IsSoundWhereOneEntryIs) {
  EXPECT_EQ(ReadConfig(R"({"auths":{"r.example/a":{"auth":"!"},"r.example/b":{"auth":"dTpw"}}})"),
            "u/p/");
}

TEST(ReadRegistrySecret, ReadsTheOlderFormOfDockersConfiguration) {
  EXPECT_EQ(Read("kubernetes.io/dockercfg", One(".dockercfg", R"({"r.example":{"auth":"dTpw"}})")),
            "u/p/");
}

TEST(ReadRegistrySecret, ReadsDockersConfigurationInASecretOfNoSpecialType) {
  for (const char* key : {".dockerconfigjson", "config.json"}) {
    EXPECT_EQ(Read("Opaque", One(key, WithAuth("dTpw"))), "u/p/") << key;
  }
  Data both = One("config.json", WithAuth("dTpw"));
  both.emplace("username", Secret("of the pair"));
  both.emplace("password", Secret("p"));
  EXPECT_EQ(Read("Opaque", both), "of the pair/p/");
}

TEST(ReadRegistrySecret, ReadsThePairUnderTheKeysThatAreNamed) {
  Data data = Pair("no", "no");
  data.emplace("USER", Secret("u"));
  data.emplace("token", Secret("t"));
  const Result<RegistrySecret> read =
      ReadRegistrySecret("Opaque", data, {"r.example", "USER", "token"});
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->username + "/" + std::string(read->password.Reveal()), "u/t");
  EXPECT_THAT(ReadRegistrySecret("Opaque", Pair("u", "p"), {"r.example", "USER", "password"}),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              "lacks the key USER; it needs USER and password"));
}

TEST(ReadRegistrySecret, NamesTheStoreOrHelperThatHasTheCredential) {
  for (const auto& [json, keeper] :
       {std::pair{R"({"credHelpers":{"r.example":"gcloud"}})",
                  "credential helper gcloud in the key"},
        {R"({"auths":{"r.example":{}},"credsStore":"desktop"})", "credential store desktop in the"},
        {R"({"auths":{},"credsStore":"a b"})", "credential store in the key"}}) {
    EXPECT_THAT(ReadConfig(json),
                AllOf(HasSubstr(keeper), HasSubstr("kubectl create secret docker-registry")))
        << json;
  }
  EXPECT_EQ(ReadConfig(R"({"auths":{"r.example":{"auth":"dTpw"}},"credsStore":"desktop"})"),
            "u/p/");
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
                          "r.example.x/team",
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
  EXPECT_THAT(ReadRegistrySecret(row.type, data, {"r.example"}),
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
        RefusedSecret{"ATrailingLineBreak",
                      "Opaque",
                      "",
                      "u|hunter2\n",
                      "has a line break at the end of the password in the pair username and "
                      "password; leave it out: in YAML write |- for |"},
        RefusedSecret{"ATrailingLineBreakOfWindows", "Opaque", "", "u|hunter2\r\n", "at the end"},
        RefusedSecret{"AConfigurationThatIsEncodedTwice",
                      kConfig,
                      kConfigKey,
                      "eyJhdXRocyI6e319",
                      "encoded twice in base64"},
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
