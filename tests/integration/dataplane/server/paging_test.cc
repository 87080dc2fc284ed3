// Lists in pages: by whatever a registry pages, a client that follows the Links gets all of it, or
// an error, and never a part that looks whole.

#include "dataplane/oci/page_state.h"
#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace connector::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
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

const std::string kTags = std::string(kRepositoryPath) + "/tags/list";
const std::string kPagingDigest = "sha256:" + std::string(64, 'a');

// The target of the Link in an answer; empty without one.
std::string NextOf(const RawResponse& response) {
  const std::string link = response.Header("link");
  return link.empty() ? "" : link.substr(1, link.find('>') - 1);
}

HttpAnswer Page(const std::string& tag, const std::string& link) {
  HttpAnswer answer{.status = 200, .body = R"({"name":"team/app","tags":[")" + tag + R"("]})"};
  if (!link.empty()) {
    answer.headers.emplace_back("Link", link);
  }
  return answer;
}

// Three pages, by a cursor that `link` writes in its own way.
testing_support::HttpServer::Handler Registry(
    const std::function<std::string(const HttpRequest&, const std::string& cursor)>& link) {
  return [link](const HttpRequest& request) {
    const std::size_t question = request.target.find('?');
    const std::string query =
        question == std::string::npos ? "" : request.target.substr(question + 1);
    if (query.find("two") != std::string::npos) {
      return Page("c", "");
    }
    return query.find("one") != std::string::npos ? Page("b", link(request, "two"))
                                                  : Page("a", link(request, "one"));
  };
}

struct Paging {
  std::string name;
  std::function<std::string(const HttpRequest&, const std::string& cursor)> link;
  std::string last_query;  // By which the registry is asked for the last page.

  friend void PrintTo(const Paging& row, std::ostream* os) { *os << row.name; }
};

class AList : public ::testing::TestWithParam<Paging> {};

TEST_P(AList, ReachesAClientThatFollowsTheLinks) {
  DataplaneWorld world(Registry(GetParam().link));
  std::vector<std::string> bodies;
  std::string next = kTags + "?n=1";

  while (!next.empty() && bodies.size() < 5) {
    const RawResponse response = world.Do("GET", next);
    EXPECT_EQ(response.status, 200) << next;
    EXPECT_THAT(response.head, Not(HasSubstr("cursor-two"))) << "travels sealed";
    bodies.push_back(response.body);
    next = NextOf(response);
    EXPECT_TRUE(next.empty() || next.starts_with(kTags + "?")) << next;
  }

  EXPECT_THAT(bodies,
              ElementsAre(HasSubstr(R"(["a"])"), HasSubstr(R"(["b"])"), HasSubstr(R"(["c"])")));
  EXPECT_EQ(world.registry().requests().back().target,
            "/v2/team/app/tags/list?" + GetParam().last_query);
}

std::string Next(const std::string& target) {
  return "<" + target + ">; rel=\"next\"";
}

INSTANTIATE_TEST_SUITE_P(
    By,
    AList,
    ::testing::Values(Paging{"Last",
                             [](const HttpRequest&, const std::string& cursor) {
                               return Next("/v2/team/app/tags/list?n=1&last=" + cursor);
                             },
                             "n=1&last=two"},
                      Paging{"ATokenOfTheirOwn",
                             [](const HttpRequest&, const std::string& cursor) {
                               return Next("/v2/team/app/tags/list?n=1&next_page=cursor-" + cursor +
                                           "%3D%3D");
                             },
                             "n=1&next_page=cursor-two%3D%3D"},
                      Paging{"ATokenInAnAbsoluteLink",
                             [](const HttpRequest& request, const std::string& cursor) {
                               return Next("http://" + request.Header("host") +
                                           "/v2/team/app/tags/list?token=cursor-" + cursor + "/+~");
                             },
                             "token=cursor-two/+~"},
                      Paging{"AQueryAlone",
                             [](const HttpRequest&, const std::string& cursor) {
                               return Next("?page=cursor-" + cursor);
                             },
                             "page=cursor-two"},
                      Paging{"ALastThatIsNoTag",
                             [](const HttpRequest&, const std::string& cursor) {
                               return Next("/v2/team/app/tags/list?last=" + cursor + "==&n=1");
                             },
                             "last=two==&n=1"},
                      Paging{"4KiB",
                             [](const HttpRequest&, const std::string& cursor) {
                               return Next("?cursor-" + cursor + "=" + std::string(4000, 'x'));
                             },
                             "cursor-two=" + std::string(4000, 'x')}),
    [](const auto& row) { return row.param.name; });

