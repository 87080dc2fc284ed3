// Where the data plane connects on a registry's word. Runs in a network namespace of its own, where
// the addresses that must never be reached do answer, and where names resolve to what a test says.

#include "common/routing/upstream_policy_proto.h"
#include "tests/support/cpp/dataplane_world.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace connector::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::kRepositoryPath;
using testing_support::kUpstreamToken;
using testing_support::RawResponse;

// What getaddrinfo of this program knows of names: the answers to one question after the other, of
// which the last stands. Each is a list of addresses.
class Names {
 public:
  using Answer = std::vector<std::string>;

  void Set(const std::string& name, std::vector<Answer> answers) {
    const std::lock_guard lock(mutex_);
    names_[name] = std::move(answers);
    asked_[name] = 0;
  }
  [[nodiscard]] std::size_t asked(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return asked_[name];
  }
  [[nodiscard]] std::optional<Answer> Resolve(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(name);
    if (found == names_.end()) {
      return std::nullopt;
    }
    return found->second[std::min(asked_[name]++, found->second.size() - 1)];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<Answer>> names_;
  std::map<std::string, std::size_t> asked_;
};

Names& TheNames() {
  static Names names;
  return names;
}

const std::string kDigest = "sha256:" + std::string(64, 'a');
const std::string kBlob = std::string(kRepositoryPath) + "/blobs/" + kDigest;
const std::string kRegistryBlob = "/v2/team/app/blobs/" + kDigest;
constexpr const char* kPublic = "1.1.1.1";
constexpr const char* kPrivate = "10.9.9.9";

HttpAnswer Bytes(const HttpRequest&) {
  return {.status = 200, .body = "bytes"};
}

// A registry that redirects every blob to `location`, in which PORT is the store's.
HttpServer::Handler RedirectTo(const HttpServer& store, std::string location, int status = 307) {
  const std::size_t at = location.find("PORT");
  if (at != std::string::npos) {
    location.replace(at, 4, std::to_string(store.port()));
  }
  return [location, status](const HttpRequest&) {
    return HttpAnswer{.status = status, .headers = {{"Location", location}}};
  };
}

class TheWorldOutside : public ::testing::Environment {
 public:
  void SetUp() override {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root";
    Run("ip link set lo up");
    for (const char* address : {"1.1.1.1/32",
                                "10.9.9.9/32",
                                "169.254.169.254/32",
                                "100.64.0.1/32",
                                "fd00:ec2::254/128",
                                "64:ff9b::7f00:1/128",
                                "2002:7f00:1::1/128",
                                "2606:4700::1111/128"}) {
      const std::string text = address;
      if (text.find(':') == std::string::npos) {
        Run("ip address add " + text + " dev lo");
        continue;
      }
      Run("ip address add " + text + " dev lo nodad");
      // A worker of the kernel adds the route, some time after the address.
      Run("timeout 20 sh -c 'until ip -6 route get " + text.substr(0, text.find('/')) +
          " >/dev/null 2>&1; do sleep 0.01; done'");
    }
  }

 private:
  static void Run(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT: fixed text.
  }
};

[[maybe_unused]] const auto* const kOutside =
    ::testing::AddGlobalTestEnvironment(new TheWorldOutside);

TEST(TheWorldOutside, IsReachedWhereItIsPublic) {
  for (const char* host : {"1.1.1.1", "[2606:4700::1111]"}) {
    HttpServer store(Bytes, std::nullopt, true);
    DataplaneWorld world(RedirectTo(store, "http://" + std::string(host) + ":PORT/b"));

    EXPECT_EQ(world.Do("GET", kBlob).body, "bytes") << host;
  }
}

struct Literal {
  std::string name;
  std::string host;

