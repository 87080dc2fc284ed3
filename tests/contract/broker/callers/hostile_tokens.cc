#include "tests/contract/broker/callers/hostile_tokens.h"

#include "common/base/encoding.h"

namespace connector::testing_support {
namespace {

std::string Quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

class Rows {
 public:
  Rows(const SigningKey& key, std::int64_t now) : key_(key), now_(now) {}

  void Add(std::string rule, std::string token, std::string reason) {
    rows_.push_back({std::move(rule), std::move(token), std::move(reason)});
  }
  // Signed well: only the payload is wrong.
  void AddPayload(std::string rule, const std::string& payload, std::string reason) {
    Add(std::move(rule), Forge(key_, "ES256", Header("ES256", kTestKid), payload), reason);
  }
  // Signed well over a wrong header.
  void AddHeader(std::string rule, const std::string& header, std::string reason) {
    Add(std::move(rule), Forge(key_, "ES256", header, good().Json()), reason);
  }

  [[nodiscard]] Payload good() const { return GoodPayload(now_); }
  std::vector<HostileToken> Take() { return std::move(rows_); }

 private:
  const SigningKey& key_;
  const std::int64_t now_;
  std::vector<HostileToken> rows_;
};

void AddTimes(Rows& rows, std::int64_t now) {
  const auto at = [](std::int64_t time) { return std::to_string(time); };
  const char* kTime = " is not a time in seconds";
  rows.AddPayload("expired", rows.good().Set("exp", at(now - 1)).Json(), "is expired");
  rows.AddPayload("expires now", rows.good().Set("exp", at(now)).Json(), "is expired");
  rows.AddPayload("no exp", rows.good().Remove("exp").Json(), "has no exp");
  rows.AddPayload("exp is a string", rows.good().Set("exp", "\"1\"").Json(), kTime);
  rows.AddPayload(
      "exp is a fraction ago", rows.good().Set("exp", at(now) + ".9").Json(), "is expired");
  rows.AddPayload(
      "exp has an exponent and is after 2100", rows.good().Set("exp", "5e9").Json(), kTime);
  rows.AddPayload("exp is after 2100", rows.good().Set("exp", "4102444801").Json(), kTime);
  rows.AddPayload("exp is 2^63", rows.good().Set("exp", "9223372036854775808").Json(), kTime);
  rows.AddPayload("exp is negative", rows.good().Set("exp", "-1").Json(), kTime);
  rows.AddPayload("exp is null", rows.good().Set("exp", "null").Json(), kTime);
  rows.AddPayload("not valid yet", rows.good().Set("nbf", at(now + 31)).Json(), "not valid yet");
  rows.AddPayload("nbf is a string", rows.good().Set("nbf", "\"1\"").Json(), kTime);
  rows.AddPayload("from the future", rows.good().Set("iat", at(now + 31)).Json(), "in the future");
}

void AddNames(Rows& rows) {
  rows.AddPayload("aud is another", rows.good().Set("aud", "\"other\"").Json(), "audience");
  rows.AddPayload("aud is longer", rows.good().Set("aud", "\"oci-connector2\"").Json(), "audience");
  rows.AddPayload("aud lists others", rows.good().Set("aud", R"(["a","b"])").Json(), "audience");
  rows.AddPayload("aud is empty", rows.good().Set("aud", "[]").Json(), "audience");
  rows.AddPayload("no aud", rows.good().Remove("aud").Json(), "audience");
  rows.AddPayload("aud lists a number",
                  rows.good().Set("aud", R"(["oci-connector",1])").Json(),
                  "neither a string nor a list");
  rows.AddPayload("aud is an object", rows.good().Set("aud", "{}").Json(), "neither a string");
  rows.AddPayload(
      "iss is another", rows.good().Set("iss", "\"https://other.example\"").Json(), "issuer");
  rows.AddPayload("iss has one slash more",
                  rows.good().Set("iss", "\"https://issuer.example/\"").Json(),
                  "issuer");
  rows.AddPayload("no iss", rows.good().Remove("iss").Json(), "has no iss");
  rows.AddPayload("iss is a list", rows.good().Set("iss", "[]").Json(), "has no iss");
  rows.AddPayload("no sub", rows.good().Remove("sub").Json(), "has no sub");
  rows.AddPayload("sub is empty", rows.good().Set("sub", "\"\"").Json(), "has no sub");
  rows.AddPayload("sub is a number", rows.good().Set("sub", "7").Json(), "has no sub");
  rows.AddPayload("sub has a line break", rows.good().Set("sub", R"("a\nb")").Json(), "control");
  rows.AddPayload("sub has a NUL", rows.good().Set("sub", R"("a\u0000b")").Json(), "control");
  rows.AddPayload("sub twice", rows.good().Repeat("sub", "\"x\"").Json(), "repeats a member");
  rows.AddPayload("aud twice", rows.good().Repeat("\\u0061ud", "\"x\"").Json(), "repeats a member");
  rows.AddPayload("payload is no JSON", "{", "is not JSON");
  rows.AddPayload("payload is a list", "[]", "is not an object");
  rows.AddPayload("payload has a tail", rows.good().Json() + "{}", "is not JSON");
  rows.AddPayload("payload is not UTF-8", rows.good().Set("x", "\"\xFF\"").Json(), "is not JSON");
  rows.AddPayload("payload is deep",
                  rows.good().Set("x", std::string(20, '[') + std::string(20, ']')).Json(),
                  "nested too deeply");
}

void AddHeaders(Rows& rows, const SigningKey& key) {
  const std::string good = rows.good().Json();
  rows.AddHeader("an unknown kid", Header("ES256", "key-2"), "unknown key");
  rows.AddHeader("kid twice", Header("ES256", "key-2", R"(,"kid":"key-1")"), "repeats a member");
  rows.AddHeader("alg twice", Header("none", "key-1", R"(,"alg":"ES256")"), "repeats a member");
  rows.AddHeader("kid is a number", R"({"alg":"ES256","kid":1})", "kid is not a string");
  rows.AddHeader("kid is empty", Header("ES256", ""), "kid is not a string");
  rows.AddHeader("kid is long", Header("ES256", std::string(513, 'k')), "kid is not a string");
  rows.AddHeader("typ is a number", Header("ES256", kTestKid, R"(,"typ":1)"), "typ is not");
  rows.AddHeader("crit", Header("ES256", kTestKid, R"(,"crit":["exp"])"), "has crit");
  rows.AddHeader("b64", Header("ES256", kTestKid, R"(,"b64":true)"), "has b64");
  rows.AddHeader("no alg", R"({"kid":"key-1"})", "has no alg");
  rows.AddHeader("alg is a list", R"({"alg":["ES256"],"kid":"key-1"})", "has no alg");
  rows.AddHeader("header is no object", "[1]", "is not an object");
  rows.AddHeader("header is large",
                 Header("ES256", kTestKid, R"(,"x":")" + std::string(8192, 'x') + '"'),
                 "header is too large");
  for (const char* alg : {"ES384", "ES512", "RS256", "PS256", "HS256", "es256", "ES256K"}) {
    rows.AddHeader(std::string("alg is ") + alg, Header(alg, kTestKid), "not one that its key");
  }
  for (const char* alg : {"none", "None"}) {
    rows.Add(std::string("alg is ") + alg,
             ForgeUnsigned(Header(alg, kTestKid), good, "x"),
             alg[0] == 'n' ? "alg is none" : "not one that its key");
  }
  // The public key as a symmetric secret (RFC 8725 section 2.1).
  for (const std::string& secret : {key.PublicPem(), key.PublicJwk(kTestKid)}) {
    const std::string input =
        Base64UrlEncode(Header("HS256", kTestKid)) + "." + Base64UrlEncode(good);
    rows.Add("HS256 with the public key",
             input + "." + Base64UrlEncode(HmacSha256(secret, input)),
             "not one that its key");
  }
}

void AddForeignKeys(Rows& rows) {
  const std::string good = rows.good().Json();
  const SigningKey mine = SigningKey::Ec();
  const std::string jwk = R"(,"jwk":)" + mine.PublicJwk("mine");
  const std::string jku = R"(,"jku":"https://evil.example/jwks")";
  const std::string x5u = R"(,"x5u":"https://evil.example/cert","x5c":["AA=="])";
  for (const std::string& extra : {jwk, jku, x5u}) {
    rows.Add("a key in the header" + extra.substr(0, 7),
             Forge(mine, "ES256", Header("ES256", "mine", extra), good),
             "unknown key");
    rows.Add("a key in the header under a known kid" + extra.substr(0, 7),
             Forge(mine, "ES256", Header("ES256", kTestKid, extra), good),
             "signature is wrong");
  }
  rows.Add("another key's signature",
           Forge(mine, "ES256", Header("ES256", kTestKid), good),
           "signature is wrong");
}

void AddShapes(Rows& rows, const SigningKey& key) {
  const std::string header = Header("ES256", kTestKid);
  const std::string good = Forge(key, "ES256", header, rows.good().Json());
  const std::size_t last_dot = good.rfind('.');
  const std::string input = good.substr(0, last_dot);
  const std::string signature = key.Sign("ES256", input);
  const std::string half = signature.substr(0, 32);
  const std::string three = "does not have three parts";
  const std::string base64 = "is not base64url";
  const std::string length = "wrong length";
  const auto sign_with = [&](const std::string& bytes) {
    return input + "." + Base64UrlEncode(bytes);
  };
  rows.Add("one part", "abc", three);
  rows.Add("two parts", input, three);
  rows.Add("four parts", good + ".AA", three);
  rows.Add("an empty signature", input + ".", base64);
  rows.Add("an empty header", good.substr(good.find('.')), base64);
  rows.Add("cut off", good.substr(0, good.size() - 2), length);
  rows.Add("a padded part", good + "==", base64);
  rows.Add("a space", good + " ", base64);
  rows.Add("a line break", good + "\n", base64);
  rows.Add("a byte outside ASCII", "\xC3\xA9" + good, base64);
  rows.Add("a NUL", good + std::string(1, '\0'), base64);
  rows.Add("the standard alphabet",
           good.substr(0, last_dot + 1) + "+/" + good.substr(last_dot + 3),
           base64);
  rows.Add("a flipped bit",
           sign_with(std::string(1, static_cast<char>(signature[0] ^ 1)) + signature.substr(1)),
           "signature is wrong");
  rows.Add("halves in the wrong order", sign_with(signature.substr(32) + half), "is wrong");
  rows.Add("a signature of zeros", sign_with(std::string(64, '\0')), "signature is wrong");
  // Equal numbers written longer: a lenient reader would take them.
  rows.Add("a signature with longer numbers",
           sign_with(std::string(1, '\0') + half + std::string(1, '\0') + signature.substr(32)),
           length);
  rows.Add("a signature with a tail", sign_with(signature + "x"), length);
  rows.Add("a signature one byte short", sign_with(signature.substr(0, 63)), length);
}

}  // namespace

Payload GoodPayload(std::int64_t now) {
  Payload payload;
  payload.Set("iss", Quoted(kTestIssuer))
      .Set("aud", Quoted(kTestAudience))
      .Set("sub", Quoted(kTestSubject))
      .Set("iat", std::to_string(now))
      .Set("nbf", std::to_string(now))
      .Set("exp", std::to_string(now + 3600));
  return payload;
}

std::string GoodToken(const SigningKey& key, std::int64_t now) {
  return Forge(key, "ES256", Header("ES256", kTestKid), GoodPayload(now).Json());
}

std::vector<HostileToken> HostileTokens(const SigningKey& key, std::int64_t now) {
  Rows rows(key, now);
  AddTimes(rows, now);
  AddNames(rows);
  AddHeaders(rows, key);
  AddForeignKeys(rows);
  AddShapes(rows, key);
  return rows.Take();
}

}  // namespace connector::testing_support
