#include "cli/commands.h"
#include "cli/files.h"
#include "cli/pki_layout.h"

#include <charconv>
#include <chrono>
#include <filesystem>
#include <ostream>
#include <system_error>

namespace connector::cli {
namespace {

constexpr std::string_view kDefaultDays = "365";
// Clocks of laptops and containers differ a little.
constexpr std::chrono::minutes kInitClockSkew{5};

Result<x509::Validity> ReadValidity(const CommandArguments& arguments) {
  const std::string text = arguments.ValueOr("days", kDefaultDays);
  int days = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (error != std::errc{} || end != text.data() + text.size() || days < 1 || days > kMaxPkiDays) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kClient,
                     "--days must be a number from 1 to " + std::to_string(kMaxPkiDays));
  }
  const WallTime now = SystemClock().Now();
  return x509::Validity{now - kInitClockSkew, now + std::chrono::hours(24) * days};
}

// Whether something stands there that init could overwrite.
bool IsOccupied(const std::string& directory) {
  std::error_code error;
  return std::filesystem::exists(directory, error) &&
         !(std::filesystem::is_directory(directory, error) &&
           std::filesystem::is_empty(directory, error));
}

int RunPkiInit(const CommandArguments& arguments, const Console& console) {
  const std::string directory = arguments.positionals()[0];
  const Result<x509::Validity> validity = ReadValidity(arguments);
  if (!validity) {
    return Fail(console, kExitUsage, validity.error().message);
  }
  if (IsOccupied(directory) && !arguments.Has("force")) {
    return Fail(console,
                kExitUsage,
                directory +
                    " is not empty; choose another directory, or --force to replace the "
                    "keys in it (running programs then no longer trust each other)");
  }
  const Result<std::vector<PkiFile>> files = MakePki(
      {arguments.Values("dns"), arguments.Values("ip"), *validity, arguments.Values("dataplane")});
  if (!files) {
    return Fail(console, kExitUsage, files.error().message);
  }
  if (const Result<Done> made = MakeDirectory(directory, kPrivateDirectory); !made) {
    return Fail(console, kExitUsage, made.error().message);
  }
  std::error_code error;
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  if (error) {
    return Fail(console, kExitUsage, directory + ": " + error.message());
  }
  for (const PkiFile& file : *files) {
    const std::string path = directory + "/" + file.name;
    if (const Result<Done> written = WriteFile(path, file.content.Reveal(), file.mode); !written) {
      return Fail(console, kExitUsage, written.error().message);
    }
    console.out << path << "\n";
  }
  return kExitOk;
}

constexpr std::string_view kPkiInitDetails =
    R"(For development and tests: everything that broker, data plane and operator need to trust each
other on one machine. In production these come from your own authority.

  ca.crt ca.key                the authority (pathlen 0)
  broker.crt broker.key        the broker's server certificate
  dataplane.crt dataplane.key  client certificate, spiffe://oci-connector.local/dataplane
  dataplane-NAME.crt, .key     the same of one data plane, .../dataplane/NAME, with --dataplane NAME
  operator.crt operator.key    client certificate, spiffe://oci-connector.local/operator
  listener.crt listener.key    the data plane's TLS listener; --dns and --ip add names
  root.key                     32 random bytes, for all brokers: sealing keys, epochs and the key of
                               the audit derive from it. docs/root-key.md says how it is replaced
  issuer.jwk.json              private key of the local token issuer (token mint --key)
  issuer.jwks.json             its public key set, for the broker

All keys are EC P-256 and readable by their owner alone; DIR gets mode 0700.

Exit codes: 0 written; 2 wrong usage, DIR is not empty or cannot be written.

Examples:
  connectorctl pki init ~/oci-connector/pki
  connectorctl pki init pki --dns proxy.example.com --ip 192.0.2.7 --days 30
)";

}  // namespace

Command PkiInitCommand() {
  return {{.name = "pki init",
           .summary = "Make a development PKI: certificates, root key and token issuer.",
           .positionals = "DIR",
           .min_positionals = 1,
           .max_positionals = 1,
           .flags = {{.name = "dns",
                      .value_name = "NAME",
                      .help = "DNS name of the data plane's TLS listener.",
                      .repeated = true},
                     {.name = "ip",
                      .value_name = "ADDR",
                      .help = "IP address of the data plane's TLS listener.",
                      .repeated = true},
                     {.name = "dataplane",
                      .value_name = "NAME",
                      .help = "A data plane with a certificate of its own.",
                      .repeated = true},
                     {.name = "days",
                      .value_name = "N",
                      .help = "How long the certificates are valid; default: 365."},
                     {.name = "force", .help = "Replace the files of a DIR that is not empty."}},
           .details = kPkiInitDetails},
          RunPkiInit};
}

}  // namespace connector::cli
