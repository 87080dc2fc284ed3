#include "broker/callers/local/local_verifier.h"

#include "broker/callers/token_check.h"
#include "common/jose/jwk_set.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

namespace connector::broker::callers {
namespace {

// Identifies one content of a path: a replaced file has another inode, a rewritten one another
// time.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_s = 0;
  std::int64_t modified_ns = 0;

  bool operator==(const FileIdentity&) const = default;
};

FileIdentity IdentityOf(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

struct KeyFile {
  FileIdentity identity;  // Of the file that was read; the path may name another one now.
  Result<jose::JwkSet> keys;
};

Error CannotRead(const std::string& path) {
  return MakeError(ErrorCode::kNotFound,
                   ErrorOrigin::kSelf,
                   "cannot read " + path + ": " + std::strerror(errno));
}

KeyFile ReadKeyFile(const std::string& path) {
  KeyFile out{{}, Error{}};
  const File file(path);
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0) {
    out.keys = CannotRead(path);
    return out;
  }
  out.identity = IdentityOf(info);
  std::string text;
  std::array<char, 16 * 1024> chunk{};
  while (text.size() <= jose::kMaxJwksBytes) {
    const ssize_t got = ::read(file.fd(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      out.keys = CannotRead(path);
      return out;
    }
    if (got == 0) {
      break;
    }
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  out.keys = jose::ParseJwkSet(text);
  if (!out.keys) {
    Error error = out.keys.error();
    error.message = path + ": " + error.message;
    out.keys = std::move(error);
  }
  return out;
}

class LocalVerifier final : public CallerVerifier {
 public:
  LocalVerifier(LocalOptions options, KeyFile file, const Clock& clock)
      : path_(std::move(options.jwks_file)),
        on_refresh_(std::move(options.on_refresh)),
        rules_{std::move(options.issuer),
               std::move(options.audience),
               SubjectRule::kMaybeServiceAccount,
               options.own_cluster ? ClusterRule::kOwnCluster : ClusterRule::kOtherCluster,
               options.require_connector_audience},
        clock_(clock),
        keys_(*std::move(file.keys)),
        identity_(file.identity),
        checked_at_(clock.Now()) {}

  Task<Result<Caller>> Verify(const UnverifiedToken& token, Deadline) override {
    auto caller = CheckToken(token.UncheckedBytes().Reveal(), CurrentKeys(), rules_, clock_.Now());
    if (!caller) {
      co_return AsUnauthenticated(std::move(caller).error());
    }
    co_return caller;
  }

 private:
  jose::JwkSet CurrentKeys() {
    std::optional<KeyRefresh> refresh;
    jose::JwkSet keys;
    {
      const std::lock_guard lock(mutex_);
      refresh = ReloadIfChanged(clock_.Now());
      keys = keys_;
    }
    if (refresh && on_refresh_) {
      on_refresh_(*refresh);
    }
    return keys;
  }

  std::optional<KeyRefresh> ReloadIfChanged(WallTime now) {
    // A clock that was set back counts as an elapsed interval.
    if (now >= checked_at_ && now < checked_at_ + kKeyFileCheckInterval) {
      return std::nullopt;
    }
    checked_at_ = now;
    struct stat info {};
    const FileIdentity seen = ::stat(path_.c_str(), &info) == 0 ? IdentityOf(info) : FileIdentity{};
    if (seen == identity_) {
      return std::nullopt;
    }
    KeyFile file = ReadKeyFile(path_);
    identity_ = file.identity;
    if (!file.keys) {
      return KeyRefresh{rules_.issuer, false, file.keys.error().message};
    }
    keys_ = *std::move(file.keys);
    return KeyRefresh{rules_.issuer, true, {}};
  }

  const std::string path_;
  const KeyRefreshObserver on_refresh_;
  const TokenRules rules_;
  const Clock& clock_;

  std::mutex mutex_;
  jose::JwkSet keys_;
  FileIdentity identity_;
  WallTime checked_at_;
};

}  // namespace

Result<std::unique_ptr<CallerVerifier>> MakeLocalVerifier(LocalOptions options,
                                                          const Clock& clock) {
  if (options.issuer.empty() || options.audience.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kSelf,
                     "a local issuer needs an issuer and an audience");
  }
  KeyFile file = ReadKeyFile(options.jwks_file);
  if (!file.keys) {
    return std::move(file.keys).error();
  }
  return std::unique_ptr<CallerVerifier>(
      std::make_unique<LocalVerifier>(std::move(options), std::move(file), clock));
}

}  // namespace connector::broker::callers
