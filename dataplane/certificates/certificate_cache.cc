#include "dataplane/certificates/certificate_cache.h"

#include "common/resilience/random.h"
#include "common/resilience/single_flight.h"
#include "common/resilience/token_bucket.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace connector::dataplane::certificates {
namespace {

using Issued = Result<net::ServerCertificatePtr>;
using Flights = resilience::SingleFlightGroup<std::string, Issued>;

// A broker that is away fails every host at once; a few lines say as much as thousands.
constexpr double kLogLinesPerSecond = 0.1;
constexpr double kLogBurst = 10;

Error BadCertificate(std::string what) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kBroker,
                   "the broker's certificate cannot be used: " + std::move(what));
}

}  // namespace

struct CertificateCache::State : std::enable_shared_from_this<State> {
  State(CertificateIssuer& broker, const Clock& wall, log::Logger& log)
      : issuer(broker), clock(wall), logger(log) {}

  struct Entry {
    net::ServerCertificatePtr certificate;  // Null until there is one.
    WallTime not_after;
    WallTime ask_at;  // Not before: after a failure, or ahead of the certificate's end.
    unsigned failures = 0;
    Error failure;  // The last one, where there is no certificate.
  };

  void Ask(const std::string& host);
  void Complete(const std::string& host, const Result<std::string>& der);
  [[nodiscard]] Issued Check(const std::string& host, const std::string& der, Entry& entry) const;
  void NoteFailure(const std::string& host, const Error& error, Entry& entry);

  CertificateIssuer& issuer;
  const Clock& clock;
  log::Logger& logger;
  std::shared_ptr<EVP_PKEY> key;
  std::string proof;

  mutable std::mutex mutex;
  std::map<std::string, Entry> entries;  // By host.
  Flights flights;
  resilience::TokenBucket log_turns{
      kLogLinesPerSecond, kLogBurst, std::chrono::steady_clock::now()};
  std::uint64_t issued = 0;
  std::uint64_t failed = 0;
};

// Not under the lock: an issuer may answer at once.
void CertificateCache::State::Ask(const std::string& host) {
  issuer.Issue(host, proof, [state = shared_from_this(), host](const Result<std::string>& der) {
    state->Complete(host, der);
  });
}

void CertificateCache::State::Complete(const std::string& host, const Result<std::string>& der) {
  Entry next;
  Issued outcome = der ? Check(host, *der, next) : Issued(der.error());
  std::shared_ptr<Flights::Call> ended;
  {
    const std::lock_guard lock(mutex);
    ended = flights.Complete(host);
    const auto entry = entries.find(host);  // Gone with its route, perhaps.
    if (outcome) {
      ++issued;
      if (entry != entries.end()) {
        entry->second = std::move(next);
      }
    } else {
      ++failed;
      if (entry != entries.end()) {
        NoteFailure(host, outcome.error(), entry->second);
      }
    }
  }
  ended->Set(std::move(outcome));
}

// What a broker that is not in its right mind says must not become a handshake that fails without a
// reason.
Issued CertificateCache::State::Check(const std::string& host,
                                      const std::string& der,
                                      Entry& entry) const {
  const std::shared_ptr<X509> certificate = x509::ReadCertificateDer(der);
  if (certificate == nullptr) {
    return BadCertificate("it is no X.509 certificate");
  }
  if (!x509::IsKeyOf(certificate.get(), key.get())) {
    return BadCertificate("it is for another key");
  }
  if (!x509::IsForHost(certificate.get(), host)) {
    return BadCertificate("it is for another host");
  }
  const WallTime now = clock.Now();
  entry.not_after = x509::EndOf(certificate.get());
  if (entry.not_after <= now) {
    return BadCertificate("it has ended; compare the clocks of broker and data plane");
  }
  const auto two_thirds = (entry.not_after - now) * 2 / 3;
  entry.ask_at = now + resilience::SpreadPeriod(two_thirds, resilience::RandomFraction());
  entry.certificate =
      std::make_shared<const net::ServerCertificate>(net::ServerCertificate{certificate, key});
  return entry.certificate;
}

