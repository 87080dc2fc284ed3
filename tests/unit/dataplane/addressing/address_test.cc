#include "dataplane/addressing/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace connector::dataplane::addressing {
namespace {

using http::Method;

const std::vector<std::string> kSuffixes = {"corp.example.com"};
const ConnectorRef kHarbor{"default", "harbor"};
constexpr std::string_view kPrefix = "namespaces/default/connectors/harbor/";
const std::string kDigest = "sha256:" + std::string(64, 'a');

Operation Parse(const std::string& target, Method method = Method::kGet) {
  return std::get<Operation>(ParseTarget(method, target));
}

std::variant<Address, TargetError> Resolve(std::string_view host, Operation& operation) {
  return ResolveAddress(host, kSuffixes, operation);
}

TEST(ResolveAddress, TakesTheHostForm) {
  Operation operation = Parse("/v2/test/abc/manifests/v1");
  EXPECT_EQ(Resolve("c-harbor.default.svc", operation),
            (std::variant<Address, TargetError>(Address{kHarbor, ""})));
  EXPECT_EQ(operation.repository, "test/abc");
}

TEST(ResolveAddress, TakesTheHostFormUnderAnyDomainAndEachSuffix) {
  for (const char* const host : {"c-harbor.default.svc.local",
                                 "c-harbor.default.svc.corp.internal:5000",
                                 "c-harbor.default.corp.example.com"}) {
    Operation operation = Parse("/v2/test/abc/manifests/v1");
    EXPECT_EQ(Resolve(host, operation), (std::variant<Address, TargetError>(Address{kHarbor, ""})));
  }
}

TEST(ResolveAddress, SaysWhatIsWrongWithAHostThatNearlyNamesAConnector) {
  for (const auto& [host, said] : {std::pair{"c-harbor.default", "write .svc behind"},
                                   std::pair{"harbor.default.svc", "begins with c-"},
                                   std::pair{"c-.default.svc", "its name"},
                                   std::pair{"c-harbor.svc.local", "its namespace"},
                                   std::pair{"c-x.default.svc..local", "each part"},
                                   std::pair{"10.0.0.1", "HOST/namespaces"}}) {
    Operation operation = Parse("/v2/test/abc/manifests/v1");
    const auto resolved = Resolve(host, operation);
    ASSERT_TRUE(std::holds_alternative<TargetError>(resolved)) << host;
    const std::string sentence(std::get<TargetError>(resolved).sentence);
    EXPECT_THAT(sentence, ::testing::HasSubstr(said));
    EXPECT_THAT(sentence, ::testing::Not(::testing::HasSubstr("harbor")));
  }
}

TEST(ResolveAddress, TakesThePathFormUnderAHostThatNearlyNamesAConnector) {
  Operation operation = Parse("/v2/" + std::string(kPrefix) + "test/abc/manifests/v1");
  EXPECT_EQ(Resolve("c-plane.example.com", operation),
            (std::variant<Address, TargetError>(Address{kHarbor, std::string(kPrefix)})));
}

TEST(ResolveAddress, TakesThePathFormAndItsPrefixOff) {
  Operation operation = Parse("/v2/" + std::string(kPrefix) + "test/abc/manifests/v1");
  EXPECT_EQ(Resolve("10.0.0.1:5000", operation),
            (std::variant<Address, TargetError>(Address{kHarbor, std::string(kPrefix)})));
  EXPECT_EQ(operation.repository, "test/abc");
}

TEST(ResolveAddress, TakesTheMirrorFormWhenNothingElseNamesAConnector) {
  Operation operation = Parse("/v2/test/abc/manifests/v1?ns=harbor.example.com");
  EXPECT_EQ(Resolve("10.0.0.1", operation),
            (std::variant<Address, TargetError>(Address{MirrorForm{"harbor.example.com"}, ""})));
}

TEST(ResolveAddress, LetsBothFormsNameOneConnector) {
  Operation operation = Parse("/v2/" + std::string(kPrefix) + "abc/manifests/v1?ns=h.example.com");
  EXPECT_EQ(Resolve("c-harbor.default.svc", operation),
            (std::variant<Address, TargetError>(Address{kHarbor, std::string(kPrefix)})));
  EXPECT_EQ(operation.ns, "h.example.com");
}

struct RefusedAddress {
  std::string name;
  std::string host;
  std::string target;
  TargetErrorCode code;

