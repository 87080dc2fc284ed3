#include "dataplane/addressing/target.h"
#include "tests/unit/dataplane/addressing/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <string>
#include <variant>

namespace connector::dataplane::addressing {
namespace {

using connector::oci::Action;
using connector::oci::Scope;
using http::Method;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Operation UpstreamTargetParse(Method method, const std::string& target) {
  return std::get<Operation>(ParseTarget(method, target));
}

const Scope kPull{"a/b", {Action::kPull}};
const Scope kPush{"a/b", {Action::kPull, Action::kPush}};
const Scope kDelete{"a/b", {Action::kDelete}};

struct ScopeRow {
  std::string name;
  Method method;
  std::string rest;
  Scope scope;

  friend void PrintTo(const ScopeRow& row, std::ostream* os) { *os << row.name; }
};

class ScopesForAsks : public ::testing::TestWithParam<ScopeRow> {};

TEST_P(ScopesForAsks, ExactlyWhatTheOperationNeeds) {
  EXPECT_THAT(ScopesFor(UpstreamTargetParse(GetParam().method, "/v2/a/b" + GetParam().rest), false),
              ElementsAre(GetParam().scope));
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ScopesForAsks,
    ::testing::Values(
        ScopeRow{"ManifestGet", Method::kGet, "/manifests/v", kPull},
        ScopeRow{"ManifestHead", Method::kHead, "/manifests/v", kPull},
        ScopeRow{"ManifestPut", Method::kPut, "/manifests/v", kPush},
        ScopeRow{"ManifestDelete", Method::kDelete, "/manifests/v", kDelete},
        ScopeRow{"BlobGet", Method::kGet, "/blobs/" + kDigest, kPull},
        ScopeRow{"BlobDelete", Method::kDelete, "/blobs/" + kDigest, kDelete},
        ScopeRow{"UploadStart", Method::kPost, "/blobs/uploads/", kPush},
        ScopeRow{"AnonymousMount", Method::kPost, "/blobs/uploads/?mount=" + kDigest, kPush},
        ScopeRow{"MountFromItself",
                 Method::kPost,
                 "/blobs/uploads/?mount=" + kDigest + "&from=a/b",
                 kPush},
        ScopeRow{"UploadPatch", Method::kPatch, "/blobs/uploads/x", kPush},
        ScopeRow{"UploadPut", Method::kPut, "/blobs/uploads/x?digest=" + kDigest, kPush},
        ScopeRow{"UploadStatus", Method::kGet, "/blobs/uploads/x", kPush},
        ScopeRow{"UploadCancel", Method::kDelete, "/blobs/uploads/x", kPush},
        ScopeRow{"Tags", Method::kGet, "/tags/list", kPull},
        ScopeRow{"Referrers", Method::kGet, "/referrers/" + kDigest, kPull}),
    [](const auto& row) { return row.param.name; });

TEST(ScopesFor, AsksNothingForPing) {
  EXPECT_THAT(ScopesFor(UpstreamTargetParse(Method::kGet, "/v2/"), false), IsEmpty());
}

TEST(ScopesFor, AddsPullOnTheSourceOfAMount) {
  EXPECT_THAT(ScopesFor(UpstreamTargetParse(
                            Method::kPost, "/v2/a/b/blobs/uploads/?mount=" + kDigest + "&from=src"),
                        false),
              ElementsAre(kPush, Scope{"src", {Action::kPull}}));
}

TEST(ScopesFor, UsesDockerHubsNames) {
  EXPECT_THAT(
      ScopesFor(UpstreamTargetParse(Method::kPost,
                                    "/v2/alpine/blobs/uploads/?mount=" + kDigest + "&from=src"),
                true),
      ElementsAre(Scope{"library/alpine", {Action::kPull, Action::kPush}},
                  Scope{"library/src", {Action::kPull}}));
}

TEST(CancelScopesFor, AsksForDeleteToCancelAnUploadAndForNothingElse) {
  const std::string session = "/v2/alpine/blobs/uploads/x";
  const Scope cancel{"library/alpine", {Action::kDelete}};
  EXPECT_THAT(CancelScopesFor(UpstreamTargetParse(Method::kDelete, session), true),
              ElementsAre(cancel));
  EXPECT_THAT(CancelScopesFor(UpstreamTargetParse(Method::kPatch, session), true), IsEmpty());
  EXPECT_THAT(
      CancelScopesFor(UpstreamTargetParse(Method::kDelete, "/v2/alpine/manifests/v1"), true),
      IsEmpty());
}

TEST(AppendUpstreamTarget, UsesDockerHubsNamesForOneComponentOnly) {
  std::string out;
  AppendUpstreamTarget(out, UpstreamTargetParse(Method::kGet, "/v2/alpine/manifests/3"), true);
  out += ' ';
  AppendUpstreamTarget(out, UpstreamTargetParse(Method::kGet, "/v2/org/app/manifests/3"), true);
  out += ' ';
  AppendUpstreamTarget(
      out,
      UpstreamTargetParse(Method::kPost, "/v2/alpine/blobs/uploads/?from=x&mount=" + kDigest),
      true);

  EXPECT_EQ(out,
            "/v2/library/alpine/manifests/3 /v2/org/app/manifests/3 "
            "/v2/library/alpine/blobs/uploads/?mount=sha256%3A" +
                kHex + "&from=library%2Fx");
}

// Whatever is accepted is written for the registry as something that reads as the same operation,
// so that no text can mean one thing here and another there.
TEST(ParseTarget, ReadsItsOwnWritingAsTheSameOperation) {
  const std::string seeds[] = {"/v2/a/b/manifests/v1?ns=x&tag=y",
                               "/v2/a/manifests/" + kDigest + "?tag=v&tag=w",
                               "/v2/a/blobs/sha256%3a" + kHex,
                               "/v2/a/blobs/uploads/?mount=" + kDigest + "&from=b%2Fc&origin=d",
                               "/v2/a/blobs/uploads/?digest=" + kDigest,
                               "/v2/blobs/uploads/tags/list?n=7&last=z",
                               "/v2/a/referrers/" + kDigest + "?artifactType=a%2Fb%2bc",
                               "/v2/namespaces/n/connectors/c/a/tags/list?last=q"};
  constexpr std::string_view kBytes = "/%.:?&=;+-_aAbfmv012359\\#\x80 ~";
  const Method methods[] = {Method::kGet, Method::kPut, Method::kPost, Method::kDelete};
  std::mt19937 random(20240229);
  std::size_t accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string target = seeds[random() % std::size(seeds)];
    for (unsigned change = random() % 4; change > 0; --change) {
      const std::size_t at = random() % target.size();
      const char byte = kBytes[random() % kBytes.size()];
      switch (random() % 3) {
        case 0:
          target[at] = byte;
          break;
        case 1:
          target.insert(at, 1, byte);
          break;
        default:
          target.erase(at, 1);
      }
    }
    const Method method = methods[random() % std::size(methods)];
    const ParsedTarget parsed = ParseTarget(method, target);
    const auto* operation = std::get_if<Operation>(&parsed);
    std::string upstream;
    if (operation != nullptr) {
      AppendUpstreamTarget(upstream, *operation, false);
    }
    if (upstream.empty()) {
      continue;
    }
    ++accepted;
    Operation expected = *operation;
    expected.ns.clear();
    ASSERT_EQ(ParseTarget(method, upstream), ParsedTarget(expected)) << target << "\n" << upstream;
  }
  EXPECT_GT(accepted, 10'000U);
}

}  // namespace
}  // namespace connector::dataplane::addressing