void CertificateCache::State::NoteFailure(const std::string& host,
                                          const Error& error,
                                          Entry& entry) {
  ++entry.failures;
  entry.failure = error;
  entry.ask_at =
      clock.Now() +
      resilience::BackoffAfter(kCertificateBackoff, entry.failures, resilience::RandomFraction());
  if (log_turns.Take(std::chrono::steady_clock::now())) {
    logger.Warning(entry.certificate == nullptr
                       ? "no certificate for a listener's host; its clients cannot connect by TLS"
                       : "certificate of a listener's host not renewed; the old one serves on",
                   {{"host", host}, {"reason", error.message}});
  }
}

CertificateCache::CertificateCache(std::shared_ptr<State> state) : state_(std::move(state)) {}

CertificateCache::~CertificateCache() = default;

Result<std::unique_ptr<CertificateCache>> CertificateCache::Make(CertificateIssuer& issuer,
                                                                 const Clock& clock,
                                                                 log::Logger& logger) {
  Result<x509::KeyPtr> key = x509::MakeEcKey();
  if (!key) {
    return std::move(key).error();
  }
  Result<std::string> proof = x509::MakeKeyProof(key->get());
  if (!proof) {
    return std::move(proof).error();
  }
  auto state = std::make_shared<State>(issuer, clock, logger);
  state->key = *std::move(key);
  state->proof = *std::move(proof);
  return std::unique_ptr<CertificateCache>(new CertificateCache(std::move(state)));
}

net::ServerCertificatePtr CertificateCache::Find(const std::string& host) {
  net::ServerCertificatePtr found;
  bool renew = false;
  {
    const std::lock_guard lock(state_->mutex);
    const auto entry = state_->entries.find(host);
    const WallTime now = state_->clock.Now();
    if (entry == state_->entries.end() || now >= entry->second.not_after) {
      return nullptr;
    }
    found = entry->second.certificate;
    renew = now >= entry->second.ask_at && !state_->flights.under_way(host);
    if (renew) {
      state_->flights.Start(host);
    }
  }
  if (renew) {
    state_->Ask(host);
  }
  return found;
}

Task<Result<net::ServerCertificatePtr>> CertificateCache::Fetch(std::string host,
                                                                Deadline deadline) {
  std::shared_ptr<Flights::Call> call;
  bool start = false;
  {
    const std::lock_guard lock(state_->mutex);
    State::Entry& entry = state_->entries[host];
    const WallTime now = state_->clock.Now();
    if (entry.certificate != nullptr && now < entry.not_after) {
      co_return entry.certificate;  // Came since the caller looked.
    }
    call = state_->flights.Join(host);
    if (call == nullptr && entry.failures > 0 && now < entry.ask_at) {
      co_return entry.failure;
    }
    start = call == nullptr;
    if (start) {
      entry.certificate = nullptr;
      call = state_->flights.Start(host);
    }
  }
  if (start) {
    state_->Ask(host);
  }
  std::optional<Issued> outcome = co_await Flights::Call::Wait(call, deadline);
  if (!outcome) {
    co_return MakeError(ErrorCode::kDeadlineExceeded,
                        ErrorOrigin::kBroker,
                        "the broker gave no certificate within the time of the handshake");
  }
  co_return *std::move(outcome);
}

void CertificateCache::Retain(const std::function<bool(const std::string& host)>& served) {
  const std::lock_guard lock(state_->mutex);
  std::erase_if(state_->entries, [&](const auto& entry) { return !served(entry.first); });
}

CertificateStats CertificateCache::Stats() const {
  const std::lock_guard lock(state_->mutex);
  const auto held =
      std::count_if(state_->entries.begin(),
                    state_->entries.end(),
                    [now = state_->clock.Now()](const auto& entry) {
                      return entry.second.certificate != nullptr && now < entry.second.not_after;
                    });
  return {static_cast<std::size_t>(held), state_->issued, state_->failed};
}

}  // namespace connector::dataplane::certificates
