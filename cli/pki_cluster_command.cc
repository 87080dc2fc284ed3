#include "cli/commands.h"
#include "cli/pki_layout.h"
#include "cli/pki_secrets.h"
#include "common/base/encoding.h"
#include "common/base/input_error.h"
#include "common/kube/api_client.h"
#include "common/log/log.h"
#include "common/resilience/random.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>
#include <openssl/crypto.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <ostream>
#include <utility>

namespace connector::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kDeadline{60};
// Of the whole plan, when another Job was first with one of the Secrets.
constexpr int kAttempts = 5;

Result<std::chrono::hours> ReadDays(const CommandArguments& arguments,
                                    std::string_view flag,
                                    std::string_view otherwise) {
  const std::string text = arguments.ValueOr(flag, otherwise);
  int days = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (error != std::errc{} || end != text.data() + text.size() || days < 1 || days > kMaxPkiDays) {
    return InvalidInput("--" + std::string(flag) + " must be a number from 1 to " +
                        std::to_string(kMaxPkiDays));
  }
  return std::chrono::hours(24) * days;
}

Result<std::vector<std::string>> ReadNames(const CommandArguments& arguments,
                                           std::string_view flag) {
  std::vector<std::string> names = arguments.Values(flag);
  for (const std::string& name : names) {
    if (!IsDnsName(name)) {
      return InvalidInput("--" + std::string(flag) + " '" + name + "' is not a DNS name");
    }
  }
  return names;
}

Result<ClusterPki> ReadWanted(const CommandArguments& arguments) {
  ClusterPki wanted;
  wanted.prefix = arguments.ValueOr("prefix", "");
  wanted.root_key_only = arguments.Has("root-key-only");
  Result<std::vector<std::string>> broker = ReadNames(arguments, "broker-dns");
  Result<std::vector<std::string>> listener = ReadNames(arguments, "listener-dns");
  const Result<std::chrono::hours> lifetime = ReadDays(arguments, "days", "90");
  const Result<std::chrono::hours> before = ReadDays(arguments, "renew-before-days", "30");
  if (!broker || !listener) {
    return (broker ? listener : broker).error();
  }
  if (!lifetime || !before) {
    return (lifetime ? before : lifetime).error();
  }
  if (*before >= *lifetime) {
    return InvalidInput("--renew-before-days must be less than --days");
  }
  if (!IsDnsName(wanted.prefix)) {
    return InvalidInput("--prefix must be the beginning of names of Secrets");
  }
  if (broker->empty() && !wanted.root_key_only) {
    return InvalidInput("--broker-dns is missing; it names the brokers' Service");
  }
  wanted.broker_dns = *std::move(broker);
  wanted.listener_dns = *std::move(listener);
  wanted.lifetime = *lifetime;
  wanted.renew_before = *before;
  return wanted;
}

Result<kube::ClusterConnection> ReadSettings(const CommandArguments& arguments) {
  const auto kubeconfig = arguments.Value("kubeconfig");
  return kubeconfig ? kube::KubeconfigConnection(*kubeconfig, arguments.ValueOr("context", ""))
                    : kube::InClusterConnection();
}

Result<SecretData> DataOf(const kube::Object& object) {
  SecretData data;
  const json::value* const found = object.json().if_contains("data");
  if (found == nullptr || !found->is_object()) {
    return data;
  }
  for (const auto& [key, value] : found->get_object()) {
    const json::string* const text = value.if_string();
    std::optional<std::string> decoded =
        text == nullptr ? std::nullopt : Base64Decode(std::string_view(*text));
    if (!decoded) {
      return InvalidInput("Secret " + object.name().ToString() + ": data." + std::string(key) +
                          " is not Base64");
    }
    data.emplace(key, Secret(*decoded));
    OPENSSL_cleanse(decoded->data(), decoded->size());
  }
  return data;
}

// The object as it is, but for its data. With its resourceVersion: who was first wins.
json::object WithData(const kube::Object& object, const SecretData& data) {
  json::object body = object.json();
  json::object encoded;
  for (const auto& [key, value] : data) {
    encoded[key] = Base64Encode(value.Reveal());
  }
  body["data"] = std::move(encoded);
  return body;
}

class Cluster {
 public:
  Cluster(kube::ApiClient& client, std::string ns, const Console& console)
      : client_(client), ns_(std::move(ns)), console_(console) {}

  // kConflict: somebody else wrote one of them meanwhile; plan anew.
  Task<Result<Done>> Fill(const ClusterPki& wanted, Deadline deadline) {
    std::vector<SecretState> present;
    std::vector<kube::ObjectPtr> objects;
    for (const std::string& name : SecretNames(wanted)) {
      const kube::ObjectName object_name{ns_, name};
      Result<kube::ObjectPtr> object = co_await client_.Get(kube::kSecrets, object_name, deadline);
      if (!object) {
        co_return Explain(std::move(object).error(), object_name);
      }
      Result<SecretData> data = DataOf(**object);
      if (!data) {
        co_return std::move(data).error();
      }
      present.push_back({name, *std::move(data)});
      objects.push_back(*std::move(object));
    }
    const Result<std::vector<SecretChange>> changes =
        PlanSecrets(wanted, present, SystemClock().Now());
    if (!changes) {
      co_return changes.error();
    }
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const auto change = std::find_if(changes->begin(), changes->end(), [&](const auto& each) {
        return each.name == present[i].name;
      });
      if (change == changes->end()) {
        console_.out << "kept    " << present[i].name << "\n";
        continue;
      }
      json::object body = WithData(*objects[i], change->data);
      const Result<kube::ObjectPtr> written =
          co_await client_.Update(kube::kSecrets, objects[i]->name(), std::move(body), deadline);
      if (!written) {
        co_return written.error();
      }
      console_.out << "written " << change->name << " (" << change->why << ")\n";
    }
    co_return Done{};
  }

 private:
  static Error Explain(Error error, const kube::ObjectName& name) {
    if (error.code == ErrorCode::kNotFound) {
      error.message = "Secret " + name.ToString() +
                      " does not exist; the chart makes it, or: kubectl -n " + name.ns +
                      " create secret generic " + name.name;
    }
    return error;
  }

  kube::ApiClient& client_;
  std::string ns_;
  const Console& console_;
};

