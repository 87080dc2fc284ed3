#include "dataplane/oci/link.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/dataplane/addressing/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {
namespace {

using http::Method;
using testing_support::HasError;
using testing_support::HasValue;

const ConnectorRef kHarbor{"default", "harbor"};
const addressing::Address kHostForm{kHarbor, ""};
const addressing::Address kPathForm{kHarbor, "namespaces/default/connectors/harbor/"};
const http::Url kAsked{http::Origin{true, "reg.example.com", 443}, "/v2/a/b/tags/list", "n=2"};

addressing::Operation Parse(Method method, const std::string& target) {
  return std::get<addressing::Operation>(addressing::ParseTarget(method, target));
}

const crypto::SealKeys& LinkKeys() {
  static const crypto::SealKeys* const keys = [] {
    auto* made = new crypto::SealKeys;
    EXPECT_TRUE(made->Add(1, Secret(std::string(32, 'k'))).has_value());
    EXPECT_TRUE(made->SetCurrent(1).has_value());
    return made;
  }();
  return *keys;
}

Result<std::string> Rewrite(std::string_view value,
                            const addressing::Address& address = kHostForm,
                            const std::string& target = "/v2/a/b/tags/list?n=2",
                            const http::Url& asked = kAsked,
                            bool docker_hub = false) {
  const addressing::Operation operation = Parse(Method::kGet, target);
  return RewriteLink(
      {.operation = operation,
       .address = address,
       .asked = asked,
       .list = {kAsked.origin, docker_hub ? asked.path : target.substr(0, target.find('?')), ""},
       .docker_hub = docker_hub,
       .keys = LinkKeys(),
       .connector = kHarbor,
       .subject = "builder",
       .expires_at = 100},
      value);
}

// The query of the page that `link` leads to, for the subject that it was sealed for.
std::variant<std::string, SealRefusal> OpenedPage(const std::string& link,
                                                  std::string_view path = "/v2/a/b/tags/list") {
  const std::string target = link.substr(1, link.find('>') - 1);
  return OpenPage(LinkKeys(),
                  Parse(Method::kGet, target).page,
                  {.connector = kHarbor,
                   .origin = kAsked.origin,
                   .path = path,
                   .subject = "builder",
                   .now = 99});
}

struct LinkRow {
  std::string name;
  std::string value;
  std::string rewritten;

