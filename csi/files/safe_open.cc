#include "csi/files/safe_open.h"

#include <linux/openat2.h>
#include <sys/syscall.h>

#include <cerrno>
#include <system_error>

namespace connector::csi::files {
namespace {

// A rename somewhere below the folder makes the kernel give up now and then; it says to ask again.
constexpr int kAttempts = 64;

ErrorCode CodeOf(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kResourceExhausted;
    case ENOENT:
      return ErrorCode::kNotFound;
    case ELOOP:
    case EXDEV:
    case ENOTDIR:
      return ErrorCode::kInvalidArgument;
    default:
      return ErrorCode::kInternal;
  }
}

std::string Reason(int error) {
  switch (error) {
    case ELOOP:
      return "a symbolic link is on the way, and none is followed";
    case EXDEV:
      return "it leads outside";
    case ENOSYS:
      return "this kernel has no openat2; Linux 5.12 or newer is needed";
    default:
      return std::generic_category().message(error);
  }
}

}  // namespace

Error SystemError(std::string_view what, int error) {
  return MakeError(CodeOf(error), ErrorOrigin::kSelf, std::string(what) + ": " + Reason(error));
}

Result<Fd> OpenFolder(const std::string& path) {
  Fd folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open()) {
    return SystemError(path, errno);
  }
  return folder;
}

Result<Fd> OpenBeneath(int folder, const std::string& relative, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Fd opened(
        static_cast<int>(::syscall(SYS_openat2, folder, relative.c_str(), &how, sizeof(how))));
    if (opened.open()) {
      return opened;
    }
    if (errno != EAGAIN && errno != EINTR) {
      break;
    }
  }
  return SystemError(relative, errno);
}

Result<Done> CheckKernel() {
  const Result<Fd> root = OpenFolder("/");
  if (!root) {
    return root.error();
  }
  const Result<Fd> opened = OpenBeneath(root->get(), ".", O_PATH | O_DIRECTORY);
  return opened ? Result<Done>(Done{}) : opened.error();
}

}  // namespace connector::csi::files
