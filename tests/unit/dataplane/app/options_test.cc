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

std::vector<std::string> PathsOf(const std::vector<config::Problem>& problems) {
  std::vector<std::string> paths;
  for (const config::Problem& problem : problems) {
    paths.push_back(problem.path);
  }
  return paths;
}

TEST(AnAddress, ThatTheServerWouldGuessAtIsRefused) {
  const std::string path = ::testing::TempDir() + "/dataplane_addresses.yaml";
  std::ofstream(path) << "listeners: [{address: '18710'}, {address: '*:8080'}, {address: ':8080'}, "
                         "{address: '[::]:8080'}]\nadminAddress: 0.0.0.0\n"
                         "broker: {address: 'b:1', caFile: a, certificateFile: b, keyFile: c}\n";
  DataplaneOptions options;
  EXPECT_THAT(
      PathsOf(LoadOptions(path, options)),
      ElementsAre(
          "listeners[0].address", "listeners[1].address", "listeners[2].address", "adminAddress"));
}

TEST(TheMachine, IsAskedForAddressesAndFiles) {
  DataplaneOptions options;
  options.admin_address = "192.0.2.1:0";
  options.broker_tls = {"/not/there.crt", "/not/there.key", "/not/there-ca.crt"};
  options.server.listeners.resize(2);
  options.server.listeners[0].address = "127.0.0.1:0";
  options.server.listeners[1].address = "192.0.2.1:0";
  options.server.listeners[1].certificate_file = "/not/a.crt";
  options.server.listeners[1].key_file = "/not/a.key";
  EXPECT_THAT(PathsOf(CheckMachine("f", options)),
              ElementsAre("listeners[1].address",
                          "listeners[1].tls.certificateFile",
                          "listeners[1].tls.keyFile",
                          "adminAddress",
                          "broker.certificateFile",
                          "broker.keyFile",
                          "broker.caFile"));
}

TEST(TheShareOfAnAddress, IsAtMostTheLimit) {
  DataplaneOptions options;

  EXPECT_THAT(Load("{maxConnections: 10, maxConnectionsPerAddress: 11}", options),
              ElementsAre(Field(&config::Problem::path, "limits.maxConnectionsPerAddress")));
}

}  // namespace
}  // namespace connector::dataplane::app
