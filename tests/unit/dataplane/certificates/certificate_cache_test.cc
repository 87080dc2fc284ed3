#include "dataplane/certificates/certificate_cache.h"

#include "common/x509/x509_certificates.h"
#include "tests/support/cpp/fake_certificate_issuer.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace connector::dataplane::certificates {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing_support::FakeCertificateIssuer;
using testing_support::HasErrorMessage;
using testing_support::RunTask;

const std::string kHost = "c-harbor.default.svc";

class CertificateCacheTest : public ::testing::Test {
 protected:
  Result<net::ServerCertificatePtr> Fetch(const std::string& host = kHost) {
    return RunTask(cache_->Fetch(host, Deadline::max()));
  }

  testing_support::FakeClock clock_;
  FakeCertificateIssuer issuer_{clock_};
  log::Logger log_{2, "test", log::Level::kError};
  std::unique_ptr<CertificateCache> cache_ = *CertificateCache::Make(issuer_, clock_, log_);
};

TEST_F(CertificateCacheTest, FindsWhatWasFetched) {
  EXPECT_EQ(cache_->Find(kHost), nullptr);
  const auto fetched = Fetch();

  ASSERT_TRUE(fetched.has_value());
  EXPECT_EQ(cache_->Find(kHost), *fetched);
  EXPECT_TRUE(x509::IsKeyOf((*fetched)->certificate.get(), (*fetched)->key.get()));
  EXPECT_THAT(issuer_.hosts(), ElementsAre(kHost));
}

TEST_F(CertificateCacheTest, HasOneKeyForAllHosts) {
  EXPECT_EQ((*Fetch("c-a.default.svc"))->key, (*Fetch("c-b.default.svc"))->key);
}

TEST_F(CertificateCacheTest, JoinsWaitersOfOneHostToOneQuestion) {
  issuer_.Hold();
  asio::io_context io;
  int served = 0;
  for (int i = 0; i < 50; ++i) {
    asio::co_spawn(io,
                   cache_->Fetch(kHost, Deadline::max()),
                   [&](std::exception_ptr, Result<net::ServerCertificatePtr> outcome) {
                     served += outcome.has_value() ? 1 : 0;
                   });
  }
  io.poll();
  issuer_.Release();
  io.restart();
  io.run();

  EXPECT_EQ(served, 50);
  EXPECT_THAT(issuer_.hosts(), SizeIs(1));
}

TEST_F(CertificateCacheTest, GivesUpAtTheDeadlineOfTheHandshake) {
  issuer_.Hold();

  EXPECT_THAT(RunTask(cache_->Fetch(
                  kHost, std::chrono::steady_clock::now() + std::chrono::milliseconds(5))),
              HasErrorMessage(ErrorCode::kDeadlineExceeded, HasSubstr("handshake")));
  issuer_.Release();
}

TEST_F(CertificateCacheTest, RenewsAheadAndServesTheOldOneMeanwhile) {
  const auto first = *Fetch();
  clock_.Advance(FakeCertificateIssuer::kLife / 2);
  EXPECT_EQ(cache_->Find(kHost), first);
  EXPECT_THAT(issuer_.hosts(), SizeIs(1)) << "not yet";

  clock_.Advance(FakeCertificateIssuer::kLife / 4);  // Two thirds and a tenth of them are over.
  issuer_.Hold();
  EXPECT_EQ(cache_->Find(kHost), first);
  EXPECT_EQ(cache_->Find(kHost), first) << "asked once";
  EXPECT_THAT(issuer_.hosts(), SizeIs(2));

  issuer_.Release();
  EXPECT_NE(cache_->Find(kHost), first);
  EXPECT_NE(cache_->Find(kHost), nullptr);
}

TEST_F(CertificateCacheTest, ServesOnWhenTheBrokerIsAway) {
  const auto first = *Fetch();
  issuer_.FailWith("the broker is away");
  clock_.Advance(FakeCertificateIssuer::kLife * 3 / 4);

  EXPECT_EQ(cache_->Find(kHost), first);
  EXPECT_EQ(cache_->Find(kHost), first);
  EXPECT_THAT(issuer_.hosts(), SizeIs(2)) << "not again before the backoff is over";
  clock_.Advance(kCertificateBackoff.longest);
  EXPECT_EQ(cache_->Find(kHost), first);
  EXPECT_THAT(issuer_.hosts(), SizeIs(3));
}

TEST_F(CertificateCacheTest, NeverServesPastTheEnd) {
  ASSERT_TRUE(Fetch().has_value());
  issuer_.FailWith("the broker is away");
  clock_.Advance(FakeCertificateIssuer::kLife);

  EXPECT_EQ(cache_->Find(kHost), nullptr);
  EXPECT_EQ(cache_->Stats().held, 0U);
  EXPECT_THAT(Fetch(), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("away")));
}

TEST_F(CertificateCacheTest, AsksAgainOnlyAfterABackoff) {
  issuer_.FailWith("the broker is away");
  EXPECT_THAT(Fetch(), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("away")));
  EXPECT_THAT(Fetch(), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("away")));
  EXPECT_THAT(issuer_.hosts(), SizeIs(1));

  issuer_.FailWith("");
  clock_.Advance(kCertificateBackoff.first);
  EXPECT_TRUE(Fetch().has_value());
  EXPECT_EQ(cache_->Stats().failed, 1U);
  EXPECT_EQ(cache_->Stats().issued, 1U);
}

TEST_F(CertificateCacheTest, RefusesACertificateThatHasEnded) {
  issuer_.IssueWith([&](FakeCertificateIssuer::Made& made) {
    made.validity = {clock_.Now() - std::chrono::hours(2), clock_.Now()};
  });

  EXPECT_THAT(Fetch(), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("has ended")));
}

TEST_F(CertificateCacheTest, RefusesACertificateForAnotherHost) {
  issuer_.IssueWith([](FakeCertificateIssuer::Made& made) { made.host = "c-other.default.svc"; });

  EXPECT_THAT(Fetch(), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("another host")));
}

TEST_F(CertificateCacheTest, RefusesACertificateForAnotherKey) {
  const std::shared_ptr<EVP_PKEY> other = *x509::MakeEcKey();
  issuer_.IssueWith([&](FakeCertificateIssuer::Made& made) { made.key = other; });

  EXPECT_THAT(Fetch(), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("another key")));
}

TEST_F(CertificateCacheTest, ForgetsHostsThatAreNotServedAnyMore) {
  ASSERT_TRUE(Fetch("c-a.default.svc").has_value());
  ASSERT_TRUE(Fetch("c-b.default.svc").has_value());

  cache_->Retain([](const std::string& host) { return host == "c-b.default.svc"; });

  EXPECT_EQ(cache_->Find("c-a.default.svc"), nullptr);
  EXPECT_NE(cache_->Find("c-b.default.svc"), nullptr);
}

TEST_F(CertificateCacheTest, KeepsNothingOfAHostThatWentWhileTheBrokerWasAsked) {
  issuer_.Hold();
  asio::io_context io;
  asio::co_spawn(io,
                 cache_->Fetch(kHost, Deadline::max()),
                 [](std::exception_ptr, const Result<net::ServerCertificatePtr>&) {});
  io.poll();
  cache_->Retain([](const std::string&) { return false; });
  issuer_.Release();
  io.restart();
  io.run();

  EXPECT_EQ(cache_->Stats().held, 0U);
}

}  // namespace
}  // namespace connector::dataplane::certificates
