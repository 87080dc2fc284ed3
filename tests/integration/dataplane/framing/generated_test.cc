// A hundred thousand generated request streams. For none of them may the registry see a method, a
// repository, a query or a body other than what one well-formed request of the client said, nor
// anything that the grant of its credential does not cover.
//
// FRAMING_CASES: how many. FRAMING_SEED: of the cases. FRAMING_FIRST: the number of the first.

#include "tests/integration/dataplane/framing/crowd.h"
#include "tests/integration/dataplane/framing/framing_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace connector::framing {
namespace {

constexpr std::size_t kBatch = 500;

std::uint64_t Setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string Lower(std::string text) {
  for (char& c : text) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return text;
}

std::string Decode(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out.push_back(static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16)));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

using Query = std::multimap<std::string, std::string>;

Query ReadQuery(const std::string& target) {
  Query query;
  std::size_t at = target.find('?');
  while (at != std::string::npos) {
    const std::size_t end = target.find('&', at + 1);
    const std::string pair = target.substr(at + 1, end - at - 1);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    query.emplace(Decode(pair.substr(0, equals)),
                  Decode(pair.substr(std::min(equals + 1, pair.size()))));
    at = end;
  }
  return query;
}

// The path as a registry may see it, when a client says `target`: without the connector's prefix.
std::string WithoutPrefix(const std::string& target) {
  const std::string prefix = "/v2/namespaces/default/connectors/harbor/";
  return target.starts_with(prefix) ? "/v2/" + target.substr(prefix.size()) : target;
}

// The path in the one spelling that a registry may see. Of an upload session only what stands
// before its id, which differs on the two sides.
std::string Path(const std::string& target) {
  std::string path = target.substr(0, target.find('?'));
  const std::size_t colon = std::min(path.find("%3A"), path.find("%3a"));
  if (colon != std::string::npos) {
    path.replace(colon, 3, ":");
  }
  const std::size_t uploads = path.find("/blobs/uploads/");
  return uploads == std::string::npos ? path : path.substr(0, uploads + 15);
}

bool SameValue(const std::string& key, const std::string& said, const std::string& seen) {
  if (key == "from") {
    return said == seen || said == "namespaces/default/connectors/harbor/" + seen;
  }
  if (key == "n") {
    return std::to_string(
               std::min<std::uint64_t>(std::strtoull(said.c_str(), nullptr, 10), 10'000)) == seen;
  }
  return said == seen;
}

// Each pair that the registry saw was said once, and with this value.
bool SameQuery(const std::string& said_target, const std::string& seen_target) {
  const Query said = ReadQuery(said_target);
  for (const auto& [key, value] : ReadQuery(seen_target)) {
    if (key == "_state") {
      continue;  // The registry's own.
    }
    const auto [first, last] = said.equal_range(key);
    const bool found = std::any_of(
        first, last, [&, k = key, v = value](const auto& p) { return SameValue(k, p.second, v); });
    if (!found || (key != "tag" && said.count(key) != 1)) {
      return false;
    }
  }
  return true;
}

// What a client said in one well-formed request, or in the beginning of one.
struct Said {
  Message message;
  bool complete = false;
  bool used = false;
};

// A HEAD of a list is a GET at the registry: its length is that of the list as the client reads it.
bool SameMethod(const Message& said, const Message& seen) {
  const std::string path = Path(said.target);
  const bool list = path.ends_with("/tags/list") || path.find("/referrers/") != std::string::npos;
  return said.method == seen.method || (list && said.method == "HEAD" && seen.method == "GET");
}

// With the connector in Host, the prefix may be a repository's own name, as in
// ".../harbor/manifests".
bool SamePath(const std::string& said_target, const std::string& seen_target) {
  const std::string seen = Path(seen_target);
  return Path(WithoutPrefix(said_target)) == seen || Path(said_target) == seen;
}

bool Matches(const Said& said, const Seen& seen) {
  if (said.used || !SameMethod(said.message, seen.message) ||
      !SamePath(said.message.target, seen.message.target) ||
      !SameQuery(said.message.target, seen.message.target)) {
    return false;
  }
  return seen.complete ? said.complete && said.message.body == seen.message.body
                       : said.message.body.starts_with(seen.message.body);
}

class Generated : public ::testing::Test {
 protected:
  void RunBatch(std::vector<Case> cases) {
    const std::vector<std::string> answers = SendAll(world_.port(), cases);
    std::multimap<std::string, Said> said;  // By the caller's token.
    for (const Case& one : cases) {
      Stream stream = ReadStream(one.bytes);
      for (std::size_t i = 0; i < stream.messages.size(); ++i) {
        const std::string authorization = stream.messages[i].Field("authorization");
        if (Lower(authorization.substr(0, 7)) == "bearer ") {
          const std::size_t token = authorization.find_first_not_of(' ', 6);
          said.emplace(token == std::string::npos ? "" : authorization.substr(token),
                       Said{std::move(stream.messages[i]), i < stream.complete, false});
        }
      }
    }
    for (const Seen& seen : world_.registry().Take()) {
      ++arrived_;
      const std::string fault = FaultOf(world_.registry(), world_.ledger(), seen);
      if (!fault.empty()) {
        Report(fault, seen);
        continue;
      }
      const auto grant = world_.ledger().Find(seen.message.Field("authorization"));
      const auto [first, last] = said.equal_range(grant->caller);
      const auto match =
          std::find_if(first, last, [&](const auto& entry) { return Matches(entry.second, seen); });
      if (match == last) {
        Report("no client said this", seen);
        continue;
      }
      match->second.used = seen.complete;
    }
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (answers[i].find("grant-") != std::string::npos) {
        ++wrong_;
        ADD_FAILURE() << "case " << cases[i].number << ": the credential reached the client";
      }
    }
  }

  // The caller's token, and so the message, names the case.
  void Report(const std::string& fault, const Seen& seen) {
    ++wrong_;
    const auto grant = world_.ledger().Find(seen.message.Field("authorization"));
    ADD_FAILURE() << fault << "; seed " << seed_ << ", caller "
                  << (grant ? grant->caller : "unknown") << ", the registry saw\n"
                  << Printable(seen.raw);
  }

  FramingWorld world_;
  std::uint64_t seed_ = Setting("FRAMING_SEED", 1);
  std::size_t arrived_ = 0;
  std::size_t wrong_ = 0;
};

TEST_F(Generated, RequestsReachTheRegistryOnlyAsTheyWereAuthorized) {
  const std::uint64_t cases = Setting("FRAMING_CASES", FRAMING_DEFAULT_CASES);
  const std::uint64_t first = Setting("FRAMING_FIRST", 0);
  const std::string upload = world_.OpenUpload();

  for (std::uint64_t done = 0; done < cases && wrong_ < 20; done += kBatch) {
    std::vector<Case> batch;
    for (std::uint64_t i = done; i < std::min(done + kBatch, cases); ++i) {
      batch.push_back(MakeCase(seed_, first + i, upload));
    }
    RunBatch(std::move(batch));
    std::size_t connection = 0;
    EXPECT_EQ(world_.Canary(connection), "") << "after case " << first + done;
  }

  Count("generated streams", cases, wrong_);
  std::printf("%zu requests arrived at the registry\n", arrived_);
  // Were nearly all of them refused, they would show nothing.
  EXPECT_GT(arrived_, cases / 4);
}

}  // namespace
}  // namespace connector::framing
