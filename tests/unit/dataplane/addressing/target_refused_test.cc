// What ParseTarget refuses, one row for each rule. A row's name says the rule.

#include "dataplane/addressing/target.h"
#include "tests/unit/dataplane/addressing/names.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <variant>
#include <vector>

namespace connector::dataplane::addressing {
namespace {

using http::Method;
using Code = TargetErrorCode;

struct Refused {
  std::string name;
  std::string target;
  Code code;
  Method method = Method::kGet;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class ParseTargetRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(ParseTargetRefuses, WithItsOwnCode) {
  const ParsedTarget parsed = ParseTarget(GetParam().method, GetParam().target);
  ASSERT_TRUE(std::holds_alternative<TargetError>(parsed));
  EXPECT_EQ(std::get<TargetError>(parsed).code, GetParam().code);
  EXPECT_FALSE(std::get<TargetError>(parsed).sentence.empty());
  EXPECT_EQ(!std::get<TargetError>(parsed).allow.empty(),
            GetParam().code == Code::kMethodUnsupported);
}

std::vector<Refused> RefusedPaths() {
  const auto name = Code::kNameInvalid;
  return {
      {"AnEscapedSlashInTheName", "/v2/secret%2Frepo/manifests/v1", name},
      {"AnEscapedSlashBeforeTheWord", "/v2/a%2Fmanifests/v1/manifests/v", name},
      {"AnEscapedLetter", "/v2/%61/manifests/v1", name},
      {"AnEscapedEscape", "/v2/a%252Fb/manifests/v1", name},
      {"AnEscapeThatIsCutShort", "/v2/a%/manifests/v1", name},
      {"AnEscapedNul", "/v2/a%00/manifests/v1", name},
      {"AnEscapeInTheWord", "/v2/a/manifest%73/v1", name},
      {"AnEscapedSlashInTheTag", "/v2/a/manifests/v1%2F", Code::kTagInvalid},
      {"AnEscapedColonInATag", "/v2/a/manifests/v1%3A2", Code::kDigestInvalid},
      {"TwoEscapedColons", "/v2/a/manifests/sha256%3A%3A" + kHex, Code::kDigestInvalid},
      {"AnEscapedHexDigitOfADigest",
       "/v2/a/blobs/sha256:%61" + kHex.substr(1),
       Code::kDigestInvalid},
      {"AnEscapeInList", "/v2/a/tags/%6cist", Code::kNoSuchEndpoint},
      {"ADotSegment", "/v2/a/./manifests/v1", name},
      {"ADotDotSegment", "/v2/a/../secret/manifests/v1", name},
      {"ADotDotSegmentAtTheEnd", "/v2/a/manifests/..", name},
      {"ADotDotSegmentFirst", "/../v2/a/manifests/v1", name},
      {"EscapedDots", "/v2/a/%2e%2e/secret/manifests/v1", name},
      {"DotsWithAnEscapedSlash", "/v2/a/..%2fsecret/manifests/v1", name},
      {"DotsWithABackslash", "/v2/a/..\\secret/manifests/v1", name},
      {"ABackslash", "/v2/a\\b/manifests/v1", name},
      {"ASemicolon", "/v2/a;x=y/manifests/v1", name},
      {"TwoSlashesFirst", "//v2/a/manifests/v1", name},
      {"TwoSlashesAfterV2", "/v2//a/manifests/v1", name},
      {"TwoSlashesInTheName", "/v2/a//b/manifests/v1", name},
      {"TwoSlashesBeforeTheReference", "/v2/a/manifests//v1", name},
      {"TwoSlashesAtTheEnd", "/v2/a/blobs/uploads//", name, Method::kPost},
      {"TwoSlashesAlone", "/v2//", name},
      {"AControlByte", "/v2/a\x01/manifests/v1", name},
      {"ASpace", "/v2/a b/manifests/v1", name},
      {"An8BitByte", "/v2/\xC3\xA9/manifests/v1", name},
      {"AFragment", "/v2/a/manifests/v1#x", name},
      {"AnUpperCaseName", "/v2/Alpine/manifests/v1", name},
      {"ANameThatStartsWithADot", "/v2/.a/manifests/v1", name},
      {"ANameThatEndsWithADash", "/v2/a-/manifests/v1", name},
      {"ANameWithThreeUnderscores", "/v2/a___b/manifests/v1", name},
      {"ANameWithAColon", "/v2/a:5000/manifests/v1", name},
      {"NoName", "/v2/manifests/v1", name},
      {"NoNameBeforeTags", "/v2/tags/list", name},
      {"NoNameBeforeUploads", "/v2/blobs/uploads/", name, Method::kPost},
      {"ANameOver512Bytes", "/v2/" + std::string(513, 'a') + "/manifests/v1", name},
      {"ATagThatStartsWithADot", "/v2/a/manifests/.x", Code::kTagInvalid},
      {"ATagOver128Bytes", "/v2/a/manifests/" + std::string(129, 'a'), Code::kTagInvalid},
      {"AnEmptyTag", "/v2/a/manifests/", Code::kTagInvalid},
      {"ATagWithAnAt", "/v2/a/manifests/a@b", Code::kTagInvalid},
      {"AShortDigest", "/v2/a/blobs/sha256:abc", Code::kDigestInvalid},
      {"ADigestInUpperCase", "/v2/a/blobs/sha256:" + std::string(64, 'A'), Code::kDigestInvalid},
      {"ABlobByTag", "/v2/a/blobs/latest", Code::kDigestInvalid},
      {"ReferrersByTag", "/v2/a/referrers/latest", Code::kDigestInvalid},
      {"AnUploadHandleWithADot", "/v2/a/blobs/uploads/a.b", Code::kUnknownUpload, Method::kPatch},
      {"AnUploadHandleWithAnEscape",
       "/v2/a/blobs/uploads/a%2D",
       Code::kUnknownUpload,
       Method::kPatch},
      {"AnUploadHandleWithAnEquals",
       "/v2/a/blobs/uploads/YQ==",
       Code::kUnknownUpload,
       Method::kPatch},
      {"AnUploadHandleOver15KiB",
       "/v2/a/blobs/uploads/" + std::string(kMaxSessionBytes + 1, 'a'),
       Code::kUnknownUpload,
       Method::kPatch},
      {"TheRoot", "/", Code::kNoSuchEndpoint},
      {"TheOldApi", "/v1/_ping", Code::kNoSuchEndpoint},
      {"TheApiUnderAPrefix", "/pfx/v2/", Code::kNoSuchEndpoint},
      {"V2AsAPrefix", "/v2x/a/manifests/v1", Code::kNoSuchEndpoint},
      {"V2InUpperCase", "/V2/a/manifests/v1", Code::kNoSuchEndpoint},
      {"ANameAlone", "/v2/a", Code::kNoSuchEndpoint},
      {"AnUnknownWord", "/v2/a/secrets/v1", Code::kNoSuchEndpoint},
      {"TheWordInUpperCase", "/v2/a/Manifests/v1", Code::kNoSuchEndpoint},
      {"TagsWithoutList", "/v2/a/tags/all", Code::kNoSuchEndpoint},
      {"UploadsWithoutBlobs", "/v2/a/uploads/x", Code::kNoSuchEndpoint, Method::kPatch},
      {"ATrailingSlashAfterTheList", "/v2/a/tags/list/", Code::kNoSuchEndpoint},
      {"ATrailingSlashAfterTheReference", "/v2/a/manifests/v1/", Code::kNoSuchEndpoint},
      {"SignaturesExtension", "/extensions/v2/a/signatures/" + kDigest, Code::kNoSuchEndpoint},
      {"TheCatalog", "/v2/_catalog", Code::kCatalog},
      {"TheCatalogWithAPage", "/v2/_catalog?n=5", Code::kCatalog},
      {"TheCatalogInPathForm", "/v2/namespaces/a/connectors/b/_catalog", Code::kCatalog},
  };
}

std::vector<Refused> Methods() {
  const Code code = Code::kMethodUnsupported;
  const std::string blob = "/v2/a/blobs/" + kDigest;
  return {
      {"PutOnPing", "/v2/", code, Method::kPut},
      {"PostOnAManifest", "/v2/a/manifests/v1", code, Method::kPost},
      {"PatchOnAManifest", "/v2/a/manifests/v1", code, Method::kPatch},
      {"PutOnABlob", blob, code, Method::kPut},
      {"PostOnABlob", blob, code, Method::kPost},
      {"GetOnUploadStart", "/v2/a/blobs/uploads/", code, Method::kGet},
      {"PutOnUploadStart", "/v2/a/blobs/uploads/", code, Method::kPut},
      {"PostOnAnUploadSession", "/v2/a/blobs/uploads/x", code, Method::kPost},
      {"HeadOnAnUploadSession", "/v2/a/blobs/uploads/x", code, Method::kHead},
      {"DeleteOnTags", "/v2/a/tags/list", code, Method::kDelete},
      {"PutOnReferrers", "/v2/a/referrers/" + kDigest, code, Method::kPut},
  };
}

std::vector<Refused> Queries() {
  const auto query = Code::kQueryInvalid;
  const auto post = Method::kPost;
  const std::string up = "/v2/a/blobs/uploads/";
  const std::string tags = "/v2/a/tags/list";
  std::string many = "/v2/a/manifests/" + kDigest + "?tag=0";
  for (std::size_t i = 0; i < kMaxTagsPerPut; ++i) {
    many += "&tag=x";
  }
  return {
      {"ARepeatedFrom", up + "?mount=" + kDigest + "&from=a&from=b", query, post},
      {"ARepeatedFromOfWhichOneIsEscaped",
       up + "?mount=" + kDigest + "&from=a&fro%6d=b",
       query,
       post},
      {"ARepeatedMount", up + "?mount=" + kDigest + "&mount=" + kDigest, query, post},
      {"ARepeatedDigest", up + "?digest=" + kDigest + "&digest=" + kDigest, query, post},
      {"AFromBesideAnEmptyOne", up + "?mount=" + kDigest + "&from=&from=a", query, post},
      {"AnEmptyFromBesideOne", up + "?mount=" + kDigest + "&from=a&from", query, post},
      {"TwoEmptyLasts", tags + "?last=&last=", query},
      {"APageSizeBesideAnEmptyOne", tags + "?n=&n=1", query},
      {"AnEmptyPageSizeBesideOne", tags + "?n=1&n=", query},
      {"AValueThatReadsLikeNone", tags + "?last==", Code::kPageInvalid},
      {"ARepeatedPageSize", tags + "?n=1&n=1", query},
      {"ARepeatedLast", tags + "?last=a&last=a", query},
      {"ARepeatedNamespace", tags + "?ns=a&ns=a", query},
      {"ASemicolonBetweenParameters", up + "?mount=" + kDigest + ";from=b", query, post},
      {"ABrokenEscape", tags + "?last=a%2", query},
      {"AnEscapeThatIsNotHexadecimal", tags + "?last=%zz", query},
      {"ABrokenEscapeInAnUnknownKey", tags + "?x%=1", query},
      {"ABadMount", up + "?mount=latest", Code::kDigestInvalid, post},
      {"ABadDigest", up + "?digest=sha256:x", Code::kDigestInvalid, post},
      {"ABadDigestAlgorithm", up + "?digest-algorithm=SHA%20512", Code::kDigestInvalid, post},
      {"AFromThatIsNoName", up + "?mount=" + kDigest + "&from=A", Code::kNameInvalid, post},
      {"AFromWithDots", up + "?mount=" + kDigest + "&from=a/../b", Code::kNameInvalid, post},
      {"AFromThatIsEscapedTwice",
       up + "?mount=" + kDigest + "&from=a%252Fb",
       Code::kNameInvalid,
       post},
      {"AFromWithANul", up + "?mount=" + kDigest + "&from=a%00b", Code::kNameInvalid, post},
      {"TheEndOfAnUploadWithoutDigest", up + "x", Code::kDigestInvalid, Method::kPut},
      {"TheEndOfAnUploadWithAnEmptyDigest", up + "x?digest=", Code::kDigestInvalid, Method::kPut},
      {"ANegativePageSize", tags + "?n=-1", Code::kPageInvalid},
      {"ASignedPageSize", tags + "?n=%2B5", Code::kPageInvalid},
      {"APageSizeThatIsNoNumber", tags + "?n=x", Code::kPageInvalid},
      {"APageSizeOf19Digits", tags + "?n=1000000000000000000", Code::kPageInvalid},
      {"ALastThatIsNeitherTagNorName", tags + "?last=a%20b", Code::kPageInvalid},
      {"ALastWithALineBreak", tags + "?last=a%0D%0Ab", Code::kPageInvalid},
      {"APageThatWasNotSealed", tags + "?page=a%2Bb", Code::kPageInvalid},
      {"ARepeatedPage", tags + "?page=a&page=a", query},
      {"APageOver8KiB", tags + "?page=" + std::string(kMaxPageBytes + 1, 'a'), Code::kPageInvalid},
      {"ANamespaceWithAPath", tags + "?ns=docker.io/x", Code::kNameInvalid},
      {"ANamespaceWithAScheme", tags + "?ns=https://docker.io", Code::kNameInvalid},
      {"ANamespaceWithUserInformation", tags + "?ns=u@docker.io", Code::kNameInvalid},
      {"AnEmptyNamespace", tags + "?ns=", Code::kNameInvalid},
      {"AnArtifactTypeWithoutSlash", "/v2/a/referrers/" + kDigest + "?artifactType=x", query},
      {"AnArtifactTypeWithTwoSlashes", "/v2/a/referrers/" + kDigest + "?artifactType=a/b/c", query},
      {"AnArtifactTypeWithALineBreak",
       "/v2/a/referrers/" + kDigest + "?artifactType=a/b%0A",
       query},
      {"ABadTagOnAManifestPut",
       "/v2/a/manifests/" + kDigest + "?tag=a/b",
       Code::kTagInvalid,
       Method::kPut},
      {"TooManyTagsOnAManifestPut", many, query, Method::kPut},
  };
}

std::string NameOf(const ::testing::TestParamInfo<Refused>& row) {
  return row.param.name;
}
INSTANTIATE_TEST_SUITE_P(Path, ParseTargetRefuses, ::testing::ValuesIn(RefusedPaths()), NameOf);
INSTANTIATE_TEST_SUITE_P(Method, ParseTargetRefuses, ::testing::ValuesIn(Methods()), NameOf);
INSTANTIATE_TEST_SUITE_P(Query, ParseTargetRefuses, ::testing::ValuesIn(Queries()), NameOf);

}  // namespace
}  // namespace connector::dataplane::addressing
