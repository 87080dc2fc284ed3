#include "common/connections/listen_address.h"

#include "tests/support/cpp/result_matchers.h"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::connections {
namespace {

using asio::ip::tcp;
using ::testing::HasSubstr;
using testing_support::HasErrorMessage;

std::string Parsed(std::string_view text) {
  const Result<tcp::endpoint> endpoint = ParseListenAddress(text);
  return endpoint ? endpoint->address().to_string() + " " + std::to_string(endpoint->port())
                  : "refused";
}

TEST(ParseListenAddress, ReadsAnAddressOfEitherFamily) {
  EXPECT_EQ(Parsed("0.0.0.0:8080"), "0.0.0.0 8080");
  EXPECT_EQ(Parsed("127.0.0.1:0"), "127.0.0.1 0");
  EXPECT_EQ(Parsed("[::]:65535"), ":: 65535");
  EXPECT_EQ(Parsed("localhost:1"), "127.0.0.1 1");
}

TEST(ParseListenAddress, RefusesWhatSomeServersGuessAt) {
  for (const char* text : {"",
                           ":7443",
                           "0.0.0.0",
                           "18710",
                           "*:8080",
                           "0.0.0.0:",
                           "0.0.0.0:http",
                           "0.0.0.0:65536",
                           "0.0.0.0:-1",
                           "0.0.0.0:80 ",
                           ":::80",
                           "[0.0.0.0]:80",
                           "[::]",
                           "host.example:80"}) {
    EXPECT_EQ(Parsed(text), "refused") << text;
  }
}

TEST(CheckListening, TakesAPortThatIsTakenForFineAndAForeignAddressNot) {
  asio::io_context io;
  const tcp::acceptor taken(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  EXPECT_TRUE(CheckListening(taken.local_endpoint()));
  EXPECT_THAT(CheckListening(*ParseListenAddress("192.0.2.1:0")),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("cannot be listened on")));
}

}  // namespace
}  // namespace connector::connections