  friend void PrintTo(const LinkRow& row, std::ostream* os) { *os << row.name; }
};

class RewriteLinkReads : public ::testing::TestWithParam<LinkRow> {};

TEST_P(RewriteLinkReads, TheNextPage) {
  EXPECT_THAT(Rewrite(GetParam().value), HasValue(GetParam().rewritten));
}

const std::string kNext = "</v2/a/b/tags/list?n=2&last=v2>; rel=\"next\"";

INSTANTIATE_TEST_SUITE_P(
    Table,
    RewriteLinkReads,
    ::testing::Values(
        LinkRow{"WhatDistributionSends", "</v2/a/b/tags/list?last=v2&n=2>; rel=\"next\"", kNext},
        LinkRow{"AnAbsoluteUrl",
                "<https://reg.example.com/v2/a/b/tags/list?last=v2&n=2>; rel=\"next\"",
                kNext},
        LinkRow{"AnotherHost", "<https://evil/v2/a/b/tags/list?last=v2&n=2>; rel=\"next\"", kNext},
        LinkRow{"AnotherPort",
                "<https://reg.example.com:8443/v2/a/b/tags/list?last=v2&n=2>; rel=\"next\"",
                kNext},
        LinkRow{"AnotherScheme",
                "<http://reg.example.com/v2/a/b/tags/list?last=v2&n=2>; rel=\"next\"",
                kNext},
        LinkRow{"APathWithoutTheRoot", "</a/b/tags/list?last=v2&n=2>; rel=\"next\"", kNext},
        LinkRow{"AFragment", "</v2/a/b/tags/list?last=v2&n=2#y>; rel=\"next\"", kNext},
        LinkRow{"ARelativePath", "<list?last=v2&n=2>; rel=\"next\"", kNext},
        LinkRow{"AQueryOnly", "<?last=v2&n=2>; rel=\"next\"", kNext},
        LinkRow{"ARelationWithoutQuotes", "</v2/a/b/tags/list?last=v2&n=2>;rel=next", kNext},
        LinkRow{"ARelationInUpperCase", "</v2/a/b/tags/list?last=v2&n=2> ; REL = \"NEXT\"", kNext},
        LinkRow{"AListOfRelations", "</v2/a/b/tags/list?last=v2&n=2>; rel=\"last next\"", kNext},
        LinkRow{"OtherParameters",
                "</v2/a/b/tags/list?last=v2&n=2>; title=\"a;b,c\"; rel=\"next\"; x",
                kNext},
        LinkRow{
            "TheSecondOfTwoLinks",
            "<https://elsewhere/>; rel=\"first\", </v2/a/b/tags/list?last=v2&n=2>; rel=\"next\"",
            kNext},
        LinkRow{"NoBrackets", "/v2/a/b/tags/list?last=v2&n=2; rel=\"next\"", kNext},
        LinkRow{"NoBracketsInTheSecondOfTwo",
                "<?n=2>; rel=\"first\", /v2/a/b/tags/list?last=v2&n=2; rel=next",
                kNext},
        LinkRow{"EscapesInAnotherParameter",
                "<?last=v2&n=2>; title=\"a \\\"b\\\", c\\\\\"; rel=\"next\"",
                kNext},
        LinkRow{
            "ARelationInsideAnEscapedText", "<https://elsewhere/>; title=\"\\\"; rel=next\"", ""},
        LinkRow{"AnEmptyKeyThatIsNotOurs", "<?last=v2&n=2&orderby=>; rel=\"next\"", kNext},
        LinkRow{
            "NoPageSize", "<?last=v2>; rel=\"next\"", "</v2/a/b/tags/list?last=v2>; rel=\"next\""},
        LinkRow{"NoNextRelation", "<https://elsewhere/>; rel=\"prev\"", ""},
        LinkRow{"NoRelationAtAll", "<https://elsewhere/>", ""},
        LinkRow{"ARelationThatHoldsTheWord", "<https://elsewhere/>; rel=\"nextish\"", ""},
        LinkRow{"AnEmptyValue", "", ""}),
    [](const auto& row) { return row.param.name; });

struct Refused {
  std::string name;
  std::string value;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class RewriteLinkRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(RewriteLinkRefuses, AsABadGateway) {
  EXPECT_THAT(Rewrite(GetParam().value), HasError(ErrorCode::kUnavailable));
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    RewriteLinkRefuses,
    ::testing::Values(
        Refused{"AnotherPathOfAnotherHost",
                "<https://evil/v2/a/c/tags/list?last=v2>; rel=\"next\""},
        Refused{"AnotherPathWithoutTheRoot", "</a/c/tags/list?last=v2>; rel=\"next\""},
        Refused{"NoUrl", "<http://[>; rel=\"next\""},
        Refused{"AnotherRepository", "</v2/a/c/tags/list?last=v2>; rel=\"next\""},
        Refused{"AnotherOperation", "</v2/a/b/manifests/v1?last=v2>; rel=\"next\""},
        Refused{"AnEscapedPath", "</v2/a%2Fb/tags/list?last=v2>; rel=\"next\""},
        Refused{"NoLast", "</v2/a/b/tags/list?n=2>; rel=\"next\""},
        Refused{"NoQuery", "</v2/a/b/tags/list>; rel=\"next\""},
        Refused{"AnEmptyLast", "</v2/a/b/tags/list?n=2&last=>; rel=\"next\""},
        Refused{"ATokenWithoutValue", "</v2/a/b/tags/list?n=2&token=>; rel=\"next\""},
        Refused{"ATokenForAnotherRepository", "</v2/a/c/tags/list?token=x>; rel=\"next\""},
        Refused{"ATokenForAnotherOperation", "</v2/a/b/manifests/v1?token=x>; rel=\"next\""},
        Refused{
            "ATokenOver4KiB",
            "</v2/a/b/tags/list?token=" + std::string(kMaxPageQueryBytes, 'x') + ">; rel=\"next\""},
        Refused{"AFragmentAlone", "<#y>; rel=\"next\""},
        Refused{"AClosingBracketAlone", "/v2/a/b/tags/list?last=v2>; rel=\"next\""},
        Refused{"AnEscapeInPlaceOfTheLastQuote", "<?last=v2>; rel=\"next\"; title=\"a\\\""},
        Refused{"AnUnclosedBracket", "</v2/a/b/tags/list?last=v2; rel=\"next\""},
        Refused{"AnUnclosedQuote", "</v2/a/b/tags/list?last=v2>; rel=\"next"},
        Refused{"TextBetweenLinks", "<x>; rel=a junk"}),
    [](const auto& row) { return row.param.name; });

TEST(RewriteLink, LeadsBackThroughThePathForm) {
  EXPECT_THAT(Rewrite("</v2/a/b/tags/list?last=v2>; rel=\"next\"", kPathForm),
              HasValue(std::string("</v2/namespaces/default/connectors/harbor/a/b/tags/list?"
                                   "last=v2>; rel=\"next\"")));
}

TEST(RewriteLink, KeepsTheMirrorFormsNamespace) {
  EXPECT_THAT(
      Rewrite("</v2/a/b/tags/list?last=v2>; rel=\"next\"",
              kHostForm,
              "/v2/a/b/tags/list?ns=reg.example.com"),
      HasValue(std::string("</v2/a/b/tags/list?last=v2&ns=reg.example.com>; rel=\"next\"")));
}

TEST(RewriteLink, TakesDockerHubsLibraryOff) {
  EXPECT_THAT(Rewrite("</v2/library/alpine/tags/list?last=3>; rel=\"next\"",
                      kHostForm,
                      "/v2/alpine/tags/list",
                      kAsked,
                      true),
              HasValue(std::string("</v2/alpine/tags/list?last=3>; rel=\"next\"")));
}

TEST(RewriteLink, KeepsTheFilterOfReferrers) {
  const std::string path = "/v2/a/b/referrers/" + kDigest;
  EXPECT_THAT(
      Rewrite("<" + path + "?artifactType=x%2Fy&last=" + kDigest + ">; rel=\"next\"",
              kHostForm,
              path + "?artifactType=x/y"),
      HasValue("<" + path + "?artifactType=x%2Fy&last=sha256%3A" + kHex + ">; rel=\"next\""));
}

struct Sealed {
  std::string name;
  std::string value;
  std::string query;  // What the registry is asked for the next page.

