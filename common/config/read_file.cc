#include "common/config/read_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace connector::config {
namespace {

Error Failed(ErrorCode code, std::string message) {
  return MakeError(code, ErrorOrigin::kClient, std::move(message));
}

struct FileHandle {
  explicit FileHandle(int value) : fd(value) {}
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  ~FileHandle() {
    if (fd >= 0) {
      ::close(fd);
    }
  }
  int fd;
};

// Makes `text` longer, and leaves no copy of it behind: it may be a key.
void Lengthen(std::string& text, std::size_t size) {
  std::string larger(size, '\0');
  std::copy(text.begin(), text.end(), larger.begin());
  OPENSSL_cleanse(text.data(), text.size());
  text.swap(larger);
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  // Non-blocking, so that a pipe in a watched directory does not stop the program.
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) {
    return errno == ENOENT || errno == ENOTDIR
               ? Failed(ErrorCode::kNotFound, "does not exist; check the path")
               : Failed(ErrorCode::kPermissionDenied,
                        "cannot be opened; check its permissions and its owner");
  }
  struct stat status {};
  if (::fstat(file.fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    return Failed(ErrorCode::kInvalidArgument, "is not a file");
  }
  // Room for one byte more than there is: to clear the most for each of thousands of files costs
  // more than to read them. A file that has grown since is read into the most, below.
  std::string out(std::min(static_cast<std::size_t>(status.st_size), max_bytes) + 1, '\0');
  std::size_t size = 0;
  while (size <= max_bytes) {
    if (size == out.size()) {
      Lengthen(out, max_bytes + 1);
    }
    const ssize_t count = ::read(file.fd, out.data() + size, out.size() - size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return Failed(ErrorCode::kPermissionDenied, "cannot be read");
    }
    if (count == 0) {
      break;
    }
    size += static_cast<std::size_t>(count);
  }
  if (size > max_bytes) {
    return Failed(ErrorCode::kResourceExhausted,
                  "is larger than " + std::to_string(max_bytes) + " bytes");
  }
  out.resize(size);
  return out;
}

}  // namespace connector::config
