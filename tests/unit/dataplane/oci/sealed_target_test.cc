#include "dataplane/oci/sealed_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace connector::dataplane::oci {
namespace {

const http::Origin kRegistryOrigin{true, "reg.example.com", 443};
const std::vector<std::string> kStores = {"*.s3.amazonaws.com", "10.1.2.3"};

HopDecision Decide(const http::Url& url, bool allow_insecure = false) {
  return DecideUploadTarget({kRegistryOrigin, kStores, allow_insecure}, "a/b", url);
}

// With a token that is for one repository.
HopDecision Scoped(const std::string& location) {
  return DecideUploadLocation(
      {.address = kRegistryOrigin, .redirect_hosts = kStores, .scoped_credential = true},
      "a/b",
      {kRegistryOrigin, "/v2/a/b/blobs/uploads/", ""},
      location);
}

HopDecision Upload(const std::string& location) {
  return DecideUploadLocation({kRegistryOrigin, kStores, false},
                              "a/b",
                              {kRegistryOrigin, "/v2/a/b/blobs/uploads/", ""},
                              location);
}

struct UploadRow {
  std::string name;
  std::string location;
  bool send_credential;

  friend void PrintTo(const UploadRow& row, std::ostream* os) { *os << row.name; }
};

class AnUploadGoesOn : public ::testing::TestWithParam<UploadRow> {};

TEST_P(AnUploadGoesOn, WithTheCredentialOnlyToUploadsOfTheConnectorsOrigin) {
  const HopDecision decision = Upload(GetParam().location);

  ASSERT_TRUE(std::holds_alternative<NextHop>(decision))
      << Sentence(std::get<HopRefusal>(decision));
  EXPECT_EQ(std::get<NextHop>(decision).send_credential, GetParam().send_credential);
  EXPECT_TRUE(std::get<NextHop>(decision).allow_private_address);
  EXPECT_EQ(Decide(std::get<NextHop>(decision).url), decision) << "opened as it was sealed";
}

INSTANTIATE_TEST_SUITE_P(
    At,
    AnUploadGoesOn,
    ::testing::Values(
        UploadRow{"APath", "/v2/a/b/blobs/uploads/uuid?_state=x%2By", true},
        UploadRow{"AnAbsoluteUrl", "https://reg.example.com/v2/a/b/blobs/uploads/uuid", true},
        UploadRow{"ARelativePath", "uuid?_state=x", true},
        UploadRow{"APathThatNormalizesToIt", "/v2/c/../a/b/blobs/uploads/uuid", true},
        UploadRow{"AnotherWordForUploads", "/v2/a/b/blobs/upload/1.uuid", true},
        UploadRow{"SeveralParameters",
                  "/v2/a/b/blobs/uploads/uuid?_nouploadcache=false&_state=x==&digest=y",
                  true},
        UploadRow{"ItselfWithoutTls", "http://reg.example.com/v2/a/b/blobs/uploads/uuid", true},
        UploadRow{"AnUploadOutsideTheApi",
                  "/artifacts-uploads/namespaces/p/repositories/r/uploads/AJ-x_y==",
                  false},
        UploadRow{"AnotherRepositoryUnderAPrefix", "/artifactory/v2/a/c/blobs/uploads/u", false},
        UploadRow{"ALongerRepositoryUnderAPrefix", "/artifactory/v2/x/a/b/blobs/uploads/u", false},
        UploadRow{"AnApiUnderAPrefix", "/artifactory/api/docker/k/v2/a/b/blobs/uploads/u", true},
        UploadRow{"AListedStore", "https://b.s3.amazonaws.com/x%2Fy;z?sig=y&from=z", false},
        UploadRow{"AListedAddress", "https://10.1.2.3/x", false}),
    [](const auto& row) { return row.param.name; });

struct UploadRefusal {
  std::string name;
  std::string location;
  HopRefusal refusal;

