#include "tests/unit/broker/audit/sync_recorder.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <utility>

namespace connector::broker::audit {
namespace {

using FileId = std::pair<dev_t, ino_t>;

struct Synced {
  std::mutex mutex;
  std::map<FileId, off_t> sizes;
};

Synced& AllSynced() {
  static Synced synced;
  return synced;
}

int NoteAndSync(int fd, long number) {
  struct stat info {};
  if (::fstat(fd, &info) == 0) {
    const std::lock_guard lock(AllSynced().mutex);
    AllSynced().sizes[{info.st_dev, info.st_ino}] = info.st_size;
  }
  return static_cast<int>(::syscall(number, fd));
}

}  // namespace

std::optional<off_t> SyncedSize(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return std::nullopt;
  }
  const std::lock_guard lock(AllSynced().mutex);
  const auto found = AllSynced().sizes.find({info.st_dev, info.st_ino});
  return found == AllSynced().sizes.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace connector::broker::audit

extern "C" {

int fsync(int fd) {
  return connector::broker::audit::NoteAndSync(fd, SYS_fsync);
}

int fdatasync(int fd) {
  return connector::broker::audit::NoteAndSync(fd, SYS_fdatasync);
}

}  // extern "C"
