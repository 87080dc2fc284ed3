// Mounts of a blob from another repository: who may, what the registry is asked, and that a mount
// that may not be is the plain upload that every client goes on with.

#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace connector::dataplane {
namespace {

using ::connector::oci::Action;
using ::connector::oci::Scope;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::kRepositoryPath;
using testing_support::kUpstreamToken;
using testing_support::MakeGrant;
using testing_support::RawClient;
using testing_support::RawResponse;

const std::string kUploads = std::string(kRepositoryPath) + "/blobs/uploads/";
const std::string kDigest = "sha256:" + std::string(64, 'a');
const std::string kPrefix = "namespaces/default/connectors/harbor/";
const std::string kMount = kUploads + "?mount=" + kDigest + "&from=" + kPrefix + "team/base";
const std::string kPlain = "/v2/team/app/blobs/uploads/";

const Scope kTarget{"team/app", {Action::kPull, Action::kPush}};
const Scope kSource{"team/base", {Action::kPull}};

// Has the blob in team/base only, and mounts nothing without being told from where.
HttpAnswer MountRegistry(const HttpRequest& request) {
  if (request.Query("from") == std::vector<std::string>{"team/base"} &&
      request.Query("mount") == std::vector<std::string>{kDigest}) {
    return {.status = 201, .headers = {{"Docker-Content-Digest", kDigest}}};
  }
  return {.status = 202, .headers = {{"Location", kPlain + "session-1"}}};
}

struct Form {
  std::string name;
  std::string host;
  std::string target;
  std::string location;  // Of what is then stored.

  friend void PrintTo(const Form& row, std::ostream* os) { *os << row.name; }
};

class AMount : public ::testing::TestWithParam<Form> {};

TEST_P(AMount, Is201WhereTheRegistrySaysSo) {
  DataplaneWorld world(MountRegistry);
  RawClient client(world.port());

  client.Send("POST " + GetParam().target + " HTTP/1.1\r\nHost: " + GetParam().host +
              "\r\nAuthorization: Bearer caller-token\r\nContent-Length: 0\r\n\r\n");
  const RawResponse response = client.Read();

  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.Header("location"), GetParam().location);
  EXPECT_EQ(world.issuer().asks().at(0).scopes, (std::vector<Scope>{kTarget, kSource}));
  EXPECT_EQ(world.registry().requests().at(0).target,
            kPlain + "?mount=sha256%3A" + std::string(64, 'a') + "&from=team%2Fbase");
}

const std::string kHostForm = "/v2/team/app/blobs/uploads/";
const std::string kAtHost = "/v2/team/app/blobs/" + kDigest;
const std::string kAtPath = std::string(kRepositoryPath) + "/blobs/" + kDigest;

INSTANTIATE_TEST_SUITE_P(
    In,
    AMount,
    ::testing::Values(
        Form{"HostForm",
             "c-harbor.default.svc",
             kHostForm + "?mount=" + kDigest + "&from=team/base",
             kAtHost},
        Form{"PathForm", "proxy:8080", kMount, kAtPath},
        Form{"PathFormEscapedInTheOtherOrder",
             "proxy:8080",
             kUploads +
                 "?from=namespaces%2Fdefault%2Fconnectors%2Fharbor%2Fteam%2Fbase&mount="
                 "sha256%3A" +
                 std::string(64, 'a'),
             kAtPath},
        Form{"PathFormWithTheClientsOrigin",
             "proxy:8080",
             kUploads + "?origin=proxy%3A8080&from=" + kPrefix + "team/base&mount=" + kDigest,
             kAtPath},
        Form{"MirrorForm",
             "proxy:8080",
             kHostForm + "?ns=harbor.example.com&mount=" + kDigest + "&from=team/base",
             kAtHost},
        Form{"MirrorFormWithThePrefixInItsUrl",
             "proxy:8080",
             kUploads + "?ns=harbor.example.com&mount=" + kDigest + "&from=team/base",
             kAtPath}),
    [](const auto& row) { return row.param.name; });

class AMountThatMayNotBe : public ::testing::TestWithParam<Form> {};

TEST_P(AMountThatMayNotBe, IsAPlainUpload) {
  DataplaneWorld world(MountRegistry);
  RawClient client(world.port());

  client.Send("POST " + GetParam().target + " HTTP/1.1\r\nHost: " + GetParam().host +
              "\r\nAuthorization: Bearer caller-token\r\nContent-Length: 0\r\n\r\n");

  EXPECT_EQ(client.Read().status, 202);
  EXPECT_EQ(world.issuer().asks().at(0).scopes, (std::vector<Scope>{kTarget}));
  ASSERT_THAT(world.registry().requests(), SizeIs(1));
  EXPECT_EQ(world.registry().requests()[0].target, kPlain);
}

INSTANTIATE_TEST_SUITE_P(
    From,
    AMountThatMayNotBe,
    ::testing::Values(
        Form{"AnotherConnectorInHostForm",
             "c-harbor.default.svc",
             kHostForm + "?mount=" + kDigest + "&from=namespaces/default/connectors/other/x",
             ""},
        Form{"AnotherConnectorInPathForm",
             "proxy:8080",
             kUploads + "?mount=" + kDigest + "&from=namespaces/default/connectors/other/x",
             ""},
        Form{"AnotherNamespace",
             "proxy:8080",
             kUploads + "?mount=" + kDigest + "&from=namespaces/ci/connectors/harbor/team/base",
             ""},
        Form{"APathFormNameInMirrorForm",
             "proxy:8080",
             kHostForm + "?ns=harbor.example.com&mount=" + kDigest + "&from=" + kPrefix + "x",
             ""}),
    [](const auto& row) { return row.param.name; });

