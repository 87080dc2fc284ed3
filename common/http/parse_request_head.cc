#include "common/http/head_reader.h"

#include <algorithm>
#include <array>

namespace connector::http::head_reader {
namespace {

constexpr HeadFailure kRequestLine =
    Bad(HeadError::kRequestLine, "The request line must read: METHOD /path HTTP/1.1.");

bool IsPort(std::string_view text) {
  return !text.empty() && text.size() <= 5 && SkipClass(kDigitByte, text, 0) == text.size() &&
         *ParseLength(text) <= 65535;
}

bool IsHost(std::string_view text) {
  std::size_t end = 0;
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || end < 3 ||
        text.substr(1, end - 1).find_first_not_of("0123456789abcdefABCDEF:.") !=
            std::string_view::npos) {
      return false;
    }
    ++end;
  } else {
    end = SkipClass(kHostByte, text, 0);
    if (end == 0 || end > 253) {
      return false;
    }
  }
  return end == text.size() || (text[end] == ':' && IsPort(text.substr(end + 1)));
}

constexpr std::array kMethods = {
    Method::kGet, Method::kHead, Method::kPost, Method::kPatch, Method::kPut, Method::kDelete};
constexpr std::size_t kMaxMethodBytes = 32;

ReadStep ReadMethod(Cursor& at, Method& method, HeadFailure& why) {
  const std::size_t end = SkipClass(kTokenByte, at.buffer, at.pos);
  if (end == at.buffer.size() && end < kMaxMethodBytes) {
    return ReadStep::kMore;
  }
  if (end == 0 || end >= kMaxMethodBytes || at.buffer[end] != ' ') {
    why = end < at.buffer.size() && (at.buffer[end] == '\r' || at.buffer[end] == '\n')
              ? kLineEnding
              : kRequestLine;
    return ReadStep::kFailed;
  }
  const std::string_view token = at.buffer.substr(0, end);
  const auto* found = std::find_if(
      kMethods.begin(), kMethods.end(), [&](Method m) { return ToString(m) == token; });
  if (found == kMethods.end()) {
    why = {405, HeadError::kMethod, "Use GET, HEAD, POST, PATCH, PUT or DELETE."};
    return ReadStep::kFailed;
  }
  method = *found;
  at.pos = end + 1;
  return ReadStep::kOk;
}

ReadStep ReadTarget(Cursor& at, std::string_view& target, HeadFailure& why) {
  const std::size_t end = SkipClass(kTargetByte, at.buffer, at.pos);
  if (end > kMaxRequestLineBytes) {
    why = {414, HeadError::kTargetTooLong, "The request line is over 16 KiB."};
    return ReadStep::kFailed;
  }
  if (at.pos < at.buffer.size() && at.Peek() != '/') {
    why = Bad(HeadError::kTargetForm, "The target must start with '/': no URL, authority or '*'.");
    return ReadStep::kFailed;
  }
  if (end == at.buffer.size()) {
    return ReadStep::kMore;
  }
  if (at.buffer[end] != ' ') {
    why = at.buffer[end] == '\r' || at.buffer[end] == '\n'
              ? kRequestLine
              : Bad(HeadError::kTargetBytes, "The target must be printable ASCII without '#'.");
    return ReadStep::kFailed;
  }
  target = at.buffer.substr(at.pos, end - at.pos);
  at.pos = end + 1;
  return ReadStep::kOk;
}

ReadStep ReadRequestLine(Cursor& at, RequestHead& out, HeadFailure& why) {
  ReadStep step = ReadMethod(at, out.method, why);
  if (step == ReadStep::kOk) {
    step = ReadTarget(at, out.target, why);
  }
  if (step == ReadStep::kOk) {
    step = ReadVersion(at, out.minor_version, kRequestLine, why);
  }
  return step == ReadStep::kOk ? ReadLineEnd(at, kRequestLine, why) : step;
}

struct RequestFacts {
  FramingFields framing;
  ConnectionTokens connection;
  std::uint32_t seen_once = 0;  // One bit for each field that may stand once.
  bool has_host = false;
  bool expects = false;
};

