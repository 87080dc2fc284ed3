// What a TLS connection to a registry verifies, with both ends in this program.

#include "dataplane/net/stream.h"
#include "dataplane/net/tls.h"
#include "tests/support/cpp/loopback_pair.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/test_ca.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

namespace connector::dataplane::net {
namespace {

using testing_support::CertificateRequest;
using testing_support::HasError;
using testing_support::LoopbackPair;
using testing_support::RunTask;
using testing_support::ScratchDir;
using testing_support::TestCa;

constexpr std::chrono::milliseconds kSoonEnough{10000};

struct Connected {
  Result<Done> result;
  TlsSession session = nullptr;  // Null after a resumption too.
};

// A registry with one certificate, and a client that trusts its CA.
class UpstreamTls : public testing::Test {
 protected:
  void Serve(const CertificateRequest& request) {
    const testing_support::TlsIdentity identity = ca_.Issue(request);
    testing_support::ReplaceFile(files_ / "cert.pem", identity.certificate_pem);
    testing_support::ReplaceFile(files_ / "key.pem", identity.key_pem);
    auto context = MakeListenerContext(files_ / "cert.pem", files_ / "key.pem");
    ASSERT_TRUE(context) << context.error().message;
    server_ = std::move(*context);
    // Our own listener resumes nothing; registries do.
    SSL_CTX_set_session_cache_mode(server_.get(), SSL_SESS_CACHE_SERVER);
  }

  Connected Connect(const std::string& host, const TlsSession& session = nullptr) {
    asio::io_context io;
    Timers timers(io);
    LoopbackPair pair(io);
    Stream server(std::move(pair.peer), timers);
    Stream client(std::move(pair.ours), timers);
    asio::co_spawn(io, Answer(server), asio::detached);
    return RunTask(io, Ask(client, host, session));
  }

 private:
  Task<void> Answer(Stream& server) {
    const Result<Done> accepted = co_await server.AcceptTls(server_.get(), nullptr, kSoonEnough);
    if (accepted) {
      (void)co_await server.WriteAll("x", kSoonEnough);
    }
  }

  Task<Connected> Ask(Stream& client, std::string host, TlsSession session) {
    Result<Done> connected =
        co_await client.ConnectTls(client_.get(), std::move(host), std::move(session), kSoonEnough);
    TlsSession next;
    if (connected) {
      char byte = 0;
      (void)co_await client.Read(&byte, 1, kSoonEnough);  // Tickets come before it.
      next = client.TakeSession();
    }
    client.Close();
    Connected out{std::move(connected), std::move(next)};
    co_return out;
  }

  ScratchDir files_;
  TestCa ca_;
  TlsContext server_;
  TlsContext client_ = *MakeUpstreamContext(ca_.pem());
};

TEST_F(UpstreamTls, NeverLooksForTheHostInTheCommonName) {
  Serve({.names = {"DNS:registry.test"}, .common_name = "other.test"});
  EXPECT_TRUE(Connect("registry.test").result);
  EXPECT_THAT(Connect("other.test").result, HasError(ErrorCode::kUnavailable));

  Serve({.names = {}, .common_name = "registry.test"});
  EXPECT_THAT(Connect("registry.test").result, HasError(ErrorCode::kUnavailable));
}

TEST_F(UpstreamTls, ResumesASessionWhoseAgeCountsFromTheVerification) {
  Serve({.names = {"DNS:registry.test"}});
  const Connected full = Connect("registry.test");
  ASSERT_NE(full.session, nullptr);

  const Connected resumed = Connect("registry.test", full.session);

  EXPECT_TRUE(resumed.result);
  EXPECT_EQ(resumed.session, nullptr) << "it was not resumed, or a resumed session is taken on";
}

TEST_F(UpstreamTls, ResumesNoSessionOfACertificateThatHasExpired) {
  Serve({.names = {"DNS:registry.test"}, .valid_to_seconds = 2});
  const Connected full = Connect("registry.test");
  ASSERT_NE(full.session, nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(3100));

  EXPECT_THAT(Connect("registry.test", full.session).result, HasError(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace connector::dataplane::net