HttpAnswer TokenPage(const HttpRequest& request) {
  return Page("a", request.Query("token").empty() ? Next("?token=x") : "");
}

TEST(AListOfReferrers, IsPagedInTheSameWay) {
  const std::string path = std::string(kRepositoryPath) + "/referrers/" + kPagingDigest;
  DataplaneWorld world(TokenPage);

  const std::string next = NextOf(world.Do("GET", path + "?artifactType=a/b"));

  EXPECT_THAT(next, StartsWith(path + "?page="));
  EXPECT_EQ(world.Do("GET", next).status, 200);
  EXPECT_EQ(world.registry().requests().back().target,
            "/v2/team/app/referrers/" + kPagingDigest + "?token=x");
}

TEST(AListsNextPage, IsOpenedByAnotherReplica) {
  DataplaneWorld world(TokenPage);
  world.StartReplica();
  const std::string next = NextOf(world.Do("GET", kTags));
  RawClient client(world.replica_port());

  client.Send(DataplaneWorld::Request("GET", next));

  EXPECT_EQ(client.Read().status, 200);
  EXPECT_EQ(world.registry().requests().back().target, "/v2/team/app/tags/list?token=x");
}

TEST(AListsNextPage, KeepsTheMirrorsNamespace) {
  DataplaneWorld world(TokenPage);

  const std::string next =
      NextOf(world.Do("GET", "/v2/team/app/tags/list?n=1&ns=harbor.example.com"));

  EXPECT_THAT(next, HasSubstr("&ns=harbor.example.com"));
  EXPECT_EQ(world.Do("GET", next).status, 200);
}

TEST(AListsNextPage, OfAnotherSubjectIsRefused) {
  DataplaneWorld world(TokenPage);
  const std::string next = NextOf(world.Do("GET", kTags));
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    auto grant = MakeGrant({"default", "harbor"}, kUpstreamToken, "epoch-1");
    grant->subject = "system:serviceaccount:ci:mallory";
    return grant;
  });
  RawClient client(world.port());

  client.Send("GET " + next + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer mallory\r\n\r\n");
  const RawResponse response = client.Read();

  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("list again from the start"));
  EXPECT_THAT(world.registry().requests(), SizeIs(1));
}

TEST(AListsNextPage, OfAnotherListOrTimeOrMakeIsRefused) {
  DataplaneWorld world(TokenPage);
  const std::string page = NextOf(world.Do("GET", kTags)).substr(kTags.size());
  const oci::PageState old{.connector = {"default", "harbor"},
                           .path = "/v2/team/app/tags/list",
                           .subject = "system:serviceaccount:ci:builder",
                           .expires_at = 1,
                           .query = "token=x"};

  for (const std::string& target :
       {"/v2/namespaces/default/connectors/harbor/team/other/tags/list" + page,
        std::string(kRepositoryPath) + "/referrers/" + kPagingDigest + page,
        kTags + "?page=" + *oci::SealPage(world.sealing_keys(), old),
        kTags + "?page=" + page.substr(7),
        kTags + "?page=x"}) {
    const RawResponse response = world.Do("GET", target);
    EXPECT_EQ(response.status, 400) << target;
    EXPECT_THAT(response.body, HasSubstr("PAGINATION_NUMBER_INVALID"));
  }
  EXPECT_THAT(world.registry().requests(), SizeIs(1));
}

class ALinkElsewhere : public ::testing::TestWithParam<std::pair<const char*, std::string>> {};

TEST_P(ALinkElsewhere, IsA502AndNotAShortList) {
  DataplaneWorld world([](const HttpRequest&) { return Page("a", GetParam().second); });

  const RawResponse response = world.Do("GET", kTags);

  EXPECT_EQ(response.status, 502);
  EXPECT_THAT(response.body, Not(HasSubstr(R"(["a"])")));
}

