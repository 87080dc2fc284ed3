#include "broker/audit/head_file.h"

#include "broker/audit/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace connector::broker::audit {
namespace {

Error HeadError(const std::string& path, int code) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kSelf,
                   path + ": " + std::generic_category().message(code),
                   Retry::kSafe);
}

Result<Done> SyncParent(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const int fd = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return HeadError(path, errno);
  }
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return failed == 0 ? Result<Done>(Done{}) : HeadError(path, failed);
}

}  // namespace

Result<Done> WriteHeadFile(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  auto file = OpenRealFile(temporary);
  if (!file) {
    return file.error();
  }
  Result<Done> done = (*file)->Truncate(0);
  if (done) {
    done = (*file)->Write(text);
  }
  if (done) {
    done = (*file)->Sync();
  }
  if (!done) {
    return done;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return HeadError(path, errno);
  }
  return SyncParent(path);
}

}  // namespace connector::broker::audit
