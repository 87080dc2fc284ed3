#include "broker/audit/refusal_budget.h"

#include "broker/audit/own_records.h"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <utility>

namespace connector::broker::audit {
namespace {

constexpr std::string_view kOthers = "other sources";
constexpr std::string_view kUnknown = "unknown";
constexpr std::string_view kRateLimited = "RATE_LIMITED";  // Of v1::DenialReason.
constexpr std::string_view kDeniedByOperator = "DENIED_BY_OPERATOR";
constexpr std::string_view kLast =
    "; more of this source are counted, not recorded, for up to a minute";
constexpr std::size_t kPrefix6Bytes = 8;

// Whether the caller's right was looked at.
bool RightWasDecided(const auditlog::Event& event) {
  return !event.subject.empty() && event.reason != kRateLimited &&
         event.reason != kDeniedByOperator;
}

std::string PrefixOf(const boost::asio::ip::address_v6& address) {
  auto bytes = address.to_bytes();
  for (std::size_t i = kPrefix6Bytes; i < bytes.size(); ++i) {
    bytes.at(i) = 0;
  }
  return boost::asio::ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace

std::string SourceOf(std::string_view client_address) {
  std::string_view host = client_address.substr(0, client_address.rfind(':'));
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  boost::system::error_code error;
  boost::asio::ip::address address = boost::asio::ip::make_address(std::string(host), error);
  if (error) {  // Without a port.
    address = boost::asio::ip::make_address(std::string(client_address), error);
  }
  if (error) {
    return std::string(kUnknown);
  }
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6())
        .to_string();
  }
  return address.is_v6() ? PrefixOf(address.to_v6()) : address.to_string();
}

bool IsCountedRefusal(const auditlog::Event& event) {
  return !event.allowed && !IsOwnRecord(event) && (event.subject.empty() || !event.reason.empty());
}

std::optional<auditlog::Event> RefusalBudget::Take(auditlog::Event event) {
  if (!began_) {
    began_ = event.time;
  }
  const bool of_subject = !event.subject.empty();
  Group& group = RightWasDecided(event) ? denials_ : few_;
  std::string source = of_subject ? event.subject : SourceOf(event.client_address);
  if (!group.sources.contains(source) && group.sources.size() >= group.max_sources) {
    source = kOthers;
  }
  const auto [place, fresh] = group.sources.try_emplace(std::move(source));
  Account& account = place->second;
  if (fresh) {
    account.of_subject = of_subject && place->first != kOthers;
  }
  if (account.records == group.records_each) {
    ++account.counted[event.reason];
    ++counted_;
    return std::nullopt;
  }
  ++account.records;
  if (!of_subject) {
    // Whoever is not verified chooses none of the durable text: the decision's line in the log has
    // it.
    event.client_address = SourceOf(event.client_address);
    event.request_id.clear();
    event.connector.clear();
    event.scopes.clear();
  }
  event.detail.resize(std::min(event.detail.size(), kMaxRefusalDetailBytes));
  if (account.records == group.records_each) {
    event.detail += kLast;
  }
  return event;
}

std::vector<auditlog::Event> RefusalBudget::CloseIfOver(WallTime now) {
  // A clock that was set back does not keep a period open.
  if (!began_ || (now >= *began_ && now - *began_ < kRefusalPeriod)) {
    return {};
  }
  return Close(now);
}

std::vector<auditlog::Event> RefusalBudget::Close(WallTime now) {
  std::vector<auditlog::Event> records;
  for (Group* const group : {&few_, &denials_}) {
    Summarize(*group, now, records);
    group->sources.clear();
  }
  began_.reset();
  return records;
}

void RefusalBudget::Summarize(const Group& group,
                              WallTime now,
                              std::vector<auditlog::Event>& records) const {
  for (const auto& [source, account] : group.sources) {
    std::uint64_t total = 0;
    std::string by_reason;
    for (const auto& [reason, count] : account.counted) {
      total += count;
      by_reason += (by_reason.empty() ? "" : ", ") + reason + " " + std::to_string(count);
    }
    if (total == 0) {
      continue;
    }
    auditlog::Event& event = records.emplace_back();
    event.time = now;
    (account.of_subject ? event.subject : event.client_address) = source;
    event.reason = "AUDIT_REFUSALS_COUNTED";
    event.detail = std::to_string(total) + " more refusals of " +
                   (account.of_subject    ? "this caller"
                    : &group == &denials_ ? "other known callers"
                                          : "callers whom nobody could verify") +
                   ", in the last " +
                   std::to_string(std::chrono::floor<std::chrono::seconds>(now - *began_).count()) +
                   " s: " + by_reason;
  }
}

}  // namespace connector::broker::audit
