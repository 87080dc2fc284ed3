#include "tests/integration/dataplane/framing/strict_http.h"

#include <algorithm>
#include <cstdio>
#include <optional>

namespace connector::framing {
namespace {

constexpr std::string_view kTokenPunctuation = "!#$%&'*+-.^_`|~";

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kTokenPunctuation.find(c) != std::string_view::npos;
  });
}

bool IsPrintable(std::string_view text, bool and_tab) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 0x20 && c < 0x7F) || (and_tab && c == '\t');
  });
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(first);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// Takes a line off `rest`. nullopt: its CRLF is not here yet. A bare CR or LF stays in the line,
// where no grammar allows it.
std::optional<std::string_view> TakeLine(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

class Reader {
 public:
  Reader(std::string_view bytes, Dialect dialect, Message& out)
      : bytes_(bytes), rest_(bytes), canonical_(dialect == Dialect::kCanonical), out_(out) {}

  ReadResult Read() {
    out_ = Message();
    if (!ReadRequestLine() || !ReadFields() || !Conclude()) {
      return End();
    }
    out_.has_head = true;
    const bool whole = out_.kind == BodyKind::kChunked ? ReadChunks() : ReadLength();
    return whole ? ReadResult{ReadStatus::kComplete, bytes_.size() - rest_.size(), {}} : End();
  }

 private:
  bool Bad(std::string why) {
    why_ = std::move(why);
    return false;
  }
  ReadResult End() {
    return why_.empty() ? ReadResult{} : ReadResult{ReadStatus::kMalformed, 0, why_};
  }

  bool ReadRequestLine() {
    const std::optional<std::string_view> line = TakeLine(rest_);
    if (!line) {
      return false;
    }
    const std::size_t first = line->find(' ');
    const std::size_t last = line->rfind(' ');
    if (first == std::string_view::npos || first == last) {
      return Bad("the request line has no three parts");
    }
    out_.method = line->substr(0, first);
    out_.target = line->substr(first + 1, last - first - 1);
    const std::string_view version = line->substr(last + 1);
    if (!IsToken(out_.method) || !out_.target.starts_with('/') ||
        !IsPrintable(out_.target, false) || out_.target.find_first_of(" #") != std::string::npos) {
      return Bad("method or target");
    }
    if (version != "HTTP/1.1" && (canonical_ || version != "HTTP/1.0")) {
      return Bad("version");
    }
    out_.minor_version = version.back() - '0';
    return true;
  }

  bool ReadFields() {
    while (true) {
      const std::optional<std::string_view> line = TakeLine(rest_);
      if (!line) {
        return false;
      }
      if (line->empty()) {
        return true;
      }
      if (!ReadField(*line)) {
        return false;
      }
    }
  }

  bool ReadField(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
      return Bad("a field's name");
    }
    const std::string_view raw = line.substr(colon + 1);
    const std::string_view value = Trim(raw);
    if (!IsPrintable(value, true)) {
      return Bad("a field's value");
    }
    if (canonical_ && raw != std::string(1, ' ').append(value)) {
      return Bad("white space around a field's value");
    }
    out_.fields.emplace_back(Lower(line.substr(0, colon)), value);
    return true;
  }

  bool Conclude() {
    const std::size_t lengths = out_.Count("content-length");
    const std::size_t codings = out_.Count("transfer-encoding");
    if (lengths + codings > 1) {
      return Bad("more than one framing");
    }
    if (out_.Count("host") != 1) {
      return Bad("Host");
    }
    if (lengths == 1) {
      const std::string text = out_.Field("content-length");
      if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), IsDigit) ||
          (canonical_ && text.size() > 1 && text[0] == '0')) {
        return Bad("Content-Length");
      }
      out_.kind = BodyKind::kLength;
      out_.length = std::stoull(text);
    }
    if (codings == 1) {
      const std::string text = out_.Field("transfer-encoding");
      if ((canonical_ ? text : Lower(text)) != "chunked" || out_.minor_version == 0) {
        return Bad("Transfer-Encoding");
      }
      out_.kind = BodyKind::kChunked;
    }
    return true;
  }

  bool ReadLength() {
    const std::size_t take =
        static_cast<std::size_t>(std::min<std::uint64_t>(out_.length, rest_.size()));
    out_.body = rest_.substr(0, take);
    rest_.remove_prefix(take);
    return take == out_.length;
  }

  // The size of the chunk whose line is `line`.
  std::optional<std::uint64_t> ChunkSize(std::string_view line) {
    const std::string_view digits = line.substr(0, line.find(';'));
    const std::string_view extension = line.substr(digits.size());
    const bool hex = !digits.empty() && digits.size() <= 16 &&
                     digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    if (!hex || !IsLine(extension)) {
      return std::nullopt;
    }
    const std::uint64_t size = std::stoull(std::string(digits), nullptr, 16);
    if (canonical_) {
      char text[17];
      std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(size));
      if (digits != text || !extension.empty()) {
        return std::nullopt;
      }
    }
    return size;
  }

  // Of extensions and trailers: no control byte.
  static bool IsLine(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
      return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    });
  }

  bool ReadChunks() {
    while (true) {
      const std::optional<std::string_view> line = TakeLine(rest_);
      if (!line) {
        return false;
      }
      const std::optional<std::uint64_t> size = ChunkSize(*line);
      if (!size) {
        return Bad("a chunk's size");
      }
      if (*size == 0) {
        return ReadTrailers();
      }
      const std::size_t here =
          static_cast<std::size_t>(std::min<std::uint64_t>(*size, rest_.size()));
      out_.body.append(rest_.substr(0, here));
      rest_.remove_prefix(here);
      if (here < *size || rest_.size() < 2) {
        return rest_.empty() || rest_ == "\r" ? false : Bad("the end of a chunk");
      }
      if (!rest_.starts_with("\r\n")) {
        return Bad("the end of a chunk");
      }
      rest_.remove_prefix(2);
    }
  }

  bool ReadTrailers() {
    while (true) {
      const std::optional<std::string_view> line = TakeLine(rest_);
      if (!line) {
        return false;
      }
      if (line->empty()) {
        return true;
      }
      const std::size_t colon = line->find(':');
      if (canonical_ || colon == std::string_view::npos || !IsToken(line->substr(0, colon)) ||
          !IsLine(line->substr(colon + 1))) {
        return Bad("a trailer");
      }
    }
  }

  std::string_view bytes_;
  std::string_view rest_;
  bool canonical_;
  Message& out_;
  std::string why_;
};

}  // namespace

std::string Message::Field(std::string_view name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
  return found == fields.end() ? "" : found->second;
}

std::size_t Message::Count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; }));
}

ReadResult ReadRequest(std::string_view bytes, Dialect dialect, Message& out) {
  return Reader(bytes, dialect, out).Read();
}

Stream ReadStream(std::string_view bytes) {
  Stream stream;
  while (!bytes.empty()) {
    Message message;
    const ReadResult result = ReadRequest(bytes, Dialect::kLegal, message);
    if (message.has_head) {
      stream.messages.push_back(std::move(message));
    }
    if (result.status != ReadStatus::kComplete) {
      break;
    }
    ++stream.complete;
    bytes.remove_prefix(result.consumed);
  }
  return stream;
}

std::string Printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c == '\r') {
      out.append("\\r");
    } else if (c == '\n') {
      out.append("\\n\n");
    } else if (c >= 0x20 && c < 0x7F && c != '\\') {
      out.push_back(c);
    } else {
      char text[5];
      std::snprintf(text, sizeof text, "\\x%02x", static_cast<unsigned char>(c));
      out.append(text);
    }
  }
  return out;
}

}  // namespace connector::framing