INSTANTIATE_TEST_SUITE_P(
    To,
    ALinkElsewhere,
    ::testing::Values(std::pair{"AnotherListOfAnotherOrigin",
                                Next("https://evil.example/v2/team/x/tags/list?token=x")},
                      std::pair{"AnotherRepository", Next("/v2/team/other/tags/list?token=x")},
                      std::pair{"AnotherOperation", Next("/v2/team/app/manifests/v1?token=x")},
                      std::pair{"TheCatalog", Next("/v2/_catalog?token=x")},
                      std::pair{"AnotherRegistry", Next("?token=x&ns=quay.example.com")},
                      std::pair{"ItsOwnPage", Next("/v2/team/app/tags/list?n=5")},
                      std::pair{"NoUrl", Next("http://[")},
                      std::pair{"TooFar", Next("?token=" + std::string(4096, 'x'))},
                      std::pair{"OurCredential", Next("?token=" + std::string(kUpstreamToken))}),
    [](const auto& row) { return std::string(row.param.first); });

// A registry behind a terminator, or with several names, does not know by which it is reached.
TEST(ALink, OfAnotherHostLeadsToTheRegistryItself) {
  DataplaneWorld world(Registry([](const HttpRequest&, const std::string& cursor) {
    return Next("https://other.example/v2/team/app/tags/list?token=" + cursor);
  }));

  const std::string second = NextOf(world.Do("GET", kTags));

  EXPECT_THAT(world.Do("GET", second).body, HasSubstr(R"(["b"])"));
  EXPECT_EQ(world.registry().requests().back().target, "/v2/team/app/tags/list?token=one");
}

TEST(ALink, InASecondFieldIsSeen) {
  DataplaneWorld world([](const HttpRequest&) {
    HttpAnswer answer = Page("a", "</v2/team/app/tags/list?n=1>; rel=\"first\"");
    answer.headers.emplace_back("Link", Next("?last=a&n=1"));
    return answer;
  });

  EXPECT_EQ(NextOf(world.Do("GET", kTags)), kTags + "?n=1&last=a");
}

// A registry whose pages have `most` names; what it says to a larger one differs.
HttpAnswer Limited(const HttpRequest& request, std::uint64_t most, int refusal) {
  if (std::strtoull(request.Query("n").front().c_str(), nullptr, 10) > most) {
    return {.status = refusal, .body = R"({"errors":[{"code":"UNSUPPORTED"}]})"};
  }
  return Page("a", Next("?last=a&n=" + request.Query("n").front()));
}

struct Limit {
  std::string name;
  std::string asked;
  std::uint64_t most;
  int refusal;
  std::vector<std::string> targets;
  int status = 200;

  friend void PrintTo(const Limit& row, std::ostream* os) { *os << row.name; }
};

class APageSize : public ::testing::TestWithParam<Limit> {};

TEST_P(APageSize, IsMadeSmallerWhereTheRegistryRefusesIt) {
  const Limit& row = GetParam();
  DataplaneWorld world(
      [&](const HttpRequest& request) { return Limited(request, row.most, row.refusal); });

  const RawResponse response = world.Do("GET", kTags + "?n=" + row.asked);

  EXPECT_EQ(response.status, row.status);
  std::vector<std::string> sizes;
  for (const HttpRequest& request : world.registry().requests()) {
    sizes.push_back(request.Query("n").front());
  }
  EXPECT_EQ(sizes, row.targets);
  if (row.status == 200) {
    EXPECT_EQ(NextOf(response), kTags + "?n=" + row.targets.back() + "&last=a");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of,
    APageSize,
    ::testing::Values(Limit{"AThousand", "10000", 1000, 405, {"10000", "1000"}},
                      Limit{"AHundred", "10000", 100, 413, {"10000", "1000", "100"}},
                      Limit{"AHundredOfAThousand", "1000", 100, 400, {"1000", "100"}},
                      Limit{"Ten", "10000", 10, 400, {"10000", "1000", "100"}, 400},
                      Limit{"TenOfAHundred", "100", 10, 400, {"100"}, 400},
                      Limit{"NothingThatIsRefusedOtherwise", "10000", 10, 404, {"10000"}, 404}),
    [](const auto& row) { return row.param.name; });

TEST(ALink, OfABlobIsNoPage) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 200, .headers = {{"Link", "not a link"}}, .body = "blob"};
  });

  const RawResponse response =
      world.Do("GET", std::string(kRepositoryPath) + "/blobs/" + kPagingDigest);

  EXPECT_EQ(response.body, "blob");
  EXPECT_EQ(response.Header("link"), "");
}

}  // namespace
}  // namespace connector::dataplane
