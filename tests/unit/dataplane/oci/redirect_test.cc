#include "dataplane/oci/redirect.h"

#include "tests/unit/dataplane/addressing/names.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace connector::dataplane::oci {
namespace {

using http::Method;
using http::Origin;
using http::Url;

const Origin kAddress{true, "reg.example.com", 443};
const std::vector<std::string> kHosts = {"*.s3.amazonaws.com", "10.1.2.3", "cdn.internal"};
const std::string kBlobPath = "/v2/a/b/blobs/" + kDigest;

addressing::Operation Blob(Method method = Method::kGet) {
  return std::get<addressing::Operation>(addressing::ParseTarget(method, kBlobPath));
}

HopDecision Redirect(const std::string& location, bool allow_insecure = false) {
  const addressing::Operation operation = Blob();
  const Url asked{kAddress, kBlobPath, ""};
  return DecideRedirect(EgressPolicy{kAddress, kHosts, allow_insecure},
                        RedirectSeen{operation, false, asked, 307, location, 0});
}

struct RedirectRow {
  std::string name;
  std::string location;
  bool send_credential;
  bool allow_private;

  friend void PrintTo(const RedirectRow& row, std::ostream* os) { *os << row.name; }
};

class DecideRedirectFollows : public ::testing::TestWithParam<RedirectRow> {};

TEST_P(DecideRedirectFollows, WithTheCredentialOnlyToTheSameBlobOnTheSameOrigin) {
  const HopDecision decision = Redirect(GetParam().location);
  ASSERT_TRUE(std::holds_alternative<NextHop>(decision))
      << Sentence(std::get<HopRefusal>(decision));
  EXPECT_EQ(std::get<NextHop>(decision).send_credential, GetParam().send_credential);
  EXPECT_EQ(std::get<NextHop>(decision).allow_private_address, GetParam().allow_private);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    DecideRedirectFollows,
    ::testing::Values(
        RedirectRow{"ToAPublicStore", "https://store.example.net/x?sig=y", false, false},
        RedirectRow{"ToAListedStore", "https://b.s3.amazonaws.com/x?sig=y", false, true},
        RedirectRow{"ToAListedAddress", "https://10.1.2.3/x", false, true},
        RedirectRow{"ToItself", kBlobPath + "?again=1", true, true},
        RedirectRow{"ToItselfInFull", "https://REG.example.com:443" + kBlobPath, true, true},
        RedirectRow{"ToItselfWithoutTls", "http://reg.example.com" + kBlobPath, true, true},
        RedirectRow{
            "ToItselfWithoutTlsAtItsPort", "http://reg.example.com:443" + kBlobPath, true, true},
        RedirectRow{
            "ToAFileNameInQuotes", "https://b.s3.amazonaws.com/x?f=\"a b.bin\"<>#y", false, true},
        RedirectRow{"ToItsOtherPort", "https://reg.example.com:8443" + kBlobPath, false, false},
        RedirectRow{"ToItsSubdomain", "https://x.reg.example.com" + kBlobPath, false, false},
        RedirectRow{"ToItsParent", "https://example.com" + kBlobPath, false, false},
        RedirectRow{
            "ToAHostThatEndsAlike", "https://evilreg.example.com" + kBlobPath, false, false},
        RedirectRow{"ToAnotherRepository", "/v2/a/c/blobs/" + kDigest, false, true},
        RedirectRow{"ToALongerRepository", "/v2/x/a/b/blobs/" + kDigest, false, true},
        RedirectRow{"ToAnotherDigest", "/v2/a/b/blobs/sha256:" + std::string(64, 'b'), false, true},
        RedirectRow{"ToAManifest", "/v2/a/b/manifests/" + kDigest, false, true},
        RedirectRow{"ToAnEscapedPath", "/v2/a%2Fb/blobs/" + kDigest, false, true},
        RedirectRow{"ToAPathThatNormalizesToIt", "/v2/c/../a/b/blobs/" + kDigest, true, true},
        RedirectRow{"ToTheTokenService", "/token?scope=x", false, true}),
    [](const auto& row) { return row.param.name; });

struct Refusal {
  std::string name;
  std::string location;
  HopRefusal refusal;