  friend void PrintTo(const Sealed& row, std::ostream* os) { *os << row.name; }
};

class RewriteLinkSeals : public ::testing::TestWithParam<Sealed> {};

TEST_P(RewriteLinkSeals, TheRegistrysQueryAsItIs) {
  const Result<std::string> link = Rewrite(GetParam().value);
  ASSERT_TRUE(link.has_value()) << link.error().message;
  EXPECT_THAT(*link,
              ::testing::MatchesRegex("</v2/a/b/tags/list.page=[-A-Za-z0-9_]+>; rel=\"next\""));
  EXPECT_EQ(OpenedPage(*link),
            (std::variant<std::string, SealRefusal>(std::string(GetParam().query))));
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    RewriteLinkSeals,
    ::testing::Values(
        Sealed{"OnlyATokenOfTheirOwn",
               "</v2/a/b/tags/list?n=2&token=x%2By>; rel=\"next\"",
               "n=2&token=x%2By"},
        Sealed{"AnAbsoluteUrl",
               "<https://reg.example.com/v2/a/b/tags/list?next_page=gAAA==>; rel=\"next\"",
               "next_page=gAAA=="},
        Sealed{"ATokenBesideLast", "<?last=v2&n=2&token=x>; rel=\"next\"", "last=v2&n=2&token=x"},
        Sealed{"AKeyWithoutEquals", "<?n=2&cursor>; rel=\"next\"", "n=2&cursor"},
        Sealed{"AKeyNamedLikeOurs", "<?page=2>; rel=\"next\"", "page=2"},
        Sealed{"ALastThatIsNoName", "<?last=%0D%0A>; rel=\"next\"", "last=%0D%0A"},
        Sealed{"ALastOfBase64", "<?last=eyJ4IjoxfQ==&n=2>; rel=\"next\"", "last=eyJ4IjoxfQ==&n=2"},
        Sealed{"ARepeatedLast", "<?last=a&last=b>; rel=\"next\"", "last=a&last=b"},
        Sealed{"AnEscapedKey", "<?l%61st=v2>; rel=\"next\"", "l%61st=v2"},
        Sealed{"Semicolons", "<?token=a;b=c>; rel=\"next\"", "token=a;b=c"},
        Sealed{"AFull4KiB",
               "<?t=" + std::string(kMaxPageQueryBytes - 2, 'x') + ">; rel=\"next\"",
               "t=" + std::string(kMaxPageQueryBytes - 2, 'x')}),
    [](const auto& row) { return row.param.name; });

TEST(RewriteLink, LeadsASealedPageBackByThePathThatTheClientCame) {
  const Result<std::string> link =
      Rewrite("<?token=x>; rel=\"next\"", kPathForm, "/v2/a/b/tags/list?ns=reg.example.com");
  ASSERT_TRUE(link.has_value());
  EXPECT_THAT(*link,
              ::testing::MatchesRegex("</v2/namespaces/default/connectors/harbor/a/b/tags/list."
                                      "page=[-A-Za-z0-9_]+&ns=reg.example.com>; rel=\"next\""));
}

// A list that the registry redirected: its pages are asked for at the registry again.
TEST(RewriteLink, LeadsAListThatIsElsewhereBackToTheRegistry) {
  const addressing::Operation operation = Parse(Method::kGet, "/v2/a/b/tags/list");
  const http::Url asked{http::Origin{true, "other.example", 443}, "/v2/x/a/b/tags/list", "n=2"};
  const auto rewrite = [&](std::string_view value) {
    return RewriteLink({.operation = operation,
                        .address = kHostForm,
                        .asked = asked,
                        .list = {kAsked.origin, "/v2/a/b/tags/list", ""},
                        .keys = LinkKeys(),
                        .connector = kHarbor,
                        .subject = "builder",
                        .expires_at = 100},
                       value);
  };
  EXPECT_THAT(rewrite("</v2/x/a/b/tags/list?last=v2&n=2>; rel=\"next\""), HasValue(kNext));
  const Result<std::string> sealed = rewrite("</v2/x/a/b/tags/list?token=t>; rel=\"next\"");
  ASSERT_TRUE(sealed.has_value());
  EXPECT_EQ(OpenedPage(*sealed), (std::variant<std::string, SealRefusal>(std::string("token=t"))));
  EXPECT_THAT(rewrite("</v2/x/a/c/tags/list?last=v2>; rel=\"next\""),
              HasError(ErrorCode::kUnavailable));
}

TEST(RewriteLink, SealsForOneListOnly) {
  const Result<std::string> link = Rewrite("<?token=x>; rel=\"next\"");
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(OpenedPage(*link, "/v2/a/b/referrers/" + kDigest),
            (std::variant<std::string, SealRefusal>(SealRefusal::kOtherRepository)));
}

TEST(RewriteLink, RefusesThePageThatWasAskedFor) {
  http::Url asked = kAsked;
  asked.query = "n=2&token=x";
  EXPECT_THAT(
      Rewrite("<?n=2&token=x>; rel=\"next\"", kHostForm, "/v2/a/b/tags/list?page=Ab", asked),
      HasError(ErrorCode::kUnavailable));
}

TEST(RewriteLink, FailsAsOurOwnFaultWithoutAKey) {
  const addressing::Operation operation = Parse(Method::kGet, "/v2/a/b/tags/list");
  const crypto::SealKeys none;
  const Result<std::string> link = RewriteLink({.operation = operation,
                                                .address = kHostForm,
                                                .asked = kAsked,
                                                .list = {kAsked.origin, kAsked.path, ""},
                                                .keys = none,
                                                .connector = kHarbor},
                                               "<?token=x>; rel=\"next\"");
  ASSERT_FALSE(link.has_value());
  EXPECT_EQ(link.error().origin, ErrorOrigin::kSelf);
}

TEST(FinalLocation, NamesTheBlobByItsDigest) {
  const std::string uploads = "/v2/a/b/blobs/uploads/";
  const std::string blob = "/v2/namespaces/default/connectors/harbor/a/b/blobs/" + kDigest;
  EXPECT_EQ(FinalLocation(Parse(Method::kPut, uploads + "x?digest=" + kDigest), kPathForm, ""),
            blob);
  EXPECT_EQ(FinalLocation(Parse(Method::kPost, uploads + "?digest=" + kDigest), kPathForm, ""),
            blob);
  EXPECT_EQ(
      FinalLocation(Parse(Method::kPost, uploads + "?from=a/c&mount=" + kDigest), kPathForm, ""),
      blob);
}

TEST(FinalLocation, NamesTheBlobByTheDigestThatTheRegistryReports) {
  const std::string sha512 = "sha512:" + std::string(128, 'a');
  const addressing::Operation put = Parse(Method::kPut, "/v2/a/b/blobs/uploads/x?digest=" + sha512);
  EXPECT_EQ(FinalLocation(put, kHostForm, kDigest), "/v2/a/b/blobs/" + kDigest);
  EXPECT_EQ(FinalLocation(put, kHostForm, "x\r\nY: z"), "/v2/a/b/blobs/" + sha512);
}

TEST(FinalLocation, NamesTheManifestByTheReportedDigestOrByTheReference) {
  const addressing::Operation operation = Parse(Method::kPut, "/v2/a/b/manifests/v1");
  EXPECT_EQ(FinalLocation(operation, kHostForm, kDigest), "/v2/a/b/manifests/" + kDigest);
  EXPECT_EQ(FinalLocation(operation, kHostForm, "x\r\nY: z"), "/v2/a/b/manifests/v1");
  EXPECT_EQ(FinalLocation(operation, kHostForm, ""), "/v2/a/b/manifests/v1");
}

}  // namespace
}  // namespace connector::dataplane::oci
