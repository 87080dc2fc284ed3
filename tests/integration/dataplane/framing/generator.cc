#include "tests/integration/dataplane/framing/generator.h"

#include <algorithm>
#include <random>
#include <string_view>
#include <utility>

namespace connector::framing {
namespace {

using std::string_view;

const std::string kPrefix = "/v2/namespaces/default/connectors/harbor/";
const std::string kDigest = "sha256:" + std::string(64, 'a');

constexpr string_view kRepositories[] = {"team/app", "team/app", "team/base", "a.b/c_d/e--f"};
constexpr string_view kHosts[] = {"a", "proxy.example:8080", "[::1]:80", "c-harbor.default.svc"};
constexpr string_view kSpice[] = {"Accept: application/vnd.oci.image.index.v1+json",
                                  "Accept: */*",
                                  "User-Agent: curl/8",
                                  "Range: bytes=0-1",
                                  "If-None-Match: \"x\"",
                                  "Connection: keep-alive",
                                  "Connection: authorization, content-length, host",
                                  "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
                                  "Expect: 100-continue",
                                  "X-Forwarded-Host: evil",
                                  "X-HTTP-Method-Override: DELETE",
                                  "X-Original-URL: /v2/secret/repo/manifests/v1",
                                  "Cookie: a=b",
                                  "TE: trailers",
                                  "Trailer: Authorization",
                                  "Content-Range: 0-4",
                                  "Docker-Anything: 1",
                                  "Proxy-Authorization: Basic eDp5"};
constexpr string_view kFramings[] = {"Content-Length: 0",
                                     "Content-Length: 5",
                                     "Content-Length: 43",
                                     "Content-Length: +5",
                                     "Content-Length: 0x5",
                                     "Content-Length: 5, 5",
                                     "Content-Length:",
                                     "Content-Length : 5",
                                     "Content-Length: 18446744073709551621",
                                     "Content_Length: 5",
                                     "Transfer-Encoding: chunked",
                                     "Transfer-Encoding: Chunked",
                                     "Transfer-Encoding: ,chunked",
                                     "Transfer-Encoding: identity",
                                     "Transfer-Encoding: chunked, chunked",
                                     "Transfer-Encoding:\tchunked",
                                     "Transfer-Encoding: \x0b"
                                     "chunked",
                                     "Transfer-Encoding : chunked",
                                     "Transfer-Encoding:\n chunked",
                                     "X: y\rTransfer-Encoding: chunked",
                                     "X: y\nTransfer-Encoding: chunked",
                                     "Host: evil",
                                     " folded",
                                     "Content-Type: application/x-www-form-urlencoded",
                                     "Content-Type: multipart/form-data; boundary=x",
                                     "Content-Type: text/plain",
                                     "Content-Type: application/octet-stream"};
constexpr string_view kPathPieces[] = {
    "%2F", "%2f",      "..",  "/..", "/../", "//",  "/./",    ";x",    "\\",     "%5c",  "%00",
    "%",   "%0d%0a",   "%20", "?",   "#",    "%3A", "%3a",    "%253A", "%2e%2e", "+",    ":",
    "/",   "_catalog", "A",   "-",   ".",    "__",  "secret", "blobs", "%c0%af", "\x80", " "};
constexpr string_view kPairs[] = {"mount=sha256:{a}",
                                  "from=secret/repo",
                                  "from=team/base",
                                  "from=namespaces/default/connectors/harbor/team/base",
                                  "from=namespaces/default/connectors/harbor/secret/repo",
                                  "from=namespaces%2Fdefault%2Fconnectors%2Fother%2Fteam%2Fbase",
                                  "fro%6d=secret/repo",
                                  "%6dount=sha256:{a}",
                                  "digest=sha256:{a}",
                                  "digest=sha256%3A{a}",
                                  "ns=harbor.example.com",
                                  "ns=evil.example",
                                  "tag=v2",
                                  "n=5",
                                  "n=99999",
                                  "last=v1",
                                  "artifactType=a/b",
                                  "_state=x",
                                  "origin=x:1",
                                  "x=y;from=secret/repo",
                                  "=&=",
                                  "from"};
constexpr string_view kVersions[] = {
    "HTTP/1.0", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", ""};
constexpr string_view kMethods[] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "get", "GETX"};
constexpr char kBytes[] = {'\r', '\n', '\0', '\t', ' ', ':', ';',  ',',    '%',    '&',
                           '=',  '?',  '/',  '\\', '#', '"', '\'', '\x7f', '\x80', '\xff',
                           '\v', '\f', '0',  'a',  'F', '-', '+',  '_',    '.'};
constexpr string_view kSizes[] = {"0x5",
                                  "+5",
                                  "-5",
                                  "5 ",
                                  " 5",
                                  "05",
                                  "5;a=b",
                                  "5;a\rb",
                                  "5;\nxx",
                                  "5\n",
                                  "5_",
                                  "ffffffffffffffff",
                                  "10000000000000005",
                                  "",
                                  "Z"};

struct Parts {
  std::string method;
  std::string target;
  std::string version = "HTTP/1.1";
  std::vector<std::string> fields;
  std::string body;  // As it goes on the wire.
};

class Maker {
 public:
  Maker(std::uint64_t seed, std::uint64_t number, const std::string& upload)
      : random_(seed * 1'000'003 + number), number_(number), upload_(upload) {}

