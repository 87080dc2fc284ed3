#include "tests/integration/dataplane/framing/framing_world.h"

#include "tests/support/cpp/source_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <utility>

namespace connector::framing {
namespace {

using testing_support::DataplaneWorld;
using testing_support::RawClient;
using testing_support::RawResponse;
using testing_support::WorldOptions;

const std::string kRepo = std::string(testing_support::kRepositoryPath);
const std::string kAuth = "Authorization: Bearer caller-token";

WorldOptions Options(const Registry& registry) {
  WorldOptions options;
  options.settings.head_timeout = std::chrono::seconds(5);
  options.settings.idle_timeout = std::chrono::seconds(5);
  options.adjust = [address = registry.address()](dataplane::routes::Route& route) {
    route.origin = *http::ParseOrigin(address);
    route.limits.idle_timeout = std::chrono::seconds(5);
    route.limits.max_concurrent_requests = 100'000;
  };
  return options;
}

RawResponse ReadFinal(RawClient& client, bool head_only) {
  RawResponse response = client.Read(head_only);
  while (response.status >= 100 && response.status < 200) {
    response = client.Read(head_only);
  }
  return response;
}

std::string Describe(const Seen& seen) {
  return (seen.complete ? "a request: " : "a part of one: ") + Printable(seen.raw);
}

// Empty when `seen` is what the row says.
std::string Compare(const Expected& expected, const Seen& seen) {
  const Message& message = seen.message;
  if (message.method != expected.method || message.target != expected.target) {
    return "another method or target";
  }
  if (message.kind != expected.kind &&
      !(expected.kind == BodyKind::kNone && message.kind == BodyKind::kLength &&
        message.length == 0)) {
    return "another framing";
  }
  if (expected.unfinished) {
    return seen.complete || !expected.body.starts_with(message.body) ? "more than may be" : "";
  }
  if (!seen.complete || message.body != expected.body) {
    return "another body";
  }
  for (const auto& [name, value] : expected.with) {
    if (message.Field(name) != value) {
      return "another " + name;
    }
  }
  return {};
}

class Judge {
 public:
  explicit Judge(FramingWorld& world) : world_(world) {}

  void Problem(std::string text) { result_.problems.push_back(std::move(text)); }
  void Wrong(std::string text) {
    result_.reached_wrongly = true;
    Problem(std::move(text));
  }

  void Answers(RawClient& client, const Row& row) {
    for (const Answer& expected : row.answers) {
      const RawResponse got = ReadFinal(client, expected.head_only);
      if (got.status != expected.status) {
        Problem("answered " + std::to_string(got.status) + " instead of " +
                std::to_string(expected.status));
        return;
      }
      if (got.head.find("grant-") != std::string::npos ||
          got.body.find("grant-") != std::string::npos) {
        Problem("the credential reached the client");
      }
      if (got.complete == expected.cut) {
        Problem(expected.cut ? "the answer is whole" : "the answer is cut");
      }
      if (got.body.find(expected.says) == std::string::npos) {
        Problem("the body does not say \"" + expected.says + "\"");
      }
      if (expected.has_body && got.body != expected.body) {
        Problem("the body is \"" + Printable(got.body) + "\"");
      }
    }
  }

  // `allow_anonymous`: the row redirects.
  void Upstream(const Row& row, const std::vector<Seen>& seen, bool allow_anonymous) {
    for (const Seen& one : seen) {
      const std::string fault = FaultOf(world_.registry(), world_.ledger(), one, allow_anonymous);
      if (!fault.empty()) {
        Wrong(fault + ": " + Describe(one));
      }
    }
    std::size_t at = 0;
    for (const Expected& expected : row.upstream) {
      if (at == seen.size()) {
        if (!expected.unfinished) {
          Wrong("nothing arrived instead of " + expected.method + " " + expected.target);
        }
        continue;
      }
      const std::string difference = Compare(expected, seen[at]);
      if (!difference.empty()) {
        Wrong(difference + ": " + Describe(seen[at]));
      }
      ++at;
    }
    for (; at < seen.size(); ++at) {
      Wrong("arrived uncalled for: " + Describe(seen[at]));
    }
  }

  std::size_t Canary() {
    std::size_t connection = 0;
    const std::string problem = world_.Canary(connection);
    if (!problem.empty()) {
      Wrong("the next request: " + problem);
    }
    return connection;
  }

  RowResult Take() { return std::move(result_); }

 private:
  FramingWorld& world_;
  RowResult result_;
};

class Summary final : public ::testing::Environment {
 public:
  void Add(const std::string& what, std::size_t tried, std::size_t wrong) {
    counts_[what].first += tried;
    counts_[what].second += wrong;
  }
  void TearDown() override {
    for (const auto& [what, count] : counts_) {
      std::printf("%s tried: %zu, reached the upstream wrongly: %zu\n",
                  what.c_str(),
                  count.first,
                  count.second);
    }
  }

