#include "broker/audit/append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace connector::broker::audit {
namespace {

Error AppendError(const std::string& path, int code) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kSelf,
                   path + ": " + std::generic_category().message(code),
                   Retry::kSafe);
}

class RealFile final : public AppendFile {
 public:
  RealFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~RealFile() override { ::close(fd_); }
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;

  Result<Done> Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) {
        continue;
      }
      if (written <= 0) {
        return AppendError(path_, written < 0 ? errno : ENOSPC);
      }
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return Done{};
  }

  Result<Done> Sync() override {
    return ::fdatasync(fd_) == 0 ? Result<Done>(Done{}) : AppendError(path_, errno);
  }

  Result<Done> Truncate(std::uint64_t size) override {
    return ::ftruncate(fd_, static_cast<off_t>(size)) == 0 ? Result<Done>(Done{})
                                                           : AppendError(path_, errno);
  }

  std::string Difference(std::uint64_t size) const override {
    struct stat held {};
    struct stat found {};
    if (::fstat(fd_, &held) != 0 || (::lstat(path_.c_str(), &found) != 0 && errno != ENOENT)) {
      return path_ + " cannot be looked at: " + std::generic_category().message(errno);
    }
    if (found.st_ino == 0) {
      return path_ + " was removed or renamed while it was written";
    }
    if (held.st_nlink == 0 || held.st_dev != found.st_dev || held.st_ino != found.st_ino) {
      return path_ + " was replaced by another file while it was written";
    }
    if (static_cast<std::uint64_t>(held.st_size) != size) {
      return path_ + " was changed by somebody else while it was written: it has " +
             std::to_string(held.st_size) + " bytes, and not " + std::to_string(size);
    }
    return {};
  }

 private:
  int fd_;
  std::string path_;
};

}  // namespace

Result<std::unique_ptr<AppendFile>> OpenRealFile(const std::string& path) {
  constexpr mode_t kOwnerOnly = 0600;
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, kOwnerOnly);
  if (fd < 0) {
    return AppendError(path, errno);
  }
  return std::unique_ptr<AppendFile>(std::make_unique<RealFile>(fd, path));
}

}  // namespace connector::broker::audit