  Case Make() {
    Case made{number_, {}, {}};
    const std::size_t requests = Chance(60) ? 1 : 2 + Below(2);
    for (std::size_t i = 0; i < requests; ++i) {
      Parts parts = Legal(i);
      for (std::size_t left = Chance(30) ? 0 : 1 + Below(3); left > 0; --left) {
        Change(parts);
      }
      made.bytes.append(Text(parts));
    }
    for (std::size_t left = Chance(50) ? 0 : 1 + Below(3); left > 0; --left) {
      Damage(made.bytes);
    }
    for (std::size_t left = Chance(50) ? 0 : 1 + Below(3); left > 0; --left) {
      made.cuts.push_back(Below(made.bytes.size() + 1));
    }
    std::sort(made.cuts.begin(), made.cuts.end());
    return made;
  }

 private:
  std::size_t Below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  bool Chance(std::size_t percent) { return Below(100) < percent; }
  template <typename List>
  std::string Pick(const List& list) {
    return std::string(list[Below(std::size(list))]);
  }

  Parts Legal(std::size_t index) {
    Parts parts;
    const bool by_host = Chance(15);
    const bool by_mirror = !by_host && Chance(10);
    const std::string repository = (by_host || by_mirror ? "/v2/" : kPrefix) + Pick(kRepositories);
    parts.fields = {"Host: " + (by_host ? "c-harbor.default.svc" : Pick(kHosts)),
                    "Authorization: Bearer c" + std::to_string(number_) + "-" +
                        std::to_string(index) + "-token"};
    if (by_mirror) {
      parts.fields[0] = "Host: a";
    }
    Operation(repository, parts);
    if (by_mirror && parts.target.find(upload_) == std::string::npos) {
      AddPair(parts, "ns=harbor.example.com");
    }
    while (Chance(30)) {
      parts.fields.insert(
          parts.fields.begin() + static_cast<std::ptrdiff_t>(Below(parts.fields.size() + 1)),
          Pick(kSpice));
    }
    return parts;
  }