 private:
  std::map<std::string, std::pair<std::size_t, std::size_t>> counts_;
};

Summary& TheSummary() {
  static auto* const summary =
      static_cast<Summary*>(::testing::AddGlobalTestEnvironment(new Summary));
  return *summary;
}

const Summary& summary_at_start = TheSummary();

}  // namespace

FramingWorld::FramingWorld()
    : world_([](const testing_support::HttpRequest&) { return testing_support::HttpAnswer{}; },
             Options(registry_)) {
  world_.issuer().SetAnswer([this](const dataplane::token::GrantRequest& grant_request) {
    return ledger_.Answer(grant_request);
  });
}

std::string FramingWorld::OpenUpload() {
  const RawResponse opened = world_.Do("POST", kRepo + "/blobs/uploads/");
  if (opened.status != 202) {
    throw std::runtime_error("no upload session");
  }
  static_cast<void>(registry_.Take());
  return opened.Header("location");
}

Macros FramingWorld::MakeMacros() {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const std::string head = " HTTP/1.1\r\nHost: proxy.example:8080\r\n" + kAuth;
  const std::string upload = OpenUpload();
  static_cast<void>(registry_.Take());
  return {{"repo", kRepo},
          {"auth", kAuth},
          {"digest", digest},
          {"upload", upload},
          {"session",
           "/v2/team/app/blobs/uploads/upload-1?_state=" + Registry::SessionState("upload-1")},
          {"origin", registry_.address()},
          {"get", "GET " + kRepo + "/manifests/v1" + head},
          {"head", "HEAD " + kRepo + "/manifests/v1" + head},
          {"delete", "DELETE " + kRepo + "/manifests/v1" + head},
          {"start", "POST " + kRepo + "/blobs/uploads/" + head},
          {"post", "POST " + kRepo + "/blobs/uploads/?digest=" + digest + head},
          {"put", "PUT " + kRepo + "/manifests/v1" + head + "\r\nContent-Type: a/b"},
          {"patch", "PATCH " + upload + head},
          {"finish", "PUT " + upload + "?digest=" + digest + head}};
}

std::string FramingWorld::CanaryRequest() {
  ++canaries_;
  return "GET " + kRepo + "/manifests/canary-" + std::to_string(canaries_) +
         " HTTP/1.1\r\nHost: a\r\n" + kAuth + "\r\n\r\n";
}

std::string FramingWorld::CanaryTarget() const {
  return "/v2/team/app/manifests/canary-" + std::to_string(canaries_);
}

std::string FramingWorld::CanaryBody() const {
  return "what " + CanaryTarget() + " holds";
}

std::string FramingWorld::Canary(std::size_t& connection) {
  RawClient client(port());
  client.Send(CanaryRequest());
  const RawResponse response = ReadFinal(client, false);
  if (response.status != 200 || response.body != CanaryBody()) {
    return "got " + std::to_string(response.status) + " \"" + Printable(response.body) + "\"";
  }
  const std::vector<Seen> seen = registry_.Take();
  if (seen.size() != 1 || seen[0].message.target != CanaryTarget()) {
    return "did not arrive alone";
  }
  connection = seen[0].connection;
  return FaultOf(registry_, ledger_, seen[0]);
}

RowResult RunRequestRow(FramingWorld& world, const Row& row, Delivery delivery) {
  Judge judge(world);
  Row expected = row;
  RawClient client(world.port());
  if (delivery == Delivery::kWhole) {
    client.Send(row.bytes);
  } else {
    client.SendByteByByte(row.bytes);
  }
  const bool probes_the_rest = delivery == Delivery::kWhole && !row.silence;
  if (!probes_the_rest) {
    client.FinishSending();
  }
  judge.Answers(client, row);
  if (probes_the_rest && !row.closes) {
    client.Send(world.CanaryRequest());
    const RawResponse again = ReadFinal(client, false);
    if (again.body != world.CanaryBody()) {
      judge.Problem("the connection does not go on");
    }
    expected.upstream.push_back({.method = "GET", .target = world.CanaryTarget()});
  } else if (!client.AtEnd()) {
    judge.Problem("the connection goes on");
  }
  judge.Upstream(expected, world.registry().Take(), false);
  judge.Canary();
  return judge.Take();
}

RowResult RunResponseRow(FramingWorld& world, const Row& row) {
  Judge judge(world);
  std::vector<Script> scripts;
  bool redirects = false;
  for (const Row::Scripted& one : row.scripts) {
    scripts.push_back({one.early, one.answer, one.close});
    redirects = redirects || one.answer.find("\nLocation: ") != std::string::npos;
  }
  world.registry().SetScripts(scripts);
  RawClient client(world.port());
  client.Send(row.bytes);
  if (!row.rest.empty()) {
    world.registry().AwaitScript();
    client.Send(row.rest);
  }
  judge.Answers(client, row);
  const bool closed = row.closes && client.AtEnd();
  if (row.closes != closed) {
    judge.Problem("the connection goes on");
  }
  client.Close();
  world.registry().SetScripts({});
  const std::vector<Seen> seen = world.registry().Take();
  if (row.upstream.empty()) {
    Row any = row;  // Whatever arrived must be authorized, but the row does not say how often.
    for (const Seen& one : seen) {
      any.upstream.push_back({.method = one.message.method,
                              .target = one.message.target,
                              .kind = one.message.kind,
                              .body = one.message.body,
                              .unfinished = !one.complete});
    }
    judge.Upstream(any, seen, redirects);
  } else {
    judge.Upstream(row, seen, redirects);
  }
  if (!row.later.empty()) {
    world.registry().PushToIdle(row.later);
  }
  const std::size_t next = judge.Canary();
  const std::size_t last = seen.empty() ? 0 : seen.back().connection;
  if (row.checks_next && row.next_is_reused != (next == last)) {
    judge.Wrong(row.next_is_reused ? "the connection was thrown away"
                                   : "the next request went out on the spoilt connection");
  }
  return judge.Take();
}

std::vector<std::string> TableFiles(const std::string& folder) {
  std::vector<std::string> files;
  const std::string parent = testing_support::SourcePath("tests/data/framing/");
  for (const auto& entry : std::filesystem::directory_iterator(parent + folder)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void Count(const std::string& what, std::size_t tried, std::size_t wrong) {
  TheSummary().Add(what, tried, wrong);
}

}  // namespace connector::framing
