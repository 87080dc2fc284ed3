#include "broker/audit/audit_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace connector::broker::audit {
namespace {

Error DirectoryError(const std::string& path, int code) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kSelf,
                   path + ": " + std::generic_category().message(code),
                   Retry::kSafe);
}

}  // namespace

AuditDirectory::~AuditDirectory() {
  ::close(fd_);
}

Result<std::unique_ptr<AuditDirectory>> AuditDirectory::Open(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return DirectoryError(path, errno);
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return DirectoryError(path, errno);
  }
  std::unique_ptr<AuditDirectory> directory(new AuditDirectory(fd, path));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return MakeError(
        ErrorCode::kUnavailable, ErrorOrigin::kSelf, path + ": another broker writes here");
  }
  return directory;
}

Result<Done> AuditDirectory::Sync() const {
  return ::fsync(fd_) == 0 ? Result<Done>(Done{}) : DirectoryError(path_, errno);
}

bool AuditDirectory::IsInPlace() const {
  struct stat held {};
  struct stat found {};
  return ::fstat(fd_, &held) == 0 && ::stat(path_.c_str(), &found) == 0 &&
         held.st_dev == found.st_dev && held.st_ino == found.st_ino;
}

}  // namespace connector::broker::audit
