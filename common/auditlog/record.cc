#include "common/auditlog/record.h"

#include "common/crypto/digest.h"
#include "common/log/log.h"

#include <boost/json.hpp>

#include <cstdio>
#include <ctime>
#include <optional>

namespace connector::auditlog {
namespace {

// The hash stands last, so that the line without it is a prefix of the line and a brace.
constexpr std::string_view kHashMember = R"(,"hash":")";
constexpr std::string_view kEnd = R"("})";
constexpr std::size_t kHashBytes = kGenesisHash.size();
constexpr std::size_t kTailBytes = kHashMember.size() + kHashBytes + kEnd.size();

Error Broken(std::string what) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(what));
}

// What FormatRecordTime writes, and nothing else.
std::optional<WallTime> ParseTime(std::string_view text) {
  std::tm parts{};
  int millis = 0;
  const std::string copy(text);
  // NOLINTNEXTLINE(cert-err34-c): the widths bound every number, and the count is checked.
  if (copy.size() != 24 || std::sscanf(copy.c_str(),
                                       "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ",
                                       &parts.tm_year,
                                       &parts.tm_mon,
                                       &parts.tm_mday,
                                       &parts.tm_hour,
                                       &parts.tm_min,
                                       &parts.tm_sec,
                                       &millis) != 7) {
    return std::nullopt;
  }
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  const WallTime time =
      std::chrono::system_clock::from_time_t(::timegm(&parts)) + std::chrono::milliseconds(millis);
  return FormatRecordTime(time) == text ? std::optional(time) : std::nullopt;
}

void AppendText(std::string& out, std::string_view name, std::string_view value) {
  out.append(R"(,")").append(name).append(R"(":)");
  log::AppendJsonString(out, value);
}

bool IsHash(std::string_view text) {
  return text.size() == kHashBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Empty where there is none; none where it is not a text.
std::optional<std::string> ReadText(const boost::json::object& record, std::string_view name) {
  const boost::json::value* const value = record.if_contains(name);
  if (value == nullptr) {
    return std::string();
  }
  return value->is_string() ? std::optional(std::string(value->get_string())) : std::nullopt;
}

// All of the link but its hash and proof.
Result<Link> ReadMembers(const boost::json::object& record) {
  const boost::json::value* const seq = record.if_contains("seq");
  if (seq == nullptr || !seq->is_int64() || seq->get_int64() < 1) {
    return Broken("not a record: seq is not a number from 1 on");
  }
  const std::optional<std::string> prev = ReadText(record, "prev");
  if (!prev || !IsHash(*prev)) {
    return Broken("not a record: prev is not a hash");
  }
  const std::optional<std::string> time = ReadText(record, "time");
  const std::optional<WallTime> when = time ? ParseTime(*time) : std::nullopt;
  if (!when) {
    return Broken("not a record: time is not a time");
  }
  const std::optional<std::string> replica = ReadText(record, "replica");
  if (!replica) {
    return Broken("not a record: replica is not a text");
  }
  const bool keyed = record.contains("key");
  const std::optional<std::string> key_id = ReadText(record, "key");
  if (keyed && (!key_id || !IsKeyId(*key_id))) {
    return Broken("not a record: key is not the id of a key");
  }
  Link link;
  link.at.seq = static_cast<std::uint64_t>(seq->get_int64());
  link.at.keyed = keyed;
  link.before = {link.at.seq - 1, *prev};
  link.time = *when;
  link.replica = *replica;
  link.key_id = *key_id;
  if (ReadText(record, "reason") == kAuditLost) {
    link.loss = ReadText(record, "detail").value_or("");
  }
  return link;
}

}  // namespace

std::string FormatRecordTime(WallTime time) {
  const auto millis =
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  const auto whole = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  char text[40];
  std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const int written = std::snprintf(
      text + size, sizeof text - size, ".%03dZ", static_cast<int>(millis - seconds * 1000));
  size += static_cast<std::size_t>(written);
  return std::string(text, size);
}

std::string FormatRecord(const Event& event,
                         ChainPosition& position,
                         const ChainKey& key,
                         std::string_view replica) {
  std::string line;
  line.reserve(768);
  line.append(R"({"seq":)").append(std::to_string(position.seq + 1));
  AppendText(line, "prev", position.hash);
  AppendText(line, "time", FormatRecordTime(event.time));
  if (!replica.empty()) {
    AppendText(line, "replica", replica);
  }
  AppendText(line, "request_id", event.request_id);
  AppendText(line, "client_address", event.client_address);
  AppendText(line, "peer", event.peer);
  AppendText(line, "subject", event.subject);
  AppendText(line, "connector", event.connector);
  AppendText(line, "scopes", event.scopes);
  line.append(event.allowed ? R"(,"allowed":true)" : R"(,"allowed":false)");
  AppendText(line, "rule", event.rule);
  AppendText(line, "reason", event.reason);
  AppendText(line, "detail", event.detail);
  const bool issued = event.not_after != WallTime{};
  AppendText(line, "not_after", issued ? FormatRecordTime(event.not_after) : std::string());
  AppendText(line, "key", key.id());
  line.push_back('}');

  position = {position.seq + 1, key.HashOfRecord(line), true};
  line.pop_back();
  line.append(kHashMember).append(position.hash).append(kEnd).push_back('\n');
  return line;
}

Result<Link> ReadLink(std::string_view line, const ChainKeys& keys) {
  if (line.size() <= kTailBytes || !line.ends_with(kEnd)) {
    return Broken("not a record: it does not end with its hash");
  }
  const std::string_view tail = line.substr(line.size() - kTailBytes);
  const std::string_view hash = tail.substr(kHashMember.size(), kHashBytes);
  if (!tail.starts_with(kHashMember) || !IsHash(hash)) {
    return Broken("not a record: it does not end with its hash");
  }
  std::string body(line.substr(0, line.size() - kTailBytes));
  body.push_back('}');

  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(body, error);
  if (error || !value.is_object()) {
    return Broken("not a record: it is not a JSON object");
  }
  Result<Link> link = ReadMembers(value.get_object());
  if (!link) {
    return link;
  }
  link->at.hash = hash;
  const ChainKey* const key = FindKey(keys, link->key_id);
  if (link->at.keyed && key == nullptr) {
    link->proof = Proof::kUnknownKey;
    return link;
  }
  link->proof = link->at.keyed ? Proof::kKeyed : Proof::kUnkeyed;
  if ((key != nullptr ? key->HashOfRecord(body) : crypto::Sha256Hex(body)) != hash) {
    return Broken("hash does not match the record's content");
  }
  return link;
}

Result<Link> FollowRecord(std::string_view line, ChainPosition& position, const ChainKeys& keys) {
  Result<Link> link = ReadLink(line, keys);
  if (!link) {
    return link;
  }
  if (link->before.seq != position.seq) {
    return Broken("seq is " + std::to_string(link->at.seq) + ", expected " +
                  std::to_string(position.seq + 1));
  }
  if (link->before.hash != position.hash) {
    return Broken("prev is not the hash of the record before");
  }
  if (position.keyed && !link->at.keyed) {
    return Broken("has no key, but a record before it has one");
  }
  position = link->at;
  return link;
}

}  // namespace connector::auditlog