HeadFailure Once(RequestFacts& facts, unsigned bit) {
  if ((facts.seen_once & (1U << bit)) != 0) {
    return Bad(HeadError::kRepeatedField,
               "Authorization, Content-Type, Content-Range, Range and Expect must stand once.");
  }
  facts.seen_once |= 1U << bit;
  return kNoFailure;
}

HeadFailure ReadExpect(const HeaderField& field, RequestFacts& facts) {
  if (!EqualsIgnoreCase(field.value, "100-continue")) {
    return {417, HeadError::kExpectation, "The only expectation understood is 100-continue."};
  }
  facts.expects = true;
  return Once(facts, 4);
}

HeadFailure Interpret(const HeaderField& field, RequestFacts& facts, RequestHead& out) {
  switch (field.id) {
    case HeaderId::kContentLength:
    case HeaderId::kTransferEncoding:
      return ReadFraming(field, facts.framing);
    case HeaderId::kConnection:
      facts.connection = ReadConnection(field.value, facts.connection);
      return kNoFailure;
    case HeaderId::kHost:
      if (facts.has_host || !IsHost(field.value)) {
        return Bad(HeadError::kHost, "Host must stand once and read host or host:port.");
      }
      facts.has_host = true;
      out.host = field.value;
      return kNoFailure;
    case HeaderId::kAuthorization:
      return Once(facts, 0);
    case HeaderId::kContentType:
      return Once(facts, 1);
    case HeaderId::kContentRange:
      return Once(facts, 2);
    case HeaderId::kRange:
      return Once(facts, 3);
    case HeaderId::kExpect:
      return ReadExpect(field, facts);
    default:
      return kNoFailure;
  }
}

HeadFailure Conclude(const RequestFacts& facts, RequestHead& out) {
  if (!facts.has_host) {
    return Bad(HeadError::kHost, "Host is missing.");
  }
  const HeadFailure framing = CheckFraming(facts.framing, out.minor_version);
  if (framing.reason != HeadError::kNone) {
    return framing;
  }
  const bool bodiless =
      out.method == Method::kGet || out.method == Method::kHead || out.method == Method::kDelete;
  if (bodiless && (facts.framing.has_encoding || facts.framing.length != 0)) {
    return Bad(HeadError::kUnexpectedBody, "GET, HEAD and DELETE carry no body.");
  }
  if (facts.framing.has_encoding) {
    out.framing = BodyFraming::kChunked;
  } else if (facts.framing.has_length && !bodiless) {
    out.framing = BodyFraming::kContentLength;
    out.content_length = facts.framing.length;
  }
  out.keep_alive =
      !facts.connection.close && (out.minor_version == 1 || facts.connection.keep_alive);
  out.expect_continue = facts.expects && out.minor_version == 1 &&
                        (out.framing == BodyFraming::kChunked || out.content_length != 0);
  return kNoFailure;
}

HeadResult ReadRequest(std::string_view buffer, RequestHead& out) {
  if (buffer.starts_with('\x16')) {
    return {
        HeadStatus::kError,
        0,
        Bad(HeadError::kTlsHandshake, "This port speaks plain HTTP, and a TLS handshake came.")};
  }
  out.framing = BodyFraming::kNone;
  out.content_length = 0;
  out.host = {};
  Cursor at{buffer};
  RequestFacts facts;
  HeadFailure failure = kNoFailure;
  ReadStep step = ReadRequestLine(at, out, failure);
  if (step == ReadStep::kOk) {
    step =
        ReadFields(MessageSide::kRequest, at, out.fields, failure, [&](const HeaderField& field) {
          return Interpret(field, facts, out);
        });
  }
  if (step == ReadStep::kOk) {
    failure = Conclude(facts, out);
    step = failure.reason == HeadError::kNone ? ReadStep::kOk : ReadStep::kFailed;
  }
  return Finish(step, at, failure);
}

}  // namespace
}  // namespace connector::http::head_reader

namespace connector::http {

std::string_view ToString(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPatch:
      return "PATCH";
    case Method::kPut:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
  }
  return {};
}

HeadResult ParseRequestHead(std::string_view buffer, RequestHead& out) {
  return head_reader::ReadRequest(buffer, out);
}

}  // namespace connector::http
