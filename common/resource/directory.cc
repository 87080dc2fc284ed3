#include "common/resource/directory.h"

#include "common/config/read_file.h"
#include "common/config/yaml_tree.h"
#include "common/routing/upstream_policy.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <thread>
#include <tuple>
#include <utility>

namespace connector::resource {
namespace {

using config::Problem;

// Fewer are read sooner than a thread starts.
constexpr std::size_t kFilesPerThread = 16;

std::string Place(const std::string& file, int line) {
  return file + ":" + std::to_string(line);
}

// Where each name was seen first, and which names were seen more than once.
class NameTable {
 public:
  explicit NameTable(DirectoryContent& out) : out_(out) {}

  void See(const ResourceId& identity, const std::string& file, int line) {
    const auto [seen, fresh] = first_.emplace(identity, Place(file, line));
    if (!fresh) {
      out_.broken.insert(identity);
      out_.problems.push_back({file,
                               line,
                               "metadata.name",
                               "the name is taken by the one at " + seen->second +
                                   "; rename or remove one of them (neither is used)"});
    }
  }

 private:
  DirectoryContent& out_;
  std::map<ResourceId, std::string> first_;
};

ResourceId IdOf(const Connector& connector) {
  return {Kind::kConnector, connector.ref.ns, connector.ref.name};
}
ResourceId IdOf(const ConnectorClass& connector_class) {
  return {Kind::kConnectorClass, {}, connector_class.name};
}
ResourceId IdOf(const SecretName& name) {
  return {Kind::kSecret, name.ns, name.name};
}

void CollectNames(const std::vector<FileDocuments>& files, DirectoryContent& out) {
  NameTable names(out);
  for (const FileDocuments& file : files) {
    for (const ConnectorDocument& document : file.connectors) {
      names.See(IdOf(document.draft.connector), file.file, document.lines.at("metadata.name"));
    }
    for (const ClassDocument& document : file.classes) {
      names.See(IdOf(document.connector_class), file.file, document.line);
    }
    for (const SecretDocument& document : file.secrets) {
      names.See(IdOf(document.secret->name), file.file, document.line);
    }
  }
}

void CollectClasses(const std::vector<FileDocuments>& files, DirectoryContent& out) {
  for (const FileDocuments& file : files) {
    for (const ClassDocument& document : file.classes) {
      if (!out.broken.contains(IdOf(document.connector_class))) {
        out.classes.emplace(document.connector_class.name,
                            LoadedClass{document.connector_class, file.file});
      }
    }
  }
  ConnectorClass built_in;
  built_in.name = kDefaultClass;
  if (!out.broken.contains(IdOf(built_in))) {
    out.classes.emplace(built_in.name, LoadedClass{built_in, {}});
  }
}

void CollectSecrets(const std::vector<FileDocuments>& files, DirectoryContent& out) {
  for (const FileDocuments& file : files) {
    for (const SecretDocument& document : file.secrets) {
      if (!out.broken.contains(IdOf(document.secret->name))) {
        out.secrets.emplace(document.secret->name, LoadedSecret{document.secret, file.file});
      }
    }
  }
}

// What the text of a Connector names, and its class does not let it reach.
struct NotAllowedOrigin {
  std::string path;
  std::string message;
};
std::vector<NotAllowedOrigin> NotAllowedOrigins(const Connector& connector) {
  std::vector<NotAllowedOrigin> out;
  const auto check = [&](const char* path, const http::Origin& origin) {
    const routing::ClassPolicy* policy = connector.class_policy.value.get();
    std::optional<std::string> problem =
        policy == nullptr ? std::nullopt
                          : routing::ClassPolicyProblem(*policy, connector.ref.ns, origin);
    if (problem) {
      out.push_back({path, *std::move(problem)});
    }
  };
  check("spec.address", connector.address);
  if (const std::optional<http::Url>& realm = connector.upstream.token_realm) {
    check("spec.upstream.tokenRealm", realm->origin);
  }
  return out;
}

// Resolves one connector against the classes and Secrets, and reports at its lines.
class Resolver {
 public:
  Resolver(SecretSource secrets, DirectoryContent& out) : secrets_(secrets), out_(out) {}