  friend void PrintTo(const Refusal& row, std::ostream* os) { *os << row.name; }
};

class DecideRedirectRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(DecideRedirectRefuses, WithItsOwnReason) {
  EXPECT_EQ(Redirect(GetParam().location), HopDecision(GetParam().refusal));
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    DecideRedirectRefuses,
    ::testing::Values(
        Refusal{"NoLocation", "", HopRefusal::kNoLocation},
        Refusal{"NoTls", "http://store.example.net/x", HopRefusal::kInsecure},
        Refusal{"NoTlsToAListedHost", "http://b.s3.amazonaws.com/x", HopRefusal::kInsecure},
        Refusal{"NoTlsToItsOtherPort",
                "http://reg.example.com:8080" + kBlobPath,
                HopRefusal::kInsecure},
        Refusal{
            "NoTlsToItsSubdomain", "http://x.reg.example.com" + kBlobPath, HopRefusal::kInsecure},
        Refusal{"AnotherScheme", "file:///etc/passwd", HopRefusal::kNoLocation},
        Refusal{"UserInformation", "https://u:p@store.example.net/x", HopRefusal::kNoLocation},
        Refusal{"ALocationWithALineBreak", "https://a/\r\nX: y", HopRefusal::kNoLocation},
        Refusal{"ALocationOver16KiB",
                "https://a.example/" + std::string(kMaxRedirectBytes, 'x'),
                HopRefusal::kNoLocation},
        Refusal{"TheMetadataService",
                "https://169.254.169.254/latest/meta-data",
                HopRefusal::kPrivateAddress},
        Refusal{"Loopback", "https://127.0.0.1/x", HopRefusal::kPrivateAddress},
        Refusal{"APrivateAddress", "https://10.0.0.1/x", HopRefusal::kPrivateAddress},
        Refusal{"LoopbackInIpv6", "https://[::1]/x", HopRefusal::kPrivateAddress},
        Refusal{"AMappedAddress", "https://[::ffff:10.0.0.1]/x", HopRefusal::kPrivateAddress},
        Refusal{"AnAddressInOneNumber", "https://2130706433/x", HopRefusal::kNoLocation}),
    [](const auto& row) { return row.param.name; });

TEST(DecideRedirect, FollowsAPresignedUrlOf9KiB) {
  EXPECT_TRUE(std::holds_alternative<NextHop>(
      Redirect("https://b.s3.amazonaws.com/x?X-Amz-Security-Token=" + std::string(9000, 'A'))));
}

// `target` answered with `status` and a Location.
HopDecision Moved(Method method,
                  const std::string& target,
                  const std::string& location,
                  int status = 307,
                  bool body_sent = false) {
  const auto operation = std::get<addressing::Operation>(addressing::ParseTarget(method, target));
  const Url asked{kAddress, target.substr(0, target.find('?')), ""};
  return DecideRedirect(EgressPolicy{kAddress, kHosts, false},
                        RedirectSeen{.operation = operation,
                                     .asked = asked,
                                     .status = status,
                                     .location = location,
                                     .body_sent = body_sent});
}

TEST(DecideRedirect, FollowsReadsOfManifestsAndListsToListedHostsWithoutTheCredential) {
  for (const std::string& path : {std::string("/v2/a/b/manifests/v1"),
                                  std::string("/v2/a/b/tags/list"),
                                  "/v2/a/b/referrers/" + kDigest}) {
    for (const Method method : {Method::kGet, Method::kHead}) {
      const HopDecision listed = Moved(method, path, "https://cdn.internal/v2/c/manifests/v1");
      ASSERT_TRUE(std::holds_alternative<NextHop>(listed)) << path;
      EXPECT_FALSE(std::get<NextHop>(listed).send_credential);
      EXPECT_EQ(Moved(method, path, "https://store.example.net/x"),
                HopDecision(HopRefusal::kReadNotListed));
      const HopDecision own = Moved(method, path, path + "?again=1");
      EXPECT_TRUE(std::get<NextHop>(own).send_credential) << path;
      EXPECT_EQ(Moved(method, path, "/v2/a/c/manifests/v1"),
                HopDecision(HopRefusal::kNotRedirectable));
    }
  }
}

const std::string kUploadsPath = "/v2/a/b/blobs/uploads/";

struct RedirectedWrite {
  std::string name;
  Method method;
  std::string target;
  std::string location;