  void Operation(const std::string& repository, Parts& parts) {
    const std::string reference = Chance(50) ? "v1" : kDigest;
    switch (Below(12)) {
      case 0:
      case 1:
        parts.method = Chance(70) ? "GET" : "HEAD";
        parts.target = repository + "/manifests/" + reference;
        return;
      case 2:
        parts.method = Chance(70) ? "GET" : "HEAD";
        parts.target =
            repository + "/blobs/" + (Chance(20) ? "sha256%3A" + kDigest.substr(7) : kDigest);
        return;
      case 3:
        parts.method = "PUT";
        parts.target = repository + "/manifests/" + reference;
        parts.fields.push_back("Content-Type: application/json");
        Body(parts, "{\"manifest\":1}");
        return;
      case 4:
        parts.method = "POST";
        parts.target = repository + "/blobs/uploads/";
        return;
      case 5:
        parts.method = "POST";
        parts.target = repository + "/blobs/uploads/?digest=" + kDigest;
        Body(parts, Payload());
        return;
      case 6:
        parts.method = "POST";
        parts.target = repository + "/blobs/uploads/?mount=" + kDigest +
                       "&from=namespaces/default/connectors/harbor/team/base";
        return;
      case 7:
      case 8:
        parts.method = "PATCH";
        parts.target = upload_;
        Body(parts, Payload());
        return;
      case 9:
        parts.method = Chance(60) ? "PUT" : Chance(50) ? "GET" : "DELETE";
        parts.target = upload_ + (parts.method == "PUT" ? "?digest=" + kDigest : "");
        return;
      case 10:
        parts.method = "DELETE";
        parts.target = repository + (Chance(50) ? "/manifests/v1" : "/blobs/" + kDigest);
        return;
      default:
        parts.method = "GET";
        parts.target = Chance(50) ? repository + "/tags/list?n=5&last=v1"
                                  : repository + "/referrers/" + kDigest + "?artifactType=a%2Fb";
        return;
    }
  }

  std::string Payload() {
    switch (Below(4)) {
      case 0:
        return "hello";
      case 1:
        return "GET " + kPrefix + "secret/repo/manifests/v1 HTTP/1.1\r\nHost: a\r\n" +
               "Authorization: Bearer c" + std::to_string(number_) + "-9-token\r\n\r\n";
      case 2:
        return "mount=" + kDigest + "&from=secret/repo";
      default:
        return std::string(Below(3000), 'x') + "0\r\n\r\n";
    }
  }

  void Body(Parts& parts, const std::string& payload) {
    if (Chance(50)) {
      parts.fields.push_back("Content-Length: " + std::to_string(payload.size()));
      parts.body = payload;
      return;
    }
    parts.fields.push_back("Transfer-Encoding: chunked");
    for (std::size_t at = 0; at < payload.size();) {
      const std::size_t size = 1 + Below(payload.size() - at);
      parts.body.append(Hex(size)).append(Chance(10) ? ";a=b" : "").append("\r\n");
      parts.body.append(payload, at, size).append("\r\n");
      at += size;
    }
    parts.body.append(Chance(10) ? "0\r\nX-Trailer: 1\r\n\r\n" : "0\r\n\r\n");
  }

  static std::string Hex(std::size_t value) {
    constexpr string_view kDigits = "0123456789abcdef";
    std::string out;
    do {
      out.insert(out.begin(), kDigits[value % 16]);
      value /= 16;
    } while (value > 0);
    return out;
  }

  static std::string Text(const Parts& parts) {
    std::string text = parts.method + " " + parts.target + " " + parts.version + "\r\n";
    for (const std::string& field : parts.fields) {
      text.append(field).append("\r\n");
    }
    return text.append("\r\n").append(parts.body);
  }