  void Resolve(ConnectorDocument document, const std::string& file) {
    const Connector& connector = document.draft.connector;
    const ResourceId identity = IdOf(connector);
    if (out_.broken.contains(identity)) {
      return;
    }
    const auto report = [&](const std::string& path, std::string message) {
      const auto line = document.lines.find(path);
      out_.problems.push_back(
          {file, line == document.lines.end() ? 0 : line->second, path, std::move(message)});
    };
    const auto found = out_.classes.find(connector.class_name);
    if (found == out_.classes.end()) {
      out_.broken.insert(identity);
      report("spec.connectorClassName", UnknownClass(connector.class_name));
      return;
    }
    const ConnectorClass& connector_class = found->second.connector_class;
    const std::vector<AuthKind>& allowed = connector_class.allowed_auth;
    if (!allowed.empty() &&
        std::find(allowed.begin(), allowed.end(), connector.auth.kind) == allowed.end()) {
      out_.broken.insert(identity);
      report("spec.auth.name", NotAllowed(connector_class));
      return;
    }
    auto resolved =
        std::make_shared<const Connector>(ApplyClass(std::move(document.draft), connector_class));
    // Reported, and not broken: the last good version would go where the class no longer leads.
    for (NotAllowedOrigin& each : NotAllowedOrigins(*resolved)) {
      report(each.path, std::move(each.message));
    }
    if (secrets_ == SecretSource::kFiles) {
      for (SecretProblem& problem : CheckSecrets(*resolved, out_.secrets)) {
        if (!SecretIsBroken(*resolved, problem)) {
          report(problem.path, std::move(problem.message));
        }
      }
    }
    out_.connectors.emplace(resolved->ref, LoadedConnector{resolved, file});
  }

 private:
  std::string UnknownClass(const std::string& name) const {
    if (out_.broken.contains(ResourceId{Kind::kConnectorClass, {}, name})) {
      return "the ConnectorClass " + name + " has problems of its own; correct them first";
    }
    return "there is no ConnectorClass " + name + "; remove the key for " + kDefaultClass +
           ", or add the class";
  }

  static std::string NotAllowed(const ConnectorClass& connector_class) {
    std::string list;
    for (const AuthKind kind : connector_class.allowed_auth) {
      list.append(list.empty() ? "" : ", ").append(ToString(kind));
    }
    return "is not allowed by the ConnectorClass " + connector_class.name +
           "; write one of: " + list;
  }

  // A Secret that is there but broken has its own problem already.
  bool SecretIsBroken(const Connector& connector, const SecretProblem& problem) const {
    const std::string& name =
        problem.of_ca ? *connector.ca_secret_name : *connector.auth.secret_name;
    return out_.broken.contains(ResourceId{Kind::kSecret, connector.ref.ns, name});
  }

