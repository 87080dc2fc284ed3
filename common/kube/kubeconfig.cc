#include "common/base/encoding.h"
#include "common/config/read_file.h"
#include "common/config/yaml_tree.h"
#include "common/curl/wiped_buffer.h"
#include "common/kube/cluster_connection.h"

#include <array>
#include <filesystem>
#include <optional>

namespace connector::kube {
namespace {

using config::Node;

constexpr std::size_t kMaxBytes = 1024 * 1024;

Error InvalidKubeconfig(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(message));
}

struct Unsupported {
  std::string_view key;
  std::string_view instead;
};

constexpr std::array kClusterRefused{
    Unsupported{"insecure-skip-tls-verify", "write certificate-authority instead"},
    Unsupported{"proxy-url", "the API server is reached without a proxy"},
};
constexpr std::array kUserRefused{
    Unsupported{"exec", "write token, tokenFile or a client certificate instead"},
    Unsupported{"auth-provider", "write token, tokenFile or a client certificate instead"},
    Unsupported{"username", "the API takes no passwords; write token or tokenFile instead"},
    Unsupported{"password", "the API takes no passwords; write token or tokenFile instead"},
    Unsupported{"as", "impersonation is not supported; use the credential of that user"},
};

// A scalar; empty when it is absent or null.
std::string Text(const Node& node, std::string_view key) {
  const Node* found = node.Find(key);
  return found == nullptr ? "" : found->text;
}

class KubeconfigReader {
 public:
  KubeconfigReader(std::string path, const Node& root) : path_(std::move(path)), root_(root) {}

  Result<ClusterConnection> Read(const std::string& wanted) {
    const std::string name = wanted.empty() ? Text(root_, "current-context") : wanted;
    if (name.empty()) {
      return Bad("current-context", "is missing: name a context");
    }
    const Node* context = FindByName("contexts", "context", name);
    if (context == nullptr) {
      return Bad("contexts", "there is none with the name '" + name + "'");
    }
    connection_.ns = Text(*context, "namespace").empty() ? "default" : Text(*context, "namespace");
    const Node* cluster = FindByName("clusters", "cluster", Text(*context, "cluster"));
    if (cluster == nullptr) {
      return Bad("clusters",
                 "there is none with the name '" + Text(*context, "cluster") +
                     "', which the context '" + name + "' wants");
    }
    ReadCluster(*cluster);
    const std::string user = Text(*context, "user");
    if (const Node* found = FindByName("users", "user", user)) {
      ReadUser(*found);
    } else if (!user.empty()) {
      return Bad(
          "users",
          "there is none with the name '" + user + "', which the context '" + name + "' wants");
    }
    if (problem_) {
      return *std::move(problem_);
    }
    return std::move(connection_);
  }

 private:
  [[nodiscard]] Error Bad(std::string_view field, const std::string& problem) const {
    return InvalidKubeconfig(path_ + ": " + std::string(field) + ": " + problem);
  }
  // The first problem counts.
  void Note(std::string_view field, const std::string& problem) {
    if (!problem_) {
      problem_ = Bad(field, problem);
    }
  }

  // The `part` of the entry with this name in the list `key`.
  [[nodiscard]] const Node* FindByName(std::string_view key,
                                       std::string_view part,
                                       const std::string& name) const {
    const Node* list = root_.Find(key);
    if (list == nullptr || name.empty()) {
      return nullptr;
    }
    for (const Node& entry : list->items) {
      if (Text(entry, "name") == name) {
        return entry.Find(part);
      }
    }
    return nullptr;
  }

  template <typename List>
  void Refuse(const Node& node, const List& list) {
    for (const Unsupported& each : list) {
      const Node* found = node.Find(each.key);
      if (found != nullptr && found->kind != Node::Kind::kNull && found->text != "false") {
        Note(each.key, "is not supported: " + std::string(each.instead));
      }
    }
  }

  // As kubectl does: from where the file is.
  [[nodiscard]] std::string PathOf(const Node& node, std::string_view key) const {
    const std::string text = Text(node, key);
    return text.empty() ? "" : (std::filesystem::path(path_).parent_path() / text).string();
  }

  // The value of a field that holds a file's bytes in base64; empty when it is absent.
  [[nodiscard]] std::string DataOf(const Node& node, std::string_view key) {
    const std::string text = Text(node, key);
    std::optional<std::string> data = Base64Decode(text);
    if (!data) {
      Note(key, "is not base64");
    }
    return data.value_or("");
  }

  void ReadCluster(const Node& cluster) {
    Refuse(cluster, kClusterRefused);
    const Result<http::Origin> server = http::ParseOrigin(Text(cluster, "server"));
    if (!server) {
      Note("server", server.error().message);
      return;
    }
    connection_.server = *server;
    connection_.server_name = Text(cluster, "tls-server-name");
    connection_.ca_pem = DataOf(cluster, "certificate-authority-data");
    // As kubectl does, data wins.
    if (connection_.ca_pem.empty()) {
      connection_.ca_file = PathOf(cluster, "certificate-authority");
    }
    if (server->tls && connection_.ca_pem.empty() && connection_.ca_file.empty()) {
      Note("certificate-authority",
           "is missing: name the file of the CA that signed the API server's certificate");
    }
  }

  void ReadUser(const Node& user) {
    Refuse(user, kUserRefused);
    connection_.token_file = PathOf(user, "tokenFile");
    if (connection_.token_file.empty()) {
      connection_.token = Secret(Text(user, "token"));
    }
    connection_.client_cert_pem = DataOf(user, "client-certificate-data");
    if (connection_.client_cert_pem.empty()) {
      connection_.client_cert_file = PathOf(user, "client-certificate");
    }
    std::string key = DataOf(user, "client-key-data");
    connection_.client_key_pem = Secret(key);
    curl::Wipe(key);
    if (connection_.client_key_pem.empty()) {
      connection_.client_key_file = PathOf(user, "client-key");
    }
    CheckUser();
  }

  void CheckUser() {
    const bool certificate =
        !connection_.client_cert_pem.empty() || !connection_.client_cert_file.empty();
    const bool key = !connection_.client_key_pem.empty() || !connection_.client_key_file.empty();
    if (certificate != key) {
      Note("client-certificate", "wants client-key, and the other way round");
    }
    if (connection_.client_cert_pem.empty() != connection_.client_key_pem.empty()) {
      Note("client-certificate", "and client-key are both files, or both data");
    }
    const bool token = !connection_.token_file.empty() || !connection_.token.empty();
    if (!connection_.server.tls && (token || certificate)) {
      Note("server", "a credential goes over https only");
    }
  }

  const std::string path_;
  const Node& root_;
  ClusterConnection connection_;
  std::optional<Error> problem_;
};

}  // namespace

Result<ClusterConnection> KubeconfigConnection(const std::string& path,
                                               const std::string& context) {
  Result<std::string> text = config::ReadFile(path, kMaxBytes);
  if (!text) {
    return InvalidKubeconfig(path + ": " + text.error().message);
  }
  config::YamlDocuments documents = config::ParseYaml(*text, path);
  curl::Wipe(*text);
  Result<ClusterConnection> connection = InvalidKubeconfig(path + ": wants one document");
  if (!documents.problems.empty()) {
    connection =
        InvalidKubeconfig(path + ": line " + std::to_string(documents.problems.front().line) +
                          ": " + documents.problems.front().message);
  } else if (documents.roots.size() == 1) {
    connection = KubeconfigReader(path, documents.roots.front()).Read(context);
  }
  for (Node& root : documents.roots) {
    config::Wipe(root);
  }
  return connection;
}

}  // namespace connector::kube