  friend void PrintTo(const UploadRefusal& row, std::ostream* os) { *os << row.name; }
};

class AnUploadDoesNotGoOn : public ::testing::TestWithParam<UploadRefusal> {};

TEST_P(AnUploadDoesNotGoOn, ForAReasonOfItsOwn) {
  EXPECT_EQ(Upload(GetParam().location), HopDecision(GetParam().refusal));
}

constexpr HopRefusal kNotThis = HopRefusal::kNotThisUpload;

INSTANTIATE_TEST_SUITE_P(
    At,
    AnUploadDoesNotGoOn,
    ::testing::Values(
        UploadRefusal{"AnUnlistedHost", "https://store.example.net/x", HopRefusal::kHostNotListed},
        UploadRefusal{"ItsOtherPort", "https://reg.example.com:8443/x", HopRefusal::kHostNotListed},
        UploadRefusal{
            "ThePatternsOwnSuffix", "https://s3.amazonaws.com/x", HopRefusal::kHostNotListed},
        UploadRefusal{"APrivateAddress", "https://10.0.0.1/x", HopRefusal::kPrivateAddress},
        UploadRefusal{"NoTlsAtAnotherPort",
                      "http://reg.example.com:8080/v2/a/b/blobs/uploads/x",
                      HopRefusal::kInsecure},
        UploadRefusal{"NoTlsOfAListedStore", "http://10.1.2.3/x", HopRefusal::kInsecure},
        UploadRefusal{"NoLocation", "", HopRefusal::kNoLocation},
        UploadRefusal{"ALocationOver8KiB",
                      "/v2/a/b/blobs/uploads/u?s=" + std::string(kMaxUploadTargetBytes, 'x'),
                      HopRefusal::kNoLocation},
        UploadRefusal{"TheCatalog", "/v2/_catalog", kNotThis},
        UploadRefusal{"TheRoot", "/v2/", kNotThis},
        UploadRefusal{"AnAdministrationsApi", "/api/v2.0/users", kNotThis},
        UploadRefusal{"TheTokenService", "/service/token?scope=x", kNotThis},
        UploadRefusal{"AnotherRepository", "/v2/a/c/blobs/uploads/uuid", kNotThis},
        UploadRefusal{"ARepositoryThatStartsAlike", "/v2/a/bc/blobs/uploads/uuid", kNotThis},
        UploadRefusal{"ALongerRepository", "/v2/x/a/b/blobs/uploads/uuid", kNotThis},
        UploadRefusal{"AManifest", "/v2/a/b/manifests/v1", kNotThis},
        UploadRefusal{"AManifestOfARepositoryBlobs", "/v2/a/b/blobs/manifests/v1", kNotThis},
        UploadRefusal{"TagsOfARepositoryBlobs", "/v2/a/b/blobs/tags/list", kNotThis},
        UploadRefusal{"ABlob", "/v2/a/b/blobs/sha256:abc", kNotThis},
        UploadRefusal{"ABlobOfADeeperRepository", "/v2/a/b/blobs/c/blobs/uploads/u", kNotThis},
        UploadRefusal{"AnEscapedPath", "/v2/a/b/blobs/uploads/..%2F..%2Fmanifests", kNotThis},
        UploadRefusal{"PathParameters", "/v2/a/b/blobs/uploads/x;/../../manifests/v1", kNotThis},
        UploadRefusal{"NoId", "/v2/a/b/blobs/uploads/", kNotThis},
        UploadRefusal{"NoWord", "/v2/a/b/blobs//uuid", kNotThis},
        UploadRefusal{"AnotherSpellingOfTheApi", "/V2/a/c/blobs/uploads/uuid", kNotThis},
        UploadRefusal{"AnEscapedApi", "/v%32/a/c/blobs/uploads/uuid", kNotThis},
        UploadRefusal{"TheApiBehindAnEmptySegment",
                      "https://reg.example.com//v2/a/c/blobs/uploads/uuid",
                      kNotThis},
        UploadRefusal{"NothingButAnUpload", "/uploads/uuid", kNotThis},
        UploadRefusal{"AnotherRegistry", "/v2/a/b/blobs/uploads/u?ns=quay.io", kNotThis},
        UploadRefusal{"AMount", "/v2/a/b/blobs/uploads/u?mount=sha256:x&from=c/d", kNotThis},
        UploadRefusal{"AMountInAnotherSpelling", "/v2/a/b/blobs/uploads/u?x;Fro%6D=c/d", kNotThis},
        UploadRefusal{"AKeyThatDoesNotDecode", "/v2/a/b/blobs/uploads/u?%zz=1", kNotThis},
        UploadRefusal{"AnotherMethod", "/p/uploads/u?_method=DELETE", kNotThis}),
    [](const auto& row) { return row.param.name; });

TEST(AnUpload, GoesOnInAnotherRepositoryOnlyWhereTheRegistryRefusesTheTokenForIt) {
  EXPECT_EQ(Upload("/v2/local/app/blobs/uploads/u"), HopDecision(kNotThis));
  for (const char* const path : {"/v2/local/app/blobs/uploads/u",
                                 "/artifacts-uploads/namespaces/p/repositories/r/uploads/u",
                                 "/artifactory/api/docker/local/v2/app/blobs/uploads/u"}) {
    const HopDecision decision = Scoped(path);
    ASSERT_TRUE(std::holds_alternative<NextHop>(decision)) << path;
    EXPECT_TRUE(std::get<NextHop>(decision).send_credential) << path;
  }
  for (const char* const path : {"/v2/a/c/manifests/v1",
                                 "/v2/_catalog",
                                 "/v2/a/c/blobs/uploads/",
                                 "/v2/A/c/blobs/uploads/u",
                                 "/v2//blobs/uploads/u",
                                 "/v2/blobs/uploads/u",
                                 "/V2/a/c/blobs/uploads/u",
                                 "/v2/a%2Fc/blobs/uploads/u",
                                 "/v2/a/c/blobs/uploads/u?mount=sha256:x&from=c/d"}) {
    EXPECT_EQ(Scoped(path), HopDecision(kNotThis)) << path;
  }
}

// No Location gives such a URL; a forged session may hold it.
TEST(AForgedUpload, IsRefusedWhereItsBytesWouldBeReadAsAnotherUrl) {
  const std::string path = "/v2/a/b/blobs/uploads/u";
  for (const http::Url& url : std::vector<http::Url>{
           {kRegistryOrigin, path + " HTTP/1.1\r\nX: y", ""},
           {kRegistryOrigin, path, "a=b HTTP/1.1\r\nX: y"},
           {kRegistryOrigin, path, "a=b#c"},
           {kRegistryOrigin, path + "?x", ""},
           {kRegistryOrigin, path + "\n", ""},
           {kRegistryOrigin, "", ""},
           {kRegistryOrigin, ".example.net" + path, ""},
           {{true, "x/y.s3.amazonaws.com", 443}, "/x", ""},
           {{true, "x\r\nx: y.s3.amazonaws.com", 443}, "/x", ""},
           {{true, "b.s3.amazonaws.com", 0}, "/x", ""},
       }) {
    EXPECT_TRUE(std::holds_alternative<HopRefusal>(Decide(url)))
        << ::testing::PrintToString(url.ToString());
  }
}

TEST(AForgedUpload, IsRefusedWithDotSegments) {
  for (const char* const path : {"/v2/a/b/blobs/uploads/..",
                                 "/v2/a/b/blobs/uploads/../../manifests/v1",
                                 "/x/../v2/c/blobs/uploads/u",
                                 "/./v2/c/blobs/uploads/u"}) {
    EXPECT_EQ(Decide({kRegistryOrigin, path, ""}), HopDecision(kNotThis)) << path;
  }
}

TEST(AnUpload, MayGoOnWithoutTlsWhereTheConnectorAllowsIt) {
  const http::Origin plain{false, "reg.example.com", 80};
  const http::Url url{plain, "/v2/a/b/blobs/uploads/u", ""};

  EXPECT_EQ(DecideUploadTarget({plain, kStores, true}, "a/b", url),
            HopDecision(NextHop{url, true, true}));
}

bool PageBy(const std::string& query) {
  return IsPageUrl({kRegistryOrigin, "/v2/a/b/tags/list", query});
}

TEST(APage, IsAskedForByWhatTheRegistryWrote) {
  EXPECT_TRUE(PageBy("n=1&last=x"));
  EXPECT_TRUE(PageBy("n=2&next_page=gA%3D%3D"));
  EXPECT_TRUE(PageBy("token=cursor-two/+~"));
}

TEST(APage, IsNoOtherRequest) {
  for (const char* const query : {"n=1 HTTP/1.1\r\nX: y",
                                  "n=1#x",
                                  "n=1&ns=quay.io",
                                  "mount=sha256:x&from=c/d",
                                  "n=1;fro%6d=c/d",
                                  "_method=DELETE",
                                  "%zz"}) {
    EXPECT_FALSE(PageBy(query)) << query;
  }
  EXPECT_FALSE(PageBy("x=" + std::string(kMaxUploadTargetBytes, 'x')));
}

}  // namespace
}  // namespace connector::dataplane::oci
