#include "common/resource/vault_location.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::resource {
namespace {

TEST(VaultPathProblem, AcceptsPathsOfTheApi) {
  for (const char* good :
       {"secret/data/ci/harbor", "database/creds/my-role", "a/b", "kv/data/robot$x@host"}) {
    const bool plain = std::string(good).find('$') == std::string::npos;
    EXPECT_EQ(VaultPathProblem(good).empty(), plain) << good;
  }
}

struct Bad {
  const char* path;
  const char* problem;
};

class VaultPathProblemOf : public ::testing::TestWithParam<Bad> {};

TEST_P(VaultPathProblemOf, SaysWhatIsWrong) {
  EXPECT_EQ(VaultPathProblem(GetParam().path), GetParam().problem);
}

constexpr const char* kEmpty =
    "has an empty segment; write it without a slash at either end and without //";
constexpr const char* kCharacter =
    "holds a character that is not a letter, a digit or one of ._~@+=:-";

INSTANTIATE_TEST_SUITE_P(,
                         VaultPathProblemOf,
                         ::testing::Values(Bad{"", kEmpty},
                                           Bad{"/secret/x", kEmpty},
                                           Bad{"secret/x/", kEmpty},
                                           Bad{"secret//x", kEmpty},
                                           Bad{"secret/../x", "has a segment of dots alone"},
                                           Bad{"secret/./x", "has a segment of dots alone"},
                                           Bad{"secret/%2e%2e/x", kCharacter},
                                           Bad{"secret/x?version=1", kCharacter},
                                           Bad{"secret/x#f", kCharacter},
                                           Bad{"secret/a b", kCharacter},
                                           Bad{"secret/a\\b", kCharacter},
                                           Bad{"secret/*", kCharacter},
                                           Bad{"v1/secret/x",
                                               "starts with v1/; write the path without it"},
                                           Bad{"secret", "has no segment after the mount's"}));

TEST(VaultPathProblem, BoundsTheLength) {
  EXPECT_EQ(VaultPathProblem("a/" + std::string(510, 'x')), "");
  EXPECT_EQ(VaultPathProblem("a/" + std::string(511, 'x')), "is longer than 512 bytes");
}

TEST(VaultNamespaceProblem, AcceptsNoneAndNested) {
  EXPECT_EQ(VaultNamespaceProblem(""), "");
  EXPECT_EQ(VaultNamespaceProblem("admin/team-a"), "");
  EXPECT_NE(VaultNamespaceProblem("admin/../root"), "");
  EXPECT_NE(VaultNamespaceProblem("admin/"), "");
}

}  // namespace
}  // namespace connector::resource
