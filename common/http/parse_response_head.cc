#include "common/http/head_reader.h"

namespace connector::http::head_reader {
namespace {

constexpr HeadFailure kStatusLine =
    Bad(HeadError::kStatusLine, "The status line must read: HTTP/1.1 STATUS REASON.");

ReadStep ReadStatusLine(Cursor& at, ResponseHead& out, HeadFailure& why) {
  ReadStep step = ReadVersion(at, out.minor_version, kStatusLine, why);
  if (step != ReadStep::kOk) {
    return step;
  }
  if (at.pos + 4 >= at.buffer.size()) {
    return ReadStep::kMore;
  }
  const std::string_view digits = at.buffer.substr(at.pos + 1, 3);
  if (at.Peek() != ' ' || SkipClass(kDigitByte, digits, 0) != 3 || digits[0] < '1' ||
      digits[0] > '5') {
    why = kStatusLine;
    return ReadStep::kFailed;
  }
  out.status = static_cast<int>(*ParseLength(digits));
  at.pos += 4;
  if (at.Peek() == ' ') {
    do {  // The reason is dropped, so 8-bit text in it is nobody's concern.
      at.pos = SkipPlain(at.buffer, at.pos + 1);
    } while (!at.AtEnd() && static_cast<unsigned char>(at.Peek()) >= 0x80);
  }
  return ReadLineEnd(at, kStatusLine, why);
}

struct ResponseFacts {
  FramingFields framing;
  ConnectionTokens connection;
  bool has_location = false;
  bool has_content_range = false;
};

HeadFailure Once(bool& seen) {
  if (seen) {
    return Bad(HeadError::kRepeatedField, "Location and Content-Range must stand once.");
  }
  seen = true;
  return kNoFailure;
}

HeadFailure Interpret(const HeaderField& field, ResponseFacts& facts) {
  switch (field.id) {
    case HeaderId::kContentLength:
    case HeaderId::kTransferEncoding:
      return ReadFraming(field, facts.framing);
    case HeaderId::kConnection:
      facts.connection = ReadConnection(field.value, facts.connection);
      return kNoFailure;
    case HeaderId::kLocation:
      return Once(facts.has_location);
    case HeaderId::kContentRange:
      return Once(facts.has_content_range);
    default:
      return kNoFailure;
  }
}

HeadFailure Conclude(const ResponseFacts& facts, Method method, ResponseHead& out) {
  const HeadFailure framing = CheckFraming(facts.framing, out.minor_version);
  if (framing.reason != HeadError::kNone) {
    return framing;
  }
  if (out.status == 101) {
    return Bad(HeadError::kSwitchingProtocols, "The registry changed the protocol unasked.");
  }
  out.has_content_length = facts.framing.has_length;
  out.content_length = facts.framing.length;
  out.keep_alive =
      !facts.connection.close && (out.minor_version == 1 || facts.connection.keep_alive);
  const bool never_a_body = out.informational() || out.status == 204 || out.status == 304;
  if (never_a_body || method == Method::kHead) {
    out.framing = BodyFraming::kNone;
    // A 204 that announces a body may send it all the same; such a connection is not used again.
    out.keep_alive = out.keep_alive && !(out.status == 204 &&
                                         (facts.framing.has_encoding || facts.framing.length != 0));
  } else if (facts.framing.has_encoding) {
    out.framing = BodyFraming::kChunked;
  } else if (facts.framing.has_length) {
    out.framing = BodyFraming::kContentLength;
  } else {
    out.framing = BodyFraming::kUntilClose;
    out.keep_alive = false;
  }
  return kNoFailure;
}

HeadResult ReadResponse(std::string_view buffer, Method method, ResponseHead& out) {
  Cursor at{buffer};
  ResponseFacts facts;
  HeadFailure failure = kNoFailure;
  ReadStep step = ReadStatusLine(at, out, failure);
  if (step == ReadStep::kOk) {
    step =
        ReadFields(MessageSide::kResponse, at, out.fields, failure, [&](const HeaderField& field) {
          return Interpret(field, facts);
        });
  }
  if (step == ReadStep::kOk) {
    failure = Conclude(facts, method, out);
    step = failure.reason == HeadError::kNone ? ReadStep::kOk : ReadStep::kFailed;
  }
  return Finish(step, at, failure);
}

}  // namespace
}  // namespace connector::http::head_reader

namespace connector::http {

HeadResult ParseResponseHead(std::string_view buffer, Method method, ResponseHead& out) {
  return head_reader::ReadResponse(buffer, method, out);
}

}  // namespace connector::http
