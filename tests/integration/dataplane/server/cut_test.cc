// A transfer that is cut in the middle reaches the client as a cut, in every framing, over plain
// connections and TLS, wherever the cut falls.

#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>

namespace connector::dataplane {
namespace {

using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::kRepositoryPath;
using testing_support::RawClient;
using testing_support::RawResponse;
using testing_support::TestCa;

const std::string kBlob = std::string(kRepositoryPath) + "/blobs/sha256:" + std::string(64, 'a');
const std::string kLength = "HTTP/1.1 200 OK\r\nContent-Length: ";
const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kUntilClose = "HTTP/1.1 200 OK\r\n\r\n";

// What a connection carries: the registry's TLS, and whether it ends with a close notification.
enum class Transport : std::uint8_t { kPlain, kTls, kTlsWithoutNotification };

struct CuttingRegistry {
  CuttingRegistry(Transport transport, const std::string& answer)
      : abrupt(transport == Transport::kTlsWithoutNotification),
        world([this,
               answer](const HttpRequest&) { return HttpAnswer{.raw = answer, .abrupt = abrupt}; },
              Options(transport)) {}

  testing_support::WorldOptions Options(Transport transport) const {
    if (transport == Transport::kPlain) {
      return {};
    }
    return {.tls = testing_support::TlsSetup{ca.Issue()}, .ca_pem = ca.pem()};
  }

  TestCa ca;
  bool abrupt;
  DataplaneWorld world;
};

struct Cut {
  std::string name;
  std::string answer;

