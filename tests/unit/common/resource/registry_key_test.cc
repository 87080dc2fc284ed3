#include "common/resource/registry_key.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace connector::resource {
namespace {

TEST(ParseRegistryKey, DropsSchemeVersionAndDefaultPort) {
  struct Row {
    std::string_view key;
    std::string_view host;
    std::string_view path;
  };
  for (const Row& row : {Row{"r.example", "r.example", ""},
                         Row{"https://R.Example/", "r.example", ""},
                         Row{"http://r.example:80/v1/", "r.example", ""},
                         Row{"r.example:443/v2", "r.example", ""},
                         Row{"r.example:5000/team/app/", "r.example:5000", "team/app"},
                         Row{"https://r.example/v2/team", "r.example", "team"},
                         Row{"r.example/v2x/team", "r.example", "v2x/team"},
                         Row{"", "", ""}}) {
    const RegistryKey key = ParseRegistryKey(row.key);
    EXPECT_EQ(key.host, row.host) << row.key;
    EXPECT_EQ(key.path, row.path) << row.key;
  }
}

TEST(IsOfRegistry, MatchesLabelByLabel) {
  struct Row {
    std::string_view key;
    std::string_view registry;
    bool is;
  };
  for (const Row& row : {Row{"r.example", "r.example", true},
                         Row{"*.r.example", "eu.r.example", true},
                         Row{"*.r.example", "r.example", false},
                         Row{"*.r.example", "a.eu.r.example", false},
                         Row{"*.example", "eu.r.example", false},
                         Row{"*.*.example", "eu.r.example", true},
                         Row{"eu-*.example", "eu-west.example", true},
                         Row{"eu-*.example", "us-west.example", false},
                         Row{"*a*b.example", "xaxxb.example", true},
                         Row{"*a*b.example", "xaxxc.example", false},
                         Row{"r?.example", "r1.example", true},
                         Row{"r?.example", "r.example", false},
                         Row{"r[1-3].example", "r2.example", true},
                         Row{"r[1-3].example", "r4.example", false},
                         Row{"r[^1-3].example", "r4.example", true},
                         Row{"r[^1-3].example", "r2.example", false},
                         Row{"r[13.example", "r1.example", false},
                         Row{"*.example:5000", "r.example:5000", true},
                         Row{"*.example", "r.example:5000", false},
                         Row{"*.example:*", "r.example:5000", false},
                         Row{"[::1]:5000", "[::1]:5000", true},
                         Row{"[a-z]*", "[::1]", false},
                         Row{"docker.io", "registry-1.docker.io", true},
                         Row{"*", "r.example", false},
                         Row{"", "r.example", false}}) {
    EXPECT_EQ(IsOfRegistry(ParseRegistryKey(row.key), row.registry), row.is)
        << row.key << " of " << row.registry;
  }
}

TEST(IsOfRegistry, TakesBoundedTimeForAHostilePattern) {
  std::string pattern;
  for (int i = 0; i < 100'000; ++i) {
    pattern += "*a";
  }
  EXPECT_FALSE(IsOfRegistry({pattern + "b.example", ""}, std::string(63, 'a') + ".example"));
}

TEST(Covers, GoesByWholeComponents) {
  const auto covers = [](std::string_view key, std::string_view repository) {
    return Covers(ParseRegistryKey(key), repository);
  };
  EXPECT_TRUE(covers("r.example", "team/app"));
  EXPECT_TRUE(covers("r.example/team", "team/app"));
  EXPECT_TRUE(covers("r.example/team/app", "team/app"));
  EXPECT_FALSE(covers("r.example/team", "team-b/app"));
  EXPECT_FALSE(covers("r.example/team/app", "team"));
}

TEST(IsMoreSpecific, IsTheLongerPathThenTheHostWithoutGlobs) {
  const auto more = [](std::string_view a, std::string_view b) {
    return IsMoreSpecific(ParseRegistryKey(a), ParseRegistryKey(b));
  };
  EXPECT_TRUE(more("*.example/a/b", "r.example/a"));
  EXPECT_TRUE(more("r.example/a", "r.example"));
  EXPECT_TRUE(more("r.example/a", "*.example/a"));
  EXPECT_FALSE(more("r.example/a", "r.example/b"));
}

}  // namespace
}  // namespace connector::resource