  friend void PrintTo(const RefusedAddress& row, std::ostream* os) { *os << row.name; }
};

class ResolveAddressRefuses : public ::testing::TestWithParam<RefusedAddress> {};

TEST_P(ResolveAddressRefuses, WithItsOwnCode) {
  Operation operation = Parse(GetParam().target);
  const auto resolved = Resolve(GetParam().host, operation);
  ASSERT_TRUE(std::holds_alternative<TargetError>(resolved));
  EXPECT_EQ(std::get<TargetError>(resolved).code, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ResolveAddressRefuses,
    ::testing::Values(RefusedAddress{"HostAndPathOfDifferentConnectors",
                                     "c-harbor.default.svc",
                                     "/v2/namespaces/default/connectors/other/abc/manifests/v1",
                                     TargetErrorCode::kNameInvalid},
                      RefusedAddress{"HostAndPathOfDifferentNamespaces",
                                     "c-harbor.default.svc",
                                     "/v2/namespaces/other/connectors/harbor/abc/manifests/v1",
                                     TargetErrorCode::kNameInvalid},
                      RefusedAddress{"NoConnector",
                                     "10.0.0.1",
                                     "/v2/test/abc/manifests/v1",
                                     TargetErrorCode::kNoSuchEndpoint},
                      RefusedAddress{"NoRepositoryAfterThePrefix",
                                     "10.0.0.1",
                                     "/v2/namespaces/default/connectors/harbor/manifests/v1",
                                     TargetErrorCode::kNoSuchEndpoint},
                      RefusedAddress{"ARepositoryOver255Bytes",
                                     "10.0.0.1",
                                     "/v2/namespaces/default/connectors/harbor/" +
                                         std::string(256, 'a') + "/manifests/v1",
                                     TargetErrorCode::kNameInvalid}),
    [](const auto& row) { return row.param.name; });

TEST(ResolveAddress, TakesARepositoryOf255BytesAfterThePrefix) {
  Operation operation =
      Parse("/v2/" + std::string(kPrefix) + std::string(255, 'a') + "/manifests/v1");
  EXPECT_TRUE(std::holds_alternative<Address>(Resolve("10.0.0.1", operation)));
}

TEST(ResolveAddress, NeedsNoConnectorForPing) {
  Operation operation = Parse("/v2/");
  EXPECT_EQ(Resolve("10.0.0.1", operation),
            (std::variant<Address, TargetError>(Address{Unnamed{}, ""})));
}

struct FromRow {
  std::string name;
  std::string host;
  std::string prefix;
  std::string from;
  std::string resolved;  // Empty: the mount was given up.

  friend void PrintTo(const FromRow& row, std::ostream* os) { *os << row.name; }
};

class ResolveAddressTranslates : public ::testing::TestWithParam<FromRow> {};

TEST_P(ResolveAddressTranslates, TheSourceOfAMount) {
  const FromRow& row = GetParam();
  Operation operation =
      Parse("/v2/" + row.prefix + "abc/blobs/uploads/?mount=" + kDigest + "&from=" + row.from,
            Method::kPost);
  ASSERT_TRUE(std::holds_alternative<Address>(Resolve(row.host, operation)));
  EXPECT_EQ(operation.from, row.resolved);
  EXPECT_EQ(operation.mount.empty(), row.resolved.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ResolveAddressTranslates,
    ::testing::Values(
        FromRow{"HostFormBare", "c-harbor.default.svc", "", "src", "src"},
        FromRow{"HostFormWithItsOwnPrefix",
                "c-harbor.default.svc",
                "",
                std::string(kPrefix) + "src",
                "src"},
        FromRow{"HostFormOfAnotherConnector",
                "c-harbor.default.svc",
                "",
                "namespaces/default/connectors/other/src",
                ""},
        FromRow{"PathForm", "10.0.0.1", std::string(kPrefix), std::string(kPrefix) + "src", "src"},
        FromRow{"PathFormBare", "10.0.0.1", std::string(kPrefix), "src", "src"},
        FromRow{"PathFormOfAnotherConnector",
                "10.0.0.1",
                std::string(kPrefix),
                "namespaces/default/connectors/other/src",
                ""},
        FromRow{"PathFormOfAnotherNamespace",
                "10.0.0.1",
                std::string(kPrefix),
                "namespaces/other/connectors/harbor/src",
                ""},
        FromRow{"ASourceOver255Bytes", "c-harbor.default.svc", "", std::string(256, 'a'), ""}),
    [](const auto& row) { return row.param.name; });

TEST(ResolveAddress, TakesTheRegistrysNameOfASourceFromAMirrorWhoseUrlHoldsThePrefix) {
  // What containerd sends with override_path in hosts.toml: its labels hold the registry's names.
  Operation operation =
      Parse("/v2/" + std::string(kPrefix) + "abc/blobs/uploads/?ns=h.example.com&mount=" + kDigest +
                "&from=team/src",
            Method::kPost);
  ASSERT_TRUE(std::holds_alternative<Address>(Resolve("10.0.0.1", operation)));
  EXPECT_EQ(operation.from, "team/src");
}

TEST(ResolveAddress, GivesUpAMountFromAPathFormNameInMirrorForm) {
  Operation operation = Parse("/v2/abc/blobs/uploads/?ns=h.example.com&mount=" + kDigest +
                                  "&from=" + std::string(kPrefix) + "src",
                              Method::kPost);
  ASSERT_TRUE(std::holds_alternative<Address>(Resolve("10.0.0.1", operation)));
  EXPECT_TRUE(operation.mount.empty());
}

TEST(ClientPath, CarriesThePrefixByWhichTheClientCame) {
  EXPECT_EQ(ClientPath(Address{kHarbor, std::string(kPrefix)}, "abc"),
            "/v2/namespaces/default/connectors/harbor/abc");
  EXPECT_EQ(ClientPath(Address{kHarbor, ""}, "abc"), "/v2/abc");
}

}  // namespace
}  // namespace connector::dataplane::addressing