  friend void PrintTo(const Cut& row, std::ostream* os) { *os << row.name; }
};

std::string NameOf(const ::testing::TestParamInfo<std::tuple<Cut, Transport>>& row) {
  constexpr const char* kNames[] = {"Plain", "Tls", "TlsWithoutNotification"};
  return std::get<0>(row.param).name + kNames[static_cast<int>(std::get<1>(row.param))];
}

class ACut : public ::testing::TestWithParam<std::tuple<Cut, Transport>> {};

TEST_P(ACut, IsNeverAShortSuccess) {
  CuttingRegistry registry(std::get<1>(GetParam()), std::get<0>(GetParam()).answer);
  RawClient client(registry.world.port());

  client.Send(DataplaneWorld::Request("GET", kBlob));
  const RawResponse response = client.Read();

  EXPECT_TRUE(response.status == 200 || response.status == 502) << response.status;
  EXPECT_FALSE(response.status == 200 && response.complete);
  if (response.status == 200) {
    EXPECT_TRUE(client.AtEnd());
  }
}

const std::string kMiB(1 << 20, 'x');

INSTANTIATE_TEST_SUITE_P(
    At,
    ACut,
    ::testing::Combine(
        ::testing::Values(Cut{"TheHead", "HTTP/1.1 200 OK\r\nContent-Le"},
                          Cut{"TheStartOfALength", kLength + "5\r\n\r\n"},
                          Cut{"TheMiddleOfALength", kLength + "5\r\n\r\nhell"},
                          Cut{"TheLastByteOfALongLength", kLength + "1048577\r\n\r\n" + kMiB},
                          Cut{"TheMiddleOfALongLength", kLength + "4194304\r\n\r\n" + kMiB},
                          Cut{"TheFirstChunkHeader", kChunked},
                          Cut{"TheSizeOfAChunk", kChunked + "5\r\nhello\r\n1"},
                          Cut{"TheExtensionOfAChunk", kChunked + "5\r\nhello\r\n5;name"},
                          Cut{"TheLineEndOfAChunkHeader", kChunked + "5\r\nhello\r\n5\r"},
                          Cut{"TheStartOfAChunk", kChunked + "5\r\n"},
                          Cut{"TheMiddleOfAChunk", kChunked + "5\r\nhel"},
                          Cut{"TheMiddleOfALongChunk", kChunked + "400000\r\n" + kMiB},
                          Cut{"TheEndOfAChunk", kChunked + "5\r\nhello"},
                          Cut{"TheLineEndOfAChunk", kChunked + "5\r\nhello\r"},
                          Cut{"TheNextChunkHeader", kChunked + "5\r\nhello\r\n"},
                          Cut{"TheSizeOfTheLastChunk", kChunked + "5\r\nhello\r\n0"},
                          Cut{"TheLastChunk", kChunked + "5\r\nhello\r\n0\r\n"},
                          Cut{"ATrailer", kChunked + "5\r\nhello\r\n0\r\nX-Checksum: 1\r\n"}),
        ::testing::Values(Transport::kPlain, Transport::kTls, Transport::kTlsWithoutNotification)),
    NameOf);

TEST(ABodyUntilTheClose, OverTlsIsWholeOnlyWithACloseNotification) {
  for (const Transport transport : {Transport::kTls, Transport::kTlsWithoutNotification}) {
    CuttingRegistry registry(transport, kUntilClose + "hello");

    const RawResponse response = registry.world.Do("GET", kBlob);

    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(response.complete, transport == Transport::kTls);
  }
}

TEST(ABodyUntilTheClose, ThatTheRegistryResetsIsACut) {
  std::promise<void> seen;
  DataplaneWorld world([future = seen.get_future().share()](const HttpRequest&) {
    return HttpAnswer{.raw = kUntilClose + "hello", .before_reset = [future] { future.wait(); }};
  });
  RawClient client(world.port());

  client.Send(DataplaneWorld::Request("GET", kBlob));
  EXPECT_EQ(client.Read(true).status, 200);
  seen.set_value();

  EXPECT_EQ(client.ReadToEnd(), "5\r\nhello\r\n") << "and no last chunk";
}

// Where the end of the connection is the end of the body, only a reset tells a cut.
class AnHttp10Client : public ::testing::TestWithParam<Cut> {};

TEST_P(AnHttp10Client, SeesACutAsAReset) {
  CuttingRegistry registry(Transport::kPlain, GetParam().answer);
  RawClient client(registry.world.port());

  client.Send("GET " + kBlob +
              " HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer caller-token\r\n\r\n");
  const RawResponse response = client.Read();

  EXPECT_EQ(response.Header("content-length"), "");
  EXPECT_FALSE(response.complete);
}

INSTANTIATE_TEST_SUITE_P(Of,
                         AnHttp10Client,
                         ::testing::Values(Cut{"AChunk", kChunked + "400000\r\n" + kMiB},
                                           Cut{"TheLastChunk", kChunked + "5\r\nhello\r\n0\r\n"}),
                         [](const auto& row) { return row.param.name; });

TEST(ATagList, ThatIsCutIsA502) {
  CuttingRegistry registry(Transport::kPlain,
                           kLength + "100\r\n\r\n{\"name\":\"team/app\",\"tags\":[\"a\"]}");

  EXPECT_EQ(registry.world.Do("GET", std::string(kRepositoryPath) + "/tags/list").status, 502);
}

TEST(ACutUpload, InsideAChunkHeaderDoesNotReachTheRegistryAsWhole) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 202, .headers = {{"Location", "/v2/team/app/blobs/uploads/s"}}};
  });
  const std::string location =
      world.Do("POST", std::string(kRepositoryPath) + "/blobs/uploads/").Header("location");
  for (const char* body :
       {"5\r\nhello\r\n", "5\r\nhello\r\n1", "5\r\nhello\r\n0\r\n", "5\r\nhel"}) {
    RawClient client(world.port());
    client.Send(DataplaneWorld::Request("PATCH", location, "Transfer-Encoding: chunked\r\n") +
                body);
  }
  // Comes after the cut ones on the same core, to a registry that takes one after the other.
  EXPECT_EQ(world.Do("POST", std::string(kRepositoryPath) + "/blobs/uploads/").status, 202);

  for (const HttpRequest& request : world.registry().requests()) {
    EXPECT_EQ(request.method, "POST");
  }
}

}  // namespace
}  // namespace connector::dataplane
