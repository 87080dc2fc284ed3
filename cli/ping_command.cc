#include "cli/commands.h"
#include "cli/operator_client.h"
#include "cli/values.h"
#include "common/curl/curl_client.h"

#include <boost/asio/co_spawn.hpp>

#include <ostream>
#include <utility>

namespace connector::cli {
namespace {

constexpr std::string_view kRealm = "realm=\"oci-connector\"";  // Of the data plane's own 401.
constexpr int kOk = 200;
constexpr int kUnauthorized = 401;

Result<curl::CurlResponse> Get(http::Url url, std::string ca_pem, std::chrono::seconds timeout) {
  asio::io_context io;
  curl::CurlClient client;
  curl::CurlRequest request;
  request.url = std::move(url);
  request.ca_pem = std::move(ca_pem);
  Result<curl::CurlResponse> answer = MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "");
  asio::co_spawn(io,
                 client.Perform(std::move(request), std::chrono::steady_clock::now() + timeout),
                 [&](const std::exception_ptr& failure, Result<curl::CurlResponse> result) {
                   if (failure) {
                     std::rethrow_exception(failure);
                   }
                   answer = std::move(result);
                 });
  io.run();
  return answer;
}

Result<Done> PingDataplane(const std::string& address,
                           OperatorClient& broker,
                           std::chrono::seconds timeout) {
  Result<http::Url> url = http::ParseUrl(address);
  if (!url) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kClient,
                     "--dataplane must be a URL: " + url.error().message);
  }
  url->path = "/v2/";
  // A broker that has no listener authority, or is away: the system's trust has to do.
  Result<std::string> ca_pem = url->origin.tls ? broker.ListenerCa() : std::string();
  const Result<curl::CurlResponse> answer =
      Get(*std::move(url), ca_pem ? *std::move(ca_pem) : std::string(), timeout);
  if (!answer) {
    return answer.error();
  }
  const auto challenge = answer->headers.find("www-authenticate");
  const bool ours =
      challenge != answer->headers.end() && challenge->second.find(kRealm) != std::string::npos;
  if (answer->status == kOk || (answer->status == kUnauthorized && ours)) {
    return Done{};
  }
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kUpstream,
                   "it answers " + std::to_string(answer->status) +
                       " to GET /v2/, and not as a data plane does; is something else at this "
                       "address?");
}

// One line; whether it is ok.
bool PrintResult(const Console& console, std::string_view what, const Result<Done>& result) {
  console.out << (result ? "ok      " : "FAILED  ") << what;
  if (!result) {
    console.out << "  " << result.error().message;
  }
  console.out << "\n";
  return result.has_value();
}

int RunPing(const CommandArguments& arguments, const Console& console) {
  const Result<std::chrono::seconds> timeout = ParseDuration(arguments.ValueOr("timeout", "15s"));
  Result<OperatorClient> client = OperatorClient::FromArguments(arguments);
  if (!timeout || !client) {
    return Fail(console, kExitUsage, (timeout ? client.error() : timeout.error()).message);
  }
  bool all_ok = PrintResult(console, "broker", client->Health());
  if (const auto address = arguments.Value("dataplane")) {
    const Result<Done> answered = PingDataplane(*address, *client, *timeout);
    if (!answered && answered.error().code == ErrorCode::kInvalidArgument) {
      return Fail(console, kExitUsage, answered.error().message);
    }
    all_ok = PrintResult(console, "dataplane", answered) && all_ok;
  }
  return all_ok ? kExitOk : kExitUnreachable;
}

constexpr std::string_view kPingDetails =
    R"(Is a broker there that takes our certificate and serves, and does a data plane answer GET /v2/?
Asks nothing of any Connector; `check` does. `helm test` runs it. With https the certificate is
verified by the CA that `listener-ca` prints, and by the system's.

Exit codes: 0 all answer; 2 wrong usage; 3 one does not.

Example:
  connectorctl ping --broker 127.0.0.1:7443 --pki pki --dataplane http://127.0.0.1:8080
)";

}  // namespace

Command PingCommand() {
  return {{.name = "ping",
           .summary = "Ask whether broker and data plane are up.",
           .flags = WithBrokerFlags({{.name = "dataplane",
                                      .value_name = "URL",
                                      .help = "A data plane, as https://HOST:PORT."}}),
           .details = kPingDetails},
          RunPing};
}

}  // namespace connector::cli
