// A program of its own: the OpenSSL default that it sets holds for the whole process, as it does in
// the broker.

#include "common/curl/curl_client.h"
#include "tests/support/cpp/http_server.h"
#include "tests/support/cpp/run_task.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/ssl.h>

namespace connector::curl {
namespace {

using testing_support::HttpAnswer;
using testing_support::HttpServer;
using testing_support::TestCa;
using testing_support::TlsSetup;

void AllowOnlyTls13ByDefault() {
  constexpr char kText[] =
      "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n"
      "[tls]\nProtocol = -TLSv1.2\nMinProtocol = TLSv1.3\n";
  BIO* bio = BIO_new_mem_buf(kText, -1);
  CONF* conf = NCONF_new(nullptr);
  ASSERT_EQ(NCONF_load_bio(conf, bio, nullptr), 1);
  ASSERT_EQ(CONF_modules_load(conf, nullptr, 0), 1);
  NCONF_free(conf);
  BIO_free(bio);
}

TEST(CurlClient, SpeaksTls12ThoughTheProcessDefaultIsTls13) {
  AllowOnlyTls13ByDefault();
  SSL_CTX* untouched = SSL_CTX_new(TLS_client_method());
  ASSERT_NE(SSL_CTX_get_options(untouched) & SSL_OP_NO_TLSv1_2, 0U);
  SSL_CTX_free(untouched);
  const TestCa ca;
  const auto answer = [](const testing_support::HttpRequest&) { return HttpAnswer{}; };
  const HttpServer server(answer, TlsSetup{ca.Issue(), TLS1_2_VERSION});
  CurlRequest request;
  request.url = *http::ParseUrl(server.address());
  request.ca_pem = ca.pem();
  CurlClient client;

  const Result<CurlResponse> response = testing_support::RunTask(client.Perform(
      std::move(request), std::chrono::steady_clock::now() + std::chrono::seconds(20)));

  EXPECT_TRUE(response.has_value()) << response.error().message;
}

}  // namespace
}  // namespace connector::curl