  friend void PrintTo(const Literal& row, std::ostream* os) { *os << row.name; }
};

class AnAddressThatIsNotPublic : public ::testing::TestWithParam<Literal> {};

TEST_P(AnAddressThatIsNotPublic, IsNotConnectedHoweverItIsWritten) {
  HttpServer store(Bytes, std::nullopt, true);
  DataplaneWorld world(RedirectTo(store, "http://" + GetParam().host + ":PORT/b"));

  const RawResponse response = world.Do("GET", kBlob);

  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(store.connections(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    As,
    AnAddressThatIsNotPublic,
    ::testing::Values(Literal{"Loopback", "127.0.0.1"},
                      Literal{"AnotherLoopback", "127.8.8.8"},
                      Literal{"Private", "10.9.9.9"},
                      Literal{"Metadata", "169.254.169.254"},
                      Literal{"CarrierGradeNat", "100.64.0.1"},
                      Literal{"Unspecified", "0.0.0.0"},
                      Literal{"OneNumber", "2130706433"},
                      Literal{"OneNumberInHex", "0x7f000001"},
                      Literal{"OneNumberInOctal", "017700000001"},
                      Literal{"Zero", "0"},
                      Literal{"HexParts", "0x7f.0x0.0x0.0x1"},
                      Literal{"HexFirstPart", "0x7F.0.0.1"},
                      Literal{"HexLastPart", "127.0.0.0x1"},
                      Literal{"OctalParts", "0177.0.0.01"},
                      Literal{"PartsWithZeros", "127.000.000.001"},
                      Literal{"TwoParts", "127.1"},
                      Literal{"ThreeParts", "127.0.1"},
                      Literal{"ATrailingDot", "127.0.0.1."},
                      Literal{"TwoTrailingDots", "127.0.0.1.."},
                      Literal{"Ipv6Loopback", "[::1]"},
                      Literal{"Ipv6LoopbackInFull", "[0:0:0:0:0:0:0:1]"},
                      Literal{"Ipv6Unspecified", "[::]"},
                      Literal{"Mapped", "[::ffff:127.0.0.1]"},
                      Literal{"MappedInHex", "[::ffff:7f00:1]"},
                      Literal{"Compatible", "[::127.0.0.1]"},
                      Literal{"Nat64", "[64:ff9b::127.0.0.1]"},
                      Literal{"SixToFour", "[2002:7f00:1::1]"},
                      Literal{"UniqueLocal", "[fd00:ec2::254]"},
                      Literal{"AZone", "[::1%25lo]"},
                      Literal{"ABareZone", "[::1%lo]"},
                      Literal{"Ipv4InBrackets", "[127.0.0.1]"},
                      Literal{"AfterTheBrackets", "[2606:4700::1111]127.0.0.1"},
                      Literal{"NoClosingBracket", "[::1"},
                      Literal{"NoBrackets", "::1"},
                      Literal{"PercentEncoded", "%31%32%37.0.0.1"},
                      Literal{"EncodedDots", "127%2e0%2e0%2e1"},
                      Literal{"WideDigits", "\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.0.0.1"},
                      Literal{"WideDot",
                              "127\xE3\x80\x82"
                              "0.0.1"},
                      Literal{"CircledDigits", "\xE2\x91\xA0\xE2\x91\xA1\xE2\x91\xA6.0.0.1"},
                      Literal{"UserInformation", "1.1.1.1@127.0.0.1"},
                      Literal{"APortAsUserInformation", "1.1.1.1:80@127.0.0.1"},
                      Literal{"ABackslash", "127.0.0.1\\@1.1.1.1"},
                      Literal{"AFragment", "127.0.0.1#@1.1.1.1"},
                      Literal{"ATabInside", "127.0.\t0.1"},
                      Literal{"Localhost", "localhost"},
                      Literal{"LocalhostWithADot", "localhost."}),
    [](const auto& row) { return row.param.name; });

TEST(AName, ThatResolvesElsewhereTheSecondTimeIsConnectedWhereItWasChecked) {
  TheNames().Set("store.example", {{kPublic}, {kPrivate}});
  HttpServer store(
      [](const HttpRequest& request) {
        return HttpAnswer{.status = 200, .body = request.Header("x"), .abrupt = true};
      },
      std::nullopt,
      true);
  DataplaneWorld world(RedirectTo(store, "http://store.example:PORT/b"));

  EXPECT_EQ(world.Do("GET", kBlob).status, 200);
  EXPECT_EQ(TheNames().asked("store.example"), 1U) << "one question, whose answer is dialled";
  EXPECT_EQ(world.Do("GET", kBlob).status, 502);
  EXPECT_THAT(store.requests(), SizeIs(1));
}

TEST(AName, OfWhichOneAddressIsPrivateIsConnectedAtTheOther) {
  TheNames().Set("both.example", {{kPrivate, "127.0.0.1", "::1", kPublic}});
  HttpServer store(Bytes, std::nullopt, true);
  DataplaneWorld world(RedirectTo(store, "http://both.example:PORT/b"));

  EXPECT_EQ(world.Do("GET", kBlob).body, "bytes");
  EXPECT_EQ(store.connections(), 1U);
}

TEST(AName, OfAPrivateAddressOnlyIsRefusedUnlessItIsListed) {
  TheNames().Set("inside.example", {{kPrivate}});
  HttpServer store(Bytes, std::nullopt, true);
  DataplaneWorld world(RedirectTo(store, "http://inside.example:PORT/b"));

  const RawResponse refused = world.Do("GET", kBlob);
  EXPECT_EQ(refused.status, 502);
  EXPECT_THAT(refused.body, HasSubstr("upstream.redirects.hosts"));
  EXPECT_THAT(world.log(), HasSubstr("10.9.9.9 is a private address"));
  EXPECT_EQ(store.connections(), 0U);

  world.PublishRoute("epoch-1",
                     [](routes::Route& route) { route.redirects.hosts = {"inside.example"}; });
  EXPECT_EQ(world.Do("GET", kBlob).body, "bytes");

  // The connection that is idle now was let through; whom it would be refused must not get it.
  world.PublishRoute("epoch-1");
  EXPECT_EQ(world.Do("GET", kBlob).status, 502);
  EXPECT_THAT(store.requests(), SizeIs(1));
}

// That of a cluster, which allows plain HTTP to `rule` alone.
auto Under(const routing::UpstreamRule& rule, std::vector<std::string> redirect_hosts = {}) {
  routing::UpstreamPolicy policy{.unlisted = routing::Unlisted::kPublic, .rules = {rule}};
  policy.rules.front().plain_http = true;
  return [policy, redirect_hosts](routes::Route& route) {
    route.upstream_policy = std::make_shared<const routing::UpstreamPolicy>(policy);
    route.redirects.hosts = redirect_hosts;
    route.profile = routing::CanonicalText(policy);
  };
}

const routing::UpstreamRule kRegistryAlone = {.addresses = {*routing::ParseRange("127.0.0.1")}};

TEST(ThePlatformsPolicy, IsAskedOfTheRegistryItself) {
  DataplaneWorld world(Bytes,
                       {.adjust = Under({.addresses = {*routing::ParseRange("10.0.0.0/8")}})});

  EXPECT_EQ(world.Do("GET", kBlob).status, 502);
  EXPECT_EQ(world.registry().connections(), 0U);

  world.PublishRoute("epoch-1", Under(kRegistryAlone));
  EXPECT_EQ(world.Do("GET", kBlob).body, "bytes");

  // The connection that is idle now was let through; whom it would be refused must not get it.
  world.PublishRoute("epoch-1", Under({.hosts = {"elsewhere.example"}}));
  EXPECT_EQ(world.Do("GET", kBlob).status, 502);
  EXPECT_THAT(world.registry().requests(), SizeIs(1));
}

TEST(ThePlatformsPolicy, IsAskedOfARedirectThatTheConnectorLists) {
  TheNames().Set("inside.example", {{kPrivate}});
  HttpServer store(Bytes, std::nullopt, true);
  for (const char* host : {"inside.example", "10.9.9.9", "169.254.169.254", "127.0.0.2"}) {
    DataplaneWorld world(RedirectTo(store, "http://" + std::string(host) + ":PORT/b"),
                         {.adjust = Under(kRegistryAlone, {host})});
    EXPECT_EQ(world.Do("GET", kBlob).status, 502) << host;
  }
  EXPECT_EQ(store.connections(), 0U);

  routing::UpstreamRule rule = kRegistryAlone;
  rule.redirect_hosts = {"inside.example"};
  DataplaneWorld world(RedirectTo(store, "http://inside.example:PORT/b"),
                       {.adjust = Under(rule, {"inside.example"})});
  EXPECT_EQ(world.Do("GET", kBlob).body, "bytes");
}

// A registry chooses every path of a redirect, and only some of a request to itself.
TEST(ThePlatformsPolicy, AllowsNoRedirectToWhatMayBeARegistry) {
  HttpServer admin(Bytes);
  DataplaneWorld world(RedirectTo(admin, "http://127.0.0.1:PORT/status.json"),
                       {.adjust = Under(kRegistryAlone, {"127.0.0.1"})});

  EXPECT_EQ(world.Do("GET", kBlob).status, 502);
  EXPECT_EQ(admin.connections(), 0U);
  // Asked once more, as after a closed port: the registry must not see which of them it was.
  EXPECT_THAT(world.registry().requests(), SizeIs(2));
}

TEST(ThePlatformsPolicy, JudgesTheAddressAndNotTheName) {
  TheNames().Set("inside.example",
                 {{kPrivate}, {"169.254.169.254"}, {"169.254.169.254"}, {"127.0.0.1", kPrivate}});
  HttpServer store(
      [](const HttpRequest&) { return HttpAnswer{.status = 200, .body = "b", .abrupt = true}; },
      std::nullopt,
      true);
  routing::UpstreamRule rule = kRegistryAlone;
  rule.redirect_hosts = {"inside.example"};
  DataplaneWorld world(RedirectTo(store, "http://inside.example:PORT/b"),
                       {.adjust = Under(rule, {"inside.example"})});

  EXPECT_EQ(world.Do("GET", kBlob).status, 200);
  EXPECT_EQ(world.Do("GET", kBlob).status, 502);
  EXPECT_THAT(world.log(), HasSubstr("upstreamPolicy does not allow 169.254.169.254"));
  EXPECT_EQ(world.Do("GET", kBlob).status, 200);
}

// Whoever writes Connectors would scan networks with the difference.
TEST(ThePlatformsPolicy, IsToldFromAClosedPortByNobody) {
  TheNames().Set("inside.example", {{kPrivate}});
  TheNames().Set("closed.example", {{"1.1.1.1"}});
  const auto told = [](const std::string& host, const routing::UpstreamRule& rule) {
    DataplaneWorld world(Bytes, {.adjust = [&](routes::Route& route) {
                           Under(rule)(route);
                           route.origin.host = host;
                           route.origin.port = 1;
                         }});
    const RawResponse response = world.Do("GET", kBlob);
    std::string body = response.body;
    const std::size_t at = body.find(host);
    return std::to_string(response.status) + " " +
           (at == std::string::npos ? body : body.replace(at, host.size(), "HOST"));
  };
  const std::string closed = told("closed.example", {.hosts = {"closed.example"}});

  EXPECT_THAT(closed, HasSubstr("502"));
  EXPECT_THAT(closed, HasSubstr("No connection to HOST:1 could be made, or the platform"));
  EXPECT_EQ(told("inside.example", kRegistryAlone), closed);
  EXPECT_EQ(told("absent.invalid", kRegistryAlone), closed);
}

// Where a redirect leads, and whether the store there saw the request.
struct Target {
  std::string name;
  std::string location;  // With the store's PORT.
  bool followed;

  friend void PrintTo(const Target& row, std::ostream* os) { *os << row.name; }
};

class ARedirect : public ::testing::TestWithParam<std::tuple<Target, int>> {};

TEST_P(ARedirect, ElsewhereIsFollowedWithoutTheCredentialOrNotAtAll) {
  const auto& [target, status] = GetParam();
  TheNames().Set("registry.example", {{"127.0.0.1"}});
  TheNames().Set("sub.registry.example", {{kPublic}});
  TheNames().Set("evilregistry.example", {{kPublic}});
  HttpServer store(
      [](const HttpRequest& request) {
        return HttpAnswer{.status = 200, .body = "at " + request.target};
      },
      std::nullopt,
      true);
  DataplaneWorld world(
      RedirectTo(store, target.location, status),
      {.adjust = [](routes::Route& route) { route.origin.host = "registry.example"; }});

  const RawResponse response = world.Do("GET", kBlob, "Accept: a/b\r\nCookie: c=d\r\n");

  EXPECT_EQ(response.status, target.followed ? 200 : 502);
  EXPECT_EQ(response.Header("location"), "");
  EXPECT_EQ(store.requests().size(), target.followed ? 1U : 0U);
  for (const HttpRequest& request : store.requests()) {
    for (const auto& [name, value] : request.headers) {
      EXPECT_THAT(value, ::testing::Not(HasSubstr(kUpstreamToken))) << name;
    }
    EXPECT_EQ(request.Header("authorization"), "");
    EXPECT_EQ(request.Header("cookie"), "");
  }
}

std::string NameOf(const ::testing::TestParamInfo<std::tuple<Target, int>>& row) {
  return std::get<0>(row.param).name + std::to_string(std::get<1>(row.param));
}

INSTANTIATE_TEST_SUITE_P(
    To,
    ARedirect,
    ::testing::Combine(
        ::testing::Values(Target{"APublicStore", "http://1.1.1.1:PORT/b?sig=1", true},
                          Target{"APublicStoreByScheme", "//1.1.1.1:PORT/b", true},
                          Target{"ASubdomain", "http://sub.registry.example:PORT/b", true},
                          Target{"AHostThatEndsAlike", "http://evilregistry.example:PORT/b", true},
                          Target{
                              "AnotherPort", "http://registry.example:PORT" + kRegistryBlob, false},
                          Target{"AnotherPortInUpperCase", "http://REGISTRY.example:PORT/b", false},
                          Target{"UserInformation", "http://u:p@1.1.1.1:PORT/b", false},
                          Target{"AFragment", "http://1.1.1.1:PORT/b#f", true},
                          Target{"AnotherScheme", "ftp://1.1.1.1:PORT/b", false},
                          Target{"AFile", "file:///etc/passwd", false},
                          Target{"NoHost", "http:///b", false},
                          Target{"Nothing", "", false}),
        ::testing::Values(301, 302, 303, 307, 308)),
    NameOf);

}  // namespace
}  // namespace connector::dataplane

// In front of the C library's: a name that a test set resolves to what it says, all others do not.
extern "C" int getaddrinfo(const char* node,
                           const char* service,
                           const addrinfo* hints,
                           addrinfo** result) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const auto answer =
      node == nullptr ? std::nullopt : connector::dataplane::TheNames().Resolve(node);
  if (!answer) {
    return real(node, service, hints, result);
  }
  addrinfo** tail = result;
  for (const std::string& address : *answer) {
    addrinfo numeric = *hints;
    numeric.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    if (const int failed = real(address.c_str(), service, &numeric, tail)) {
      return failed;
    }
    tail = &(*tail)->ai_next;
  }
  return 0;
}
