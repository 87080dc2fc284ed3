#include "dataplane/app/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace connector::dataplane::app {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

constexpr std::string_view kRequired =
    "listeners: [{address: '127.0.0.1:0'}]\n"
    "adminAddress: 127.0.0.1:0\n"
    "broker: {address: 'b:1', caFile: a, certificateFile: b, keyFile: c}\n";

std::vector<config::Problem> Load(const std::string& limits, DataplaneOptions& out) {
  const std::string path = ::testing::TempDir() + "/dataplane.yaml";
  std::ofstream(path) << kRequired << "limits: " << limits << "\n";
  return LoadOptions(path, out);
}

TEST(TheLimitsOfClients, HaveDefaults) {
  DataplaneOptions options;

  EXPECT_THAT(Load("{}", options), IsEmpty());

  EXPECT_EQ(options.server.settings.max_connections, 8192U);
  EXPECT_EQ(options.server.settings.max_connections_per_address, 0U) << "a fair share";
  EXPECT_EQ(options.server.settings.min_client_rate, 1024U);
  EXPECT_EQ(options.server.settings.refused_tokens_per_second, 10U);
}

TEST(TheLimitsOfClients, AreReadFromTheConfiguration) {
  DataplaneOptions options;

  EXPECT_THAT(Load("{maxConnections: 10, maxConnectionsPerAddress: 10, minClientRate: 1}", options),
              IsEmpty());

  EXPECT_EQ(options.server.settings.max_connections_per_address, 10U);
  EXPECT_EQ(options.server.settings.min_client_rate, 1U);
}

TEST(TheRateOfRefusedTokens, IsReadFromTheConfiguration) {
  DataplaneOptions options;

  EXPECT_THAT(Load("{refusedTokensPerSecond: 500}", options), IsEmpty());
  EXPECT_EQ(options.server.settings.refused_tokens_per_second, 500U);
  EXPECT_THAT(Load("{refusedTokensPerSecond: 1000001}", options),
              ElementsAre(Field(&config::Problem::path, "limits.refusedTokensPerSecond")));
}

TEST(TheShareOfAnAddress, IsAtMostTheLimit) {
  DataplaneOptions options;

  EXPECT_THAT(Load("{maxConnections: 10, maxConnectionsPerAddress: 11}", options),
              ElementsAre(Field(&config::Problem::path, "limits.maxConnectionsPerAddress")));
}

}  // namespace
}  // namespace connector::dataplane::app