  const SecretSource secrets_;
  DirectoryContent& out_;
};

std::string Missing(const SecretName& name) {
  return "there is no Secret " + name.ToString() + "; add it (in the Connector's own namespace)";
}

// Why `secret` cannot serve; empty when it can.
std::string CredentialLacks(const SecretResource& secret, const CredentialWanted& wanted) {
  const Result<RegistrySecret> read = ReadRegistrySecret(secret.type, secret.data, wanted);
  return read ? std::string() : "the Secret " + secret.name.ToString() + " " + read.error().message;
}

std::string CaLacks(const SecretResource& secret) {
  const std::string about = "the Secret " + secret.name.ToString();
  if (!secret.ca) {
    return about + " lacks the key ca.crt; add it with a PEM bundle";
  }
  return *secret.ca ? std::string()
                    : "the key ca.crt of " + about + " " + secret.ca->error().message;
}

}  // namespace

FileDocuments ReadResourceFile(const std::string& path) {
  Result<std::string> text = config::ReadFile(path, config::kMaxYamlBytes);
  if (!text) {
    FileDocuments out;
    out.file = path;
    out.unreadable = true;
    out.problems.push_back({path, 0, {}, text.error().message});
    return out;
  }
  FileDocuments out = ParseDocuments(*text, path);
  OPENSSL_cleanse(text->data(), text->size());
  return out;
}

std::vector<FileDocuments> ReadResourceFiles(const std::vector<std::string>& paths) {
  std::vector<FileDocuments> out(paths.size());
  std::atomic<std::size_t> next = 0;
  const auto read = [&] {
    for (std::size_t i = next++; i < paths.size(); i = next++) {
      out[i] = ReadResourceFile(paths[i]);
    }
  };
  const std::size_t wanted = paths.size() / kFilesPerThread;
  std::vector<std::future<void>> others(
      std::min<std::size_t>(wanted, std::max(std::thread::hardware_concurrency(), 1U) - 1));
  for (std::future<void>& other : others) {
    other = std::async(std::launch::async, read);
  }
  read();
  for (std::future<void>& other : others) {
    other.get();
  }
  return out;
}

std::vector<SecretProblem> CheckSecrets(const Connector& connector, const SecretMap& secrets) {
  std::vector<SecretProblem> out;
  const auto check = [&](bool of_ca, const std::string& secret_name, const char* path, auto lacks) {
    const SecretName name{connector.ref.ns, secret_name};
    const auto found = secrets.find(name);
    std::string reason = found == secrets.end() ? Missing(name) : lacks(*found->second.secret);
    if (!reason.empty()) {
      out.push_back({of_ca, path, std::move(reason)});
    }
  };
  if (connector.auth.secret_name) {
    check(false, *connector.auth.secret_name, "spec.auth.secretRef.name", [&](const auto& secret) {
      return CredentialLacks(secret, WantedBy(connector));
    });
  }
  if (connector.ca_secret_name) {
    check(true, *connector.ca_secret_name, "spec.caCertSecretRef.name", CaLacks);
  }
  return out;
}

DirectoryContent Assemble(std::vector<FileDocuments> files, SecretSource secrets) {
  DirectoryContent out;
  for (FileDocuments& file : files) {
    std::move(file.problems.begin(), file.problems.end(), std::back_inserter(out.problems));
    out.broken.merge(file.broken);
    if (file.unreadable) {
      out.unreadable_files.insert(file.file);
    }
  }
  CollectNames(files, out);
  CollectSecrets(files, out);
  CollectClasses(files, out);
  Resolver resolver(secrets, out);
  for (FileDocuments& file : files) {
    for (ConnectorDocument& document : file.connectors) {
      resolver.Resolve(std::move(document), file.file);
    }
  }
  std::stable_sort(
      out.problems.begin(), out.problems.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.file, a.line) < std::tie(b.file, b.line);
      });
  return out;
}

Result<std::vector<std::string>> ListResourceFiles(const std::string& path,
                                                   std::vector<std::string>* skipped) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<std::string> out;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path& name = entry->path();
    const bool yaml = name.extension() == ".yaml" || name.extension() == ".yml";
    std::error_code ignored;
    const bool folder = entry->is_directory(ignored);
    if (name.filename().string().starts_with('.')) {
      continue;
    }
    if (yaml && !folder) {
      out.push_back(name.string());
    } else if (skipped != nullptr) {
      skipped->push_back(name.string() + (folder ? "/" : ""));
    }
  }
  if (error) {
    return MakeError(ErrorCode::kUnavailable,
                     ErrorOrigin::kSelf,
                     "the directory " + path + " cannot be read: " + error.message());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<DirectoryContent> LoadPaths(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  std::vector<std::string> skipped;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(path, ignored)) {
      names.push_back(path);
      continue;
    }
    Result<std::vector<std::string>> listed = ListResourceFiles(path, &skipped);
    if (!listed) {
      return std::move(listed).error();
    }
    std::move(listed->begin(), listed->end(), std::back_inserter(names));
  }
  DirectoryContent content = Assemble(ReadResourceFiles(names));
  std::sort(skipped.begin(), skipped.end());
  content.skipped = std::move(skipped);
  return content;
}

}  // namespace connector::resource