  // One change that keeps the request's shape.
  void Change(Parts& parts) {
    switch (Below(14)) {
      case 0:
        parts.method = Pick(kMethods);
        return;
      case 1:
        parts.version = Pick(kVersions);
        return;
      case 2:
      case 3:
        parts.target.insert(Below(parts.target.size() + 1), Pick(kPathPieces));
        return;
      case 4:
        EncodeOne(parts.target);
        return;
      case 5:
        Replace(parts.target, "team/app", Chance(50) ? "secret/repo" : "secret%2Frepo");
        return;
      case 6:
      case 7:
        AddPair(parts, Pick(kPairs));
        return;
      case 8:
        ShuffleQuery(parts.target);
        return;
      case 9:
        InsertField(parts, Pick(kFramings));
        return;
      case 10:
        InsertField(parts, parts.fields[Below(parts.fields.size())]);
        return;
      case 11:
        parts.fields.erase(parts.fields.begin() +
                           static_cast<std::ptrdiff_t>(Below(parts.fields.size())));
        if (parts.fields.empty()) {
          parts.fields.emplace_back("Host: a");
        }
        return;
      case 12:
        std::shuffle(parts.fields.begin(), parts.fields.end(), random_);
        return;
      default:
        MangleChunk(parts);
        return;
    }
  }

  void InsertField(Parts& parts, std::string field) {
    parts.fields.insert(
        parts.fields.begin() + static_cast<std::ptrdiff_t>(Below(parts.fields.size() + 1)),
        std::move(field));
  }

  void AddPair(Parts& parts, std::string pair) {
    Replace(pair, "{a}", std::string(64, 'a'));
    parts.target.append(parts.target.find('?') == std::string::npos ? "?" : "&").append(pair);
  }

  void EncodeOne(std::string& target) {
    if (target.empty()) {
      return;
    }
    const std::size_t at = Below(target.size());
    const auto byte = static_cast<unsigned char>(target[at]);
    std::string escape = "%" + Hex(byte / 16) + Hex(byte % 16);
    target.replace(at, 1, escape);
  }

  void ShuffleQuery(std::string& target) {
    const std::size_t question = target.find('?');
    if (question == std::string::npos) {
      return;
    }
    std::vector<std::string> pairs;
    std::string rest = target.substr(question + 1);
    while (true) {
      const std::size_t end = rest.find('&');
      pairs.push_back(rest.substr(0, end));
      if (end == std::string::npos) {
        break;
      }
      rest.erase(0, end + 1);
    }
    std::shuffle(pairs.begin(), pairs.end(), random_);
    target.resize(question);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      target.append(i == 0 ? "?" : "&").append(pairs[i]);
    }
  }

  void MangleChunk(Parts& parts) {
    const std::size_t end = parts.body.find("\r\n");
    if (end != std::string::npos) {
      parts.body.replace(0, end, Pick(kSizes));
    }
  }

  static void Replace(std::string& text, string_view from, string_view to) {
    const std::size_t at = text.find(from);
    if (at != std::string::npos) {
      text.replace(at, from.size(), to);
    }
  }

  // One change that knows nothing of HTTP. Most fall on heads, since bodies are short.
  void Damage(std::string& bytes) {
    const std::size_t at = Below(bytes.size());
    const std::size_t size = std::min<std::size_t>(1 + Below(40), bytes.size() - at);
    switch (Below(9)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(8)));
        return;
      case 1:
      case 2:
        bytes.insert(at, 1, kBytes[Below(sizeof kBytes)]);
        return;
      case 3:
        bytes.erase(at, Chance(50) ? 1 : size);
        return;
      case 4:
        bytes.insert(at, bytes.substr(at, size));
        return;
      case 5: {  // A line end, anywhere, into another.
        const std::size_t line = bytes.find("\r\n", at);
        if (line != std::string::npos) {
          bytes.replace(line, 2, Chance(50) ? "\n" : Chance(50) ? "\r" : "\r\n\r\n");
        }
        return;
      }
      case 6:
        bytes.insert(at, "\r\n");
        return;
      case 7:
        bytes.resize(at);  // Cut off.
        bytes.push_back('x');
        return;
      default:
        bytes.insert(at, Payload());
        return;
    }
  }

  std::mt19937_64 random_;
  std::uint64_t number_;
  const std::string& upload_;
};

}  // namespace

Case MakeCase(std::uint64_t seed, std::uint64_t number, const std::string& upload) {
  return Maker(seed, number, upload).Make();
}

}  // namespace connector::framing