// Grants every repository but the source.
token::GrantResult WithoutTheSource(const token::GrantRequest& grant_request) {
  for (const Scope& scope : grant_request.scopes) {
    if (scope.repository == "team/base") {
      return token::GrantDenial{
          token::DenialReason::kAccessDenied, "no rule for team/base", {}, "s"};
    }
  }
  return MakeGrant({"default", "harbor"}, kUpstreamToken, "epoch-1");
}

TEST(AMountByPolicy, ThatTheSourceForbidsIsAPlainUpload) {
  DataplaneWorld world(MountRegistry);
  world.issuer().SetAnswer(WithoutTheSource);

  const RawResponse response = world.Do("POST", kMount);

  EXPECT_EQ(response.status, 202);
  EXPECT_THAT(response.Header("location"), StartsWith(kUploads));
  ASSERT_THAT(world.issuer().asks(), SizeIs(2));
  EXPECT_EQ(world.issuer().asks()[1].scopes, (std::vector<Scope>{kTarget}));
  ASSERT_THAT(world.registry().requests(), SizeIs(1));
  EXPECT_EQ(world.registry().requests()[0].target, kPlain);
}

TEST(AMountByPolicy, ThatTheTargetForbidsIsDenied) {
  DataplaneWorld world(MountRegistry);
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return token::GrantDenial{token::DenialReason::kAccessDenied, "no rule for team/app", {}, "s"};
  });

  const RawResponse response = world.Do("POST", kMount);

  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr("no rule for team/app"));
  EXPECT_THAT(world.registry().requests(), IsEmpty());
}

class AMountThatTheRegistryRefuses : public ::testing::TestWithParam<int> {};

TEST_P(AMountThatTheRegistryRefuses, IsAPlainUpload) {
  DataplaneWorld world([](const HttpRequest& request) {
    return request.Query("from").empty() ? MountRegistry(request)
                                         : HttpAnswer{.status = GetParam()};
  });

  const RawResponse response = world.Do("POST", kMount, "Content-Length: 0\r\n");

  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(world.issuer().asks().back().scopes, (std::vector<Scope>{kTarget}));
  EXPECT_EQ(world.registry().requests().back().target, kPlain);
}

// 401: what distribution answers to a token that lacks the source's scope.
INSTANTIATE_TEST_SUITE_P(With,
                         AMountThatTheRegistryRefuses,
                         ::testing::Values(400, 401, 403, 404, 405));

TEST(AMountThatTheRegistryRefuses, ForTooManyRequestsIsNotRepeated) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 429, .headers = {{"Retry-After", "7"}}};
  });

  const RawResponse response = world.Do("POST", kMount);

  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.Header("retry-after"), "7");
  EXPECT_THAT(world.registry().requests(), SizeIs(1));
}

TEST(AMountOfABlobThatTheSourceHasNot, IsThePlainUploadThatTheRegistryMakesOfIt) {
  DataplaneWorld world(MountRegistry);

  EXPECT_EQ(world.Do("POST", kUploads + "?mount=" + kDigest + "&from=" + kPrefix + "x").status,
            202);
  EXPECT_EQ(world.registry().requests().at(0).Query("from"), std::vector<std::string>{"x"});
}

TEST(AMountWithoutASource, IsAPlainUploadBecauseTheRegistryWouldLookInEveryRepository) {
  DataplaneWorld world(MountRegistry);

  EXPECT_EQ(world.Do("POST", kUploads + "?mount=" + kDigest).status, 202);
  EXPECT_EQ(world.issuer().asks().at(0).scopes, (std::vector<Scope>{kTarget}));
  EXPECT_EQ(world.registry().requests().at(0).target, kPlain);
}

struct Smuggled {
  std::string name;
  std::string query;
  std::string fields;
  std::string body;
  int status;

  friend void PrintTo(const Smuggled& row, std::ostream* os) { *os << row.name; }
};

class ASmuggledMount : public ::testing::TestWithParam<Smuggled> {};

TEST_P(ASmuggledMount, ReachesNoRegistry) {
  DataplaneWorld world(MountRegistry);

  const RawResponse response =
      world.Do("POST", kUploads + GetParam().query, GetParam().fields, GetParam().body);

  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_THAT(world.registry().requests(), IsEmpty());
}

const std::string kForm = "Content-Type: application/x-www-form-urlencoded\r\n";
const std::string kSecret = "mount=" + kDigest + "&from=secret/repo";

INSTANTIATE_TEST_SUITE_P(
    By,
    ASmuggledMount,
    ::testing::Values(
        Smuggled{"AFormBody", "", kForm, kSecret, 400},
        Smuggled{"AFormBodyBesideTheQuery", "?mount=" + kDigest, kForm, kSecret, 400},
        Smuggled{"AFormBodyOfAWholeUpload", "?digest=" + kDigest, kForm, kSecret, 415},
        Smuggled{"AFormInSeveralParts",
                 "?digest=" + kDigest,
                 "Content-Type: multipart/form-data; boundary=b\r\n",
                 kSecret,
                 415},
        Smuggled{"ABodyThatSaysNothingOfItself", "?mount=" + kDigest, "", kSecret, 400},
        Smuggled{"ASecondFrom", "?mount=" + kDigest + "&from=a&from=secret/repo", "", "", 400},
        Smuggled{
            "ASecondFromEscaped", "?mount=" + kDigest + "&from=a&fro%6d=secret/repo", "", "", 400},
        Smuggled{"ASecondMount", "?mount=" + kDigest + "&mount=" + kDigest, "", "", 400},
        Smuggled{"ASemicolon", "?mount=" + kDigest + ";from=secret/repo", "", "", 400}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace connector::dataplane
