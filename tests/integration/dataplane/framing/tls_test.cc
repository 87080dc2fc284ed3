// The same rules over TLS, where bytes wait in TLS's own buffer and not only in the kernel's.

#include "tests/support/cpp/dataplane_world.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::framing {
namespace {

using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::TestCa;
using testing_support::TlsSetup;
using testing_support::WorldOptions;

const std::string kManifests = std::string(testing_support::kRepositoryPath) + "/manifests/";
// Longer than the data plane reads with a head, so that its end is read by itself.
const std::string kBody(100'000, 'x');
const std::string kWhole = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + kBody;
const std::string kUncalledFor = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

// A registry that sends `more` behind its first answer, in the same TLS record as that one's end.
class OverTls : public ::testing::Test {
 protected:
  std::string SecondAnswerAfter(const std::string& more) {
    const TestCa ca;
    WorldOptions options;
    options.tls = TlsSetup{ca.Issue()};
    options.ca_pem = ca.pem();
    DataplaneWorld world(
        [&](const HttpRequest& request) {
          return request.target.ends_with("/v1") ? HttpAnswer{.raw = kWhole + more, .keep = true}
                                                 : HttpAnswer{.status = 200, .body = "the second"};
        },
        options);
    EXPECT_EQ(world.Do("GET", kManifests + "v1").body, kBody);
    std::string second = world.Do("GET", kManifests + "v2").body;
    connections_ = world.registry().connections();
    return second;
  }

  std::size_t connections_ = 0;
};

TEST_F(OverTls, AConnectionIsUsedAgain) {
  EXPECT_EQ(SecondAnswerAfter(""), "the second");
  EXPECT_EQ(connections_, 1U);
}

TEST_F(OverTls, BytesBehindAnAnswerAreNeverTheNextOne) {
  EXPECT_EQ(SecondAnswerAfter(kUncalledFor), "the second");
  EXPECT_EQ(connections_, 2U);
}

}  // namespace
}  // namespace connector::framing