Task<Result<Done>> FillUntilAgreed(kube::ApiClient& client,
                                   std::string ns,
                                   ClusterPki wanted,
                                   const Console& console) {
  const Deadline deadline = std::chrono::steady_clock::now() + kDeadline;
  Cluster cluster(client, std::move(ns), console);
  Result<Done> done = Done{};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    done = co_await cluster.Fill(wanted, deadline);
    if (done || done.error().code != ErrorCode::kConflict) {
      break;
    }
    console.out << "somebody else was first; looking again\n";
  }
  co_return done;
}

Result<Done> FillCluster(kube::ApiClient& client,
                         const std::string& ns,
                         const ClusterPki& wanted,
                         const Console& console) {
  asio::io_context io;
  Result<Done> result = Done{};
  asio::co_spawn(io,
                 FillUntilAgreed(client, ns, wanted, console),
                 [&](const std::exception_ptr& failure, Result<Done> done) {
                   if (failure) {
                     std::rethrow_exception(failure);
                   }
                   result = std::move(done);
                 });
  io.run();
  return result;
}

int RunPkiCluster(const CommandArguments& arguments, const Console& console) {
  const Result<ClusterPki> wanted = ReadWanted(arguments);
  if (!wanted) {
    return Fail(console, kExitUsage, wanted.error().message);
  }
  Result<kube::ClusterConnection> settings = ReadSettings(arguments);
  if (!settings) {
    return Fail(console, kExitUsage, settings.error().message);
  }
  const std::string ns = arguments.ValueOr("namespace", settings->ns);
  log::Logger logger(STDERR_FILENO, "connectorctl", log::Level::kWarning);
  kube::ApiClientParts parts;
  parts.logger = &logger;
  parts.user_agent = "connectorctl";
  parts.random = resilience::RandomFraction;
  kube::ApiClient client(*std::move(settings), std::move(parts));
  const Result<Done> done = FillCluster(client, ns, *wanted, console);
  if (done) {
    return kExitOk;
  }
  const ErrorCode code = done.error().code;
  const bool away = code == ErrorCode::kUnavailable || code == ErrorCode::kDeadlineExceeded;
  return Fail(console, away ? kExitUnreachable : kExitUsage, done.error().message);
}

constexpr std::string_view kPkiClusterDetails =
    R"(Fills the Secrets of an installation in Kubernetes, which must be there, and renews what is in
them: a private authority (PREFIX-ca), certificates (PREFIX-broker-tls, -dataplane-tls,
-controller-tls, -operator-tls, -listener-tls) and the brokers' root key (PREFIX-root-key). What is
good is kept, so that it can run as often as one likes; the chart runs it as a Job and a CronJob.
It needs the rights get and update on exactly these Secrets.

In a pod it asks the API with the pod's ServiceAccount, elsewhere with --kubeconfig.

Exit codes: 0 all are in order; 2 wrong usage, a Secret is missing or cannot be used, or the API
refuses; 3 the API could not be reached.

Examples:
  connectorctl pki cluster --prefix oci-connector \
      --broker-dns oci-connector-broker.oci-connector.svc
  connectorctl pki cluster --prefix oci-connector --root-key-only --kubeconfig ~/.kube/config
)";

}  // namespace

Command PkiClusterCommand() {
  return {{.name = "pki cluster",
           .summary = "Fill and renew the Secrets of an installation in Kubernetes.",
           .flags = {{.name = "prefix",
                      .value_name = "NAME",
                      .help = "Prefix of the Secrets' names.",
                      .required = true},
                     {.name = "broker-dns",
                      .value_name = "NAME",
                      .help = "DNS name in the broker's certificate.",
                      .repeated = true},
                     {.name = "listener-dns",
                      .value_name = "NAME",
                      .help = "DNS name of the TLS listener; default: none.",
                      .repeated = true},
                     {.name = "days",
                      .value_name = "N",
                      .help = "How long certificates are valid; default: 90."},
                     {.name = "renew-before-days",
                      .value_name = "N",
                      .help = "How long before its end a certificate is renewed; default: 30."},
                     {.name = "root-key-only", .help = "Make the root key and no certificate."},
                     {.name = "namespace",
                      .value_name = "NAME",
                      .help = "Namespace of the Secrets; default: the pod's, or the context's."},
                     {.name = "kubeconfig",
                      .value_name = "FILE",
                      .help = "Kubeconfig file; default: the pod's own account."},
                     {.name = "context",
                      .value_name = "NAME",
                      .help = "Context of the kubeconfig; default: the current one."}},
           .details = kPkiClusterDetails},
          RunPkiCluster};
}

}  // namespace connector::cli
