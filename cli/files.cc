#include "cli/files.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <istream>
#include <utility>

namespace connector::cli {
namespace {

// Overwrites what a std::string held before its memory goes back to the heap.
class Wiped {
 public:
  explicit Wiped(std::string& text) : text_(text) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { OPENSSL_cleanse(text_.data(), text_.size()); }

 private:
  std::string& text_;
};

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Error FileError(const std::string& path, std::string_view what) {
  return MakeError(
      ErrorCode::kInvalidArgument, ErrorOrigin::kClient, path + ": " + std::string(what));
}

Error SystemError(const std::string& path) {
  const int number = errno;
  Error error = FileError(path, std::strerror(number));
  error.code = number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kInvalidArgument;
  return error;
}

bool WriteAll(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    content.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return true;
}

Result<Secret> TokenFrom(std::string_view text, const std::string& path) {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) {
    return FileError(path, "is empty; a token is expected");
  }
  text = text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
  if (text.size() > kMaxTokenBytes) {
    return FileError(path, "is over 16 KiB; a token is expected");
  }
  // A line break or a quote here would end up inside a header or a file.
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; })) {
    return FileError(path, "holds more than one word or other bytes than visible ASCII");
  }
  return Secret(text);
}

}  // namespace

Result<std::string> ReadFile(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    return SystemError(path);
  }
  // Reserved whole: a string that grows leaves copies of a key on the heap.
  std::string content(kMaxInputBytes + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno != EINTR) {
      return SystemError(path);
    }
    if (got == 0) {
      content.resize(size);
      return content;
    }
    size += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  return FileError(path, "is over 1 MiB");
}

Result<Secret> ReadSecretFile(const std::string& path) {
  Result<std::string> content = ReadFile(path);
  if (!content) {
    return std::move(content).error();
  }
  const Wiped wiped(*content);
  return Secret(*content);
}

Result<Secret> ReadToken(const std::string& path, std::istream& in) {
  if (path != "-") {
    const Result<Secret> content = ReadSecretFile(path);
    return content ? TokenFrom(content->Reveal(), path) : Result<Secret>(content.error());
  }
  std::string content(kMaxTokenBytes + 16, '\0');
  const Wiped wiped(content);
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  const auto size = static_cast<std::size_t>(in.gcount());
  return TokenFrom(std::string_view(content).substr(0, size), "standard input");
}

Result<Done> WriteFile(const std::string& path, std::string_view content, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  const FileDescriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) {
    return SystemError(path);
  }
  if (::fchmod(file.get(), mode) == 0 && WriteAll(file.get(), content) &&
      ::fsync(file.get()) == 0 && ::rename(temporary.c_str(), path.c_str()) == 0) {
    return Done{};
  }
  Error error = SystemError(path);
  ::unlink(temporary.c_str());
  return error;
}

Result<Done> MakeDirectory(const std::string& path, mode_t mode) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      return SystemError(part);
    }
    if (end == std::string::npos) {
      break;
    }
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return SystemError(path);
  }
  return S_ISDIR(status.st_mode) ? Result<Done>(Done{}) : FileError(path, "is not a directory");
}

}  // namespace connector::cli
