#include "dataplane/addressing/target.h"

#include "tests/unit/dataplane/addressing/names.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace connector::dataplane::addressing {
namespace {

using http::Method;
using Kind = OperationKind;
using Code = TargetErrorCode;

struct Accepted {
  std::string name;
  Method method;
  std::string target;
  Operation operation;
  std::string upstream;  // What the registry is asked.

  friend void PrintTo(const Accepted& row, std::ostream* os) { *os << row.name; }
};

class ParseTargetReads : public ::testing::TestWithParam<Accepted> {};

TEST_P(ParseTargetReads, TheOperationAndWritesItForTheRegistry) {
  const ParsedTarget parsed = ParseTarget(GetParam().method, GetParam().target);
  ASSERT_TRUE(std::holds_alternative<Operation>(parsed)) << std::get<TargetError>(parsed).sentence;
  Operation expected = GetParam().operation;
  expected.method = GetParam().method;
  EXPECT_EQ(std::get<Operation>(parsed), expected);

  std::string upstream;
  AppendUpstreamTarget(upstream, std::get<Operation>(parsed), false);
  EXPECT_EQ(upstream, GetParam().upstream);
}

Operation Manifest(const std::string& repository, const std::string& reference) {
  Operation operation;
  operation.kind = Kind::kManifest;
  operation.repository = repository;
  operation.reference = reference;
  operation.reference_is_digest = reference.find(':') != std::string::npos;
  return operation;
}
Operation Blob(const std::string& repository) {
  Operation operation;
  operation.kind = Kind::kBlob;
  operation.repository = repository;
  operation.reference = kDigest;
  operation.reference_is_digest = true;
  return operation;
}
template <typename Change>
Operation Of(Kind kind, const std::string& repository, Change change) {
  Operation operation;
  operation.kind = kind;
  operation.repository = repository;
  change(operation);
  return operation;
}
void Same(Operation&) {}

std::vector<Accepted> Paths() {
  const std::string blob = "/v2/a/b/blobs/" + kDigest;
  return {
      {"PingWithSlash", Method::kGet, "/v2/", Operation{}, ""},
      {"PingWithoutSlash", Method::kHead, "/v2", Operation{}, ""},
      {"AManifestByTag",
       Method::kGet,
       "/v2/a/b/manifests/v1.0",
       Manifest("a/b", "v1.0"),
       "/v2/a/b/manifests/v1.0"},
      {"AManifestByDigest",
       Method::kPut,
       "/v2/a/manifests/" + kDigest,
       Manifest("a", kDigest),
       "/v2/a/manifests/" + kDigest},
      {"ADigestWithItsColonEscaped",
       Method::kHead,
       "/v2/a/manifests/sha256%3A" + kHex,
       Manifest("a", kDigest),
       "/v2/a/manifests/" + kDigest},
      {"ADigestWithItsColonEscapedInLowerCase",
       Method::kDelete,
       "/v2/a/manifests/sha256%3a" + kHex,
       Manifest("a", kDigest),
       "/v2/a/manifests/" + kDigest},
      {"ATagNamedLikeTheCatalog",
       Method::kGet,
       "/v2/a/manifests/_catalog",
       Manifest("a", "_catalog"),
       "/v2/a/manifests/_catalog"},
      {"ATagNamedList",
       Method::kGet,
       "/v2/a/tags/manifests/list",
       Manifest("a/tags", "list"),
       "/v2/a/tags/manifests/list"},
      {"ASha512Digest",
       Method::kGet,
       "/v2/a/manifests/" + kDigest512,
       Manifest("a", kDigest512),
       "/v2/a/manifests/" + kDigest512},
      {"ABlob", Method::kGet, blob, Blob("a/b"), blob},
      {"ARepositoryNamedManifests",
       Method::kGet,
       "/v2/manifests/manifests/manifests",
       Manifest("manifests", "manifests"),
       "/v2/manifests/manifests/manifests"},
      {"ARepositoryWithReservedWords",
       Method::kGet,
       "/v2/blobs/uploads/tags/list/manifests/v1",
       Manifest("blobs/uploads/tags/list", "v1"),
       "/v2/blobs/uploads/tags/list/manifests/v1"},
      {"ARepositoryNamedBlobsUploads",
       Method::kGet,
       "/v2/a/blobs/uploads/blobs/" + kDigest,
       Blob("a/blobs/uploads"),
       "/v2/a/blobs/uploads/blobs/" + kDigest},
      {"NineComponents",
       Method::kGet,
       "/v2/0/1/2/3/4/5/6/7/8.x/manifests/v",
       Manifest("0/1/2/3/4/5/6/7/8.x", "v"),
       "/v2/0/1/2/3/4/5/6/7/8.x/manifests/v"},
      {"Tags", Method::kGet, "/v2/a/tags/list", Of(Kind::kTags, "a", Same), "/v2/a/tags/list"},
      {"TagsOfARepositoryNamedTags",
       Method::kGet,
       "/v2/tags/tags/list",
       Of(Kind::kTags, "tags", Same),
       "/v2/tags/tags/list"},
      {"UploadStart",
       Method::kPost,
       "/v2/a/blobs/uploads/",
       Of(Kind::kUploadStart, "a", Same),
       "/v2/a/blobs/uploads/"},
      {"UploadSession",
       Method::kPatch,
       "/v2/a/blobs/uploads/Ab_-9",
       Of(Kind::kUploadSession, "a", [](Operation& o) { o.reference = "Ab_-9"; }),
       ""},
      {"UploadCancel",
       Method::kDelete,
       "/v2/a/blobs/uploads/Ab",
       Of(Kind::kUploadSession, "a", [](Operation& o) { o.reference = "Ab"; }),
       ""},
      {"Referrers",
       Method::kGet,
       "/v2/a/referrers/" + kDigest,
       Of(Kind::kReferrers,
          "a",
          [](Operation& o) {
            o.reference = kDigest;
            o.reference_is_digest = true;
          }),
       "/v2/a/referrers/" + kDigest},
  };
}

std::vector<Accepted> TargetQueries() {
  const auto start = [](auto change) { return Of(Kind::kUploadStart, "a", change); };
  const auto tags = [](auto change) { return Of(Kind::kTags, "a", change); };
  const std::string encoded = "sha256%3A" + kHex;
  const std::string up = "/v2/a/blobs/uploads/";
  return {
      {"AnUploadInOnePost",
       Method::kPost,
       up + "?digest=" + kDigest,
       start([](Operation& o) { o.digest = kDigest; }),
       up + "?digest=" + encoded},
      {"AMountInPlainText",
       Method::kPost,
       up + "?mount=" + kDigest + "&from=b/c",
       start([](Operation& o) {
         o.mount = kDigest;
         o.from = "b/c";
       }),
       up + "?mount=" + encoded + "&from=b%2Fc"},
      {"AMountInTheOtherOrderEscapedWithOrigin",
       Method::kPost,
       up + "?from=b%2Fc&origin=reg.example.com%3A5000&mount=" + encoded,
       start([](Operation& o) {
         o.mount = kDigest;
         o.from = "b/c";
       }),
       up + "?mount=" + encoded + "&from=b%2Fc"},
      {"AMountWhoseKeyIsEscaped",
       Method::kPost,
       up + "?mo%75nt=" + kDigest + "&fro%6d=b",
       start([](Operation& o) {
         o.mount = kDigest;
         o.from = "b";
       }),
       up + "?mount=" + encoded + "&from=b"},
      {"AMountWithoutASourceIsAPlainUpload",
       Method::kPost,
       up + "?mount=" + kDigest,
       start(Same),
       up},
      {"ASourceWithoutAMountIsDropped", Method::kPost, up + "?from=secret/repo", start(Same), up},
      {"ADigestAlgorithm",
       Method::kPost,
       up + "?digest-algorithm=sha512",
       start([](Operation& o) { o.digest_algorithm = "sha512"; }),
       up + "?digest-algorithm=sha512"},
      {"UnknownKeysAreDropped",
       Method::kPost,
       up + "?_state=x&mount2=y&DIGEST=z&&=&a",
       start(Same),
       up},
      {"TheEndOfAnUpload",
       Method::kPut,
       up + "Ab?digest=" + encoded,
       Of(Kind::kUploadSession,
          "a",
          [](Operation& o) {
            o.reference = "Ab";
            o.digest = kDigest;
          }),
       ""},
      {"ADigestOnAPatchIsDropped",
       Method::kPatch,
       up + "Ab?digest=x",
       Of(Kind::kUploadSession, "a", [](Operation& o) { o.reference = "Ab"; }),
       ""},
      {"APageOfTags",
       Method::kGet,
       "/v2/a/tags/list?n=5&last=v1",
       tags([](Operation& o) {
         o.n = 5;
         o.last = "v1";
       }),
       "/v2/a/tags/list?n=5&last=v1"},
      {"APageSizeOfZeroAsksForAnEmptyList",
       Method::kGet,
       "/v2/a/tags/list?n=0",
       tags([](Operation& o) { o.n = 0; }),
       "/v2/a/tags/list?n=0"},
      {"APageSizeOverTheLimitIsClamped",
       Method::kGet,
       "/v2/a/tags/list?n=99999999999",
       tags([](Operation& o) { o.n = kMaxPageSize; }),
       "/v2/a/tags/list?n=10000"},
      {"APageAfterARepository",
       Method::kGet,
       "/v2/a/tags/list?last=b%2Fc",
       tags([](Operation& o) { o.last = "b/c"; }),
       "/v2/a/tags/list?last=b%2Fc"},
      {"ASealedPageSaysAllThatTheOtherKeysWould",
       Method::kGet,
       "/v2/a/tags/list?n=5&page=Ab-_9&last=v1",
       tags([](Operation& o) { o.page = "Ab-_9"; }),
       "/v2/a/tags/list"},
      {"ASealedPageOfReferrers",
       Method::kGet,
       "/v2/a/b/referrers/" + kDigest + "?artifactType=x/y&page=Ab",
       Of(Kind::kReferrers,
          "a/b",
          [](Operation& o) {
            o.reference = kDigest;
            o.reference_is_digest = true;
            o.page = "Ab";
          }),
       "/v2/a/b/referrers/" + kDigest},
      {"APageOfWhatIsNoListIsDropped",
       Method::kGet,
       "/v2/a/manifests/v1?page=Ab",
       Manifest("a", "v1"),
       "/v2/a/manifests/v1"},
      {"TheHeadOfAList",
       Method::kHead,
       "/v2/a/tags/list?n=5",
       tags([](Operation& o) { o.n = 5; }),
       "/v2/a/tags/list?n=5"},
      {"AnEmptyQuery", Method::kGet, "/v2/a/tags/list?", tags(Same), "/v2/a/tags/list"},
      {"TheMirrorFormsNamespace",
       Method::kGet,
       "/v2/a/tags/list?ns=Docker.IO",
       tags([](Operation& o) { o.ns = "docker.io"; }),
       "/v2/a/tags/list"},
      {"TheMirrorFormsNamespaceOnPing",
       Method::kGet,
       "/v2/?ns=docker.io",
       Of(Kind::kPing, "", [](Operation& o) { o.ns = "docker.io"; }),
       ""},
      {"AnArtifactType",
       Method::kGet,
       "/v2/a/referrers/" + kDigest + "?artifactType=application/vnd.x%2Bjson",
       Of(Kind::kReferrers,
          "a",
          [](Operation& o) {
            o.reference = kDigest;
            o.reference_is_digest = true;
            o.artifact_type = "application/vnd.x+json";
          }),
       "/v2/a/referrers/" + kDigest + "?artifactType=application%2Fvnd.x%2Bjson"},
      {"AnArtifactTypeWithAPlainPlus",
       Method::kGet,
       "/v2/a/referrers/" + kDigest + "?artifactType=a/b+json",
       Of(Kind::kReferrers,
          "a",
          [](Operation& o) {
            o.reference = kDigest;
            o.reference_is_digest = true;
            o.artifact_type = "a/b+json";
          }),
       "/v2/a/referrers/" + kDigest + "?artifactType=a%2Fb%2Bjson"},
      {"SeveralTagsOnAManifestPut",
       Method::kPut,
       "/v2/a/manifests/" + kDigest + "?tag=1&tag=2",
       [] {
         Operation operation = Manifest("a", kDigest);
         operation.tags = {"1", "2"};
         return operation;
       }(),
       "/v2/a/manifests/" + kDigest + "?tag=1&tag=2"},
      {"TagsOnAManifestPutByTagAreDropped",
       Method::kPut,
       "/v2/a/manifests/v1?tag=1",
       Manifest("a", "v1"),
       "/v2/a/manifests/v1"},
      {"TagsOnAManifestGetAreDropped",
       Method::kGet,
       "/v2/a/manifests/" + kDigest + "?tag=1",
       Manifest("a", kDigest),
       "/v2/a/manifests/" + kDigest},
      {"AQueryOnABlobIsDropped",
       Method::kGet,
       "/v2/a/blobs/" + kDigest + "?digest=x&from=y",
       Blob("a"),
       "/v2/a/blobs/" + kDigest},
  };
}

// A parameter without a value is an absent one.
std::vector<Accepted> EmptyParameters() {
  const auto start = [](auto change) { return Of(Kind::kUploadStart, "a", change); };
  const auto tags = [](auto change) { return Of(Kind::kTags, "a", change); };
  const std::string up = "/v2/a/blobs/uploads/";
  const std::string list = "/v2/a/tags/list";
  const std::string referrers = "/v2/a/referrers/" + kDigest;
  return {
      {"ALast",
       Method::kGet,
       list + "?n=10&last=",
       tags([](Operation& o) { o.n = 10; }),
       list + "?n=10"},
      {"APageSize", Method::kGet, list + "?n=", tags(Same), list},
      {"AKeyWithoutEquals", Method::kGet, list + "?n&last", tags(Same), list},
      {"APage",
       Method::kGet,
       list + "?n=5&page=",
       tags([](Operation& o) { o.n = 5; }),
       list + "?n=5"},
      {"AnArtifactType",
       Method::kGet,
       referrers + "?artifactType=",
       Of(Kind::kReferrers,
          "a",
          [](Operation& o) {
            o.reference = kDigest;
            o.reference_is_digest = true;
          }),
       referrers},
      {"TheSourceOfAMount", Method::kPost, up + "?mount=" + kDigest + "&from=", start(Same), up},
      {"AMount", Method::kPost, up + "?mount=&from=b", start(Same), up},
      {"AMountAndItsSource", Method::kPost, up + "?mount=&from=", start(Same), up},
      {"TheDigestOfAnUploadStart", Method::kPost, up + "?digest=", start(Same), up},
      {"ATagOfAManifestPut",
       Method::kPut,
       "/v2/a/manifests/" + kDigest + "?tag=",
       Manifest("a", kDigest),
       "/v2/a/manifests/" + kDigest},
  };
}

std::string TargetNameOf(const ::testing::TestParamInfo<Accepted>& row) {
  return row.param.name;
}
INSTANTIATE_TEST_SUITE_P(Path, ParseTargetReads, ::testing::ValuesIn(Paths()), TargetNameOf);
INSTANTIATE_TEST_SUITE_P(Query,
                         ParseTargetReads,
                         ::testing::ValuesIn(TargetQueries()),
                         TargetNameOf);
INSTANTIATE_TEST_SUITE_P(WithoutTheValueOf,
                         ParseTargetReads,
                         ::testing::ValuesIn(EmptyParameters()),
                         TargetNameOf);

TEST(MayHaveBody, IsTrueOnlyWhereTheApiHasOne) {
  const auto may = [](Method method, const std::string& target) {
    const ParsedTarget parsed = ParseTarget(method, target);
    return MayHaveBody(std::get<Operation>(parsed));
  };
  EXPECT_TRUE(may(Method::kPut, "/v2/a/manifests/v"));
  EXPECT_TRUE(may(Method::kPut, "/v2/a/blobs/uploads/x?digest=" + kDigest));
  EXPECT_TRUE(may(Method::kPatch, "/v2/a/blobs/uploads/x"));
  EXPECT_TRUE(may(Method::kPost, "/v2/a/blobs/uploads/?digest=" + kDigest));
  EXPECT_FALSE(may(Method::kPost, "/v2/a/blobs/uploads/"));
  EXPECT_FALSE(may(Method::kPost, "/v2/a/blobs/uploads/?mount=" + kDigest));
  EXPECT_FALSE(may(Method::kGet, "/v2/a/blobs/uploads/x"));
  EXPECT_FALSE(may(Method::kGet, "/v2/a/manifests/v"));
  EXPECT_FALSE(may(Method::kDelete, "/v2/a/blobs/" + kDigest));
  EXPECT_FALSE(may(Method::kGet, "/v2/"));
}

}  // namespace
}  // namespace connector::dataplane::addressing