  friend void PrintTo(const RedirectedWrite& row, std::ostream* os) { *os << row.name; }
};

class AWriteThatIsRedirected : public ::testing::TestWithParam<RedirectedWrite> {};

TEST_P(AWriteThatIsRedirected, GoesToTheSameOperationOfTheSameOriginWithTheCredential) {
  for (const int status : {307, 308}) {
    const HopDecision decision =
        Moved(GetParam().method, GetParam().target, GetParam().location, status);
    ASSERT_TRUE(std::holds_alternative<NextHop>(decision)) << status;
    EXPECT_TRUE(std::get<NextHop>(decision).send_credential);
    EXPECT_EQ(std::get<NextHop>(decision).url.origin, kAddress);
  }
  for (const int status : {301, 302, 303}) {
    EXPECT_EQ(Moved(GetParam().method, GetParam().target, GetParam().location, status),
              HopDecision(HopRefusal::kNotRedirectable))
        << status;
  }
  EXPECT_EQ(Moved(GetParam().method, GetParam().target, GetParam().location, 307, true),
            HopDecision(HopRefusal::kNotRedirectable))
      << "its body was sent";
}

INSTANTIATE_TEST_SUITE_P(
    To,
    AWriteThatIsRedirected,
    ::testing::Values(
        RedirectedWrite{"AnotherNode", Method::kPost, kUploadsPath, kUploadsPath + "?node=2"},
        RedirectedWrite{
            "ItselfInFull", Method::kPost, kUploadsPath, "https://reg.example.com" + kUploadsPath},
        RedirectedWrite{"ItselfWithoutTls",
                        Method::kPost,
                        kUploadsPath,
                        "http://reg.example.com" + kUploadsPath},
        RedirectedWrite{"TheSameMount",
                        Method::kPost,
                        kUploadsPath + "?mount=" + kDigest + "&from=c/d",
                        kUploadsPath + "?mount=" + kDigest + "&from=c/d&node=2"},
        RedirectedWrite{"ABlobToDelete", Method::kDelete, kBlobPath, kBlobPath + "?node=2"},
        RedirectedWrite{
            "AManifestToPut", Method::kPut, "/v2/a/b/manifests/v1", "/v2/a/b/manifests/v1?n=2"},
        RedirectedWrite{"AnUploadUnderWay",
                        Method::kPut,
                        kUploadsPath + "sealed?digest=" + kDigest,
                        kUploadsPath + "uuid?node=2"}),
    [](const auto& row) { return row.param.name; });

class AWriteThatIsNotRedirected : public ::testing::TestWithParam<RedirectedWrite> {};

TEST_P(AWriteThatIsNotRedirected, ToAnythingElse) {
  EXPECT_EQ(Moved(GetParam().method, GetParam().target, GetParam().location),
            HopDecision(HopRefusal::kNotRedirectable));
}

INSTANTIATE_TEST_SUITE_P(
    To,
    AWriteThatIsNotRedirected,
    ::testing::Values(
        RedirectedWrite{"AnotherOrigin",
                        Method::kPost,
                        kUploadsPath,
                        "https://store.example.net" + kUploadsPath},
        RedirectedWrite{
            "AListedHost", Method::kPost, kUploadsPath, "https://cdn.internal" + kUploadsPath},
        RedirectedWrite{"AnotherPort",
                        Method::kPost,
                        kUploadsPath,
                        "https://reg.example.com:8443" + kUploadsPath},
        RedirectedWrite{"AnotherRepository", Method::kPost, kUploadsPath, "/v2/a/c/blobs/uploads/"},
        RedirectedWrite{"AnotherOperation", Method::kDelete, kBlobPath, "/v2/a/b/manifests/v1"},
        RedirectedWrite{"AnotherTag", Method::kPut, "/v2/a/b/manifests/v1", "/v2/a/b/manifests/v2"},
        RedirectedWrite{"AnAdministrationsApi", Method::kPost, kUploadsPath, "/api/v2.0/users"},
        RedirectedWrite{"AMountThatWasNotAskedFor",
                        Method::kPost,
                        kUploadsPath,
                        kUploadsPath + "?mount=" + kDigest + "&from=c/d"},
        RedirectedWrite{"AMountFromAnotherRepository",
                        Method::kPost,
                        kUploadsPath + "?mount=" + kDigest + "&from=c/d",
                        kUploadsPath + "?mount=" + kDigest + "&from=e/f"},
        RedirectedWrite{
            "AnotherRegistry", Method::kPost, kUploadsPath, kUploadsPath + "?ns=quay.io"},
        RedirectedWrite{
            "AnotherMethod", Method::kPost, kUploadsPath, kUploadsPath + "?_method=DELETE"},
        RedirectedWrite{"AnotherDigest",
                        Method::kPost,
                        kUploadsPath,
                        kUploadsPath + "?digest=sha256:" + std::string(64, 'b')}),
    [](const auto& row) { return row.param.name; });

TEST(DecideRedirect, FollowsNoWriteFromAnotherOrigin) {
  const auto operation =
      std::get<addressing::Operation>(addressing::ParseTarget(Method::kDelete, kBlobPath));
  const Url asked{Origin{true, "store.example.net", 443}, "/x", ""};
  EXPECT_EQ(
      DecideRedirect(
          EgressPolicy{kAddress, kHosts, false},
          RedirectSeen{operation, false, asked, 307, "https://reg.example.com" + kBlobPath, 1}),
      HopDecision(HopRefusal::kNotRedirectable));
}

TEST(DecideRedirect, KnowsTheStatusesAndTheLimit) {
  const addressing::Operation operation = Blob(Method::kHead);
  const Url asked{kAddress, kBlobPath, ""};
  const auto decide = [&](int status, int followed) {
    return DecideRedirect(
        EgressPolicy{kAddress, kHosts, false},
        RedirectSeen{operation, false, asked, status, "https://a.example/x", followed});
  };
  for (const int status : {301, 302, 303, 307, 308}) {
    EXPECT_TRUE(std::holds_alternative<NextHop>(decide(status, 4))) << status;
  }
  for (const int status : {300, 304, 305, 306, 200}) {
    EXPECT_EQ(decide(status, 0), HopDecision(HopRefusal::kStatus)) << status;
  }
  EXPECT_EQ(decide(307, 5), HopDecision(HopRefusal::kTooManyRedirects));
}

TEST(DecideRedirect, GivesNoCredentialOnTheWayBackFromAnotherOrigin) {
  const addressing::Operation operation = Blob();
  const Url asked{Origin{true, "store.example.net", 443}, "/x", ""};
  const HopDecision decision = DecideRedirect(
      EgressPolicy{kAddress, kHosts, false},
      RedirectSeen{operation, false, asked, 307, "https://reg.example.com" + kBlobPath, 1});
  EXPECT_FALSE(std::get<NextHop>(decision).send_credential);
}

TEST(DecideRedirect, ComparesDockerHubsNames) {
  const auto operation = std::get<addressing::Operation>(
      addressing::ParseTarget(Method::kGet, "/v2/alpine/blobs/" + kDigest));
  const std::string path = "/v2/library/alpine/blobs/" + kDigest;
  const Url asked{kAddress, path, ""};
  const HopDecision decision =
      DecideRedirect(EgressPolicy{kAddress, kHosts, false},
                     RedirectSeen{operation, true, asked, 307, path + "?x=y", 0});
  EXPECT_TRUE(std::get<NextHop>(decision).send_credential);
}

TEST(DecideRedirect, TakesPlainHttpWhereTheConnectorAllowsIt) {
  EXPECT_TRUE(std::holds_alternative<NextHop>(Redirect("http://store.example.net/x", true)));
}

}  // namespace
}  // namespace connector::dataplane::oci
