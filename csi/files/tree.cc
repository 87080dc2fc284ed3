#include "csi/files/tree.h"

#include "csi/files/safe_open.h"

#include <dirent.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <memory>

namespace connector::csi::files {
namespace {

constexpr int kMaxDepth = 16;

Result<Done> Collect(int folder,
                     const std::string& prefix,
                     int depth,
                     std::vector<std::string>& out) {
  const Result<std::vector<std::string>> names = NamesIn(folder);
  if (!names) {
    return names.error();
  }
  for (const std::string& name : *names) {
    const Result<Fd> inner = OpenBeneath(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!inner || depth == 0) {
      out.push_back(prefix + name);
      continue;
    }
    Result<Done> done = Collect(inner->get(), prefix + name + "/", depth - 1, out);
    if (!done) {
      return done;
    }
  }
  return Done{};
}

Result<Done> MakeFoldersFor(int root, const std::string& path, const Modes& modes) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    Result<Done> made = MakeFolder(root, path.substr(0, slash), modes);
    if (!made && made.error().code != ErrorCode::kConflict) {
      return made;
    }
  }
  return Done{};
}

}  // namespace

Modes ModesFor(std::optional<gid_t> group) {
  return group ? Modes{0640, 0750, *group} : Modes{};
}

Result<std::vector<std::string>> NamesIn(int folder) {
  Result<Fd> again = OpenBeneath(folder, ".", O_RDONLY | O_DIRECTORY);
  if (!again) {
    return again.error();
  }
  const int fd = ::dup(again->get());
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd), ::closedir);
  if (entries == nullptr) {
    const int error = errno;
    ::close(fd);
    return SystemError("a folder of the volume", error);
  }
  std::vector<std::string> names;
  errno = 0;
  // The stream is this thread's own.
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  return names;
}

Result<std::vector<std::string>> FilesBelow(int folder) {
  std::vector<std::string> files;
  const Result<Done> done = Collect(folder, "", kMaxDepth, files);
  if (!done) {
    return done.error();
  }
  return files;
}

bool FileEquals(int folder, const std::string& path, std::string_view content) {
  const Result<Fd> file = OpenBeneath(folder, path, O_RDONLY | O_NOFOLLOW);
  if (!file) {
    return false;
  }
  std::array<char, 4096> buffer{};
  bool equal = true;
  while (equal) {
    const ssize_t size = ::read(file->get(), buffer.data(), buffer.size());
    if (size <= 0) {
      equal = size == 0 && content.empty();
      break;
    }
    const std::string_view read(buffer.data(), static_cast<std::size_t>(size));
    equal = content.starts_with(read);
    content.remove_prefix(equal ? read.size() : 0);
  }
  OPENSSL_cleanse(buffer.data(), buffer.size());
  return equal;
}

Result<Done> MakeFolder(int root, const std::string& path, const Modes& modes) {
  const std::size_t slash = path.rfind('/');
  const std::string above = slash == std::string::npos ? "." : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const Result<Fd> parent = OpenBeneath(root, above, O_PATH | O_DIRECTORY);
  if (!parent) {
    return parent.error();
  }
  if (::mkdirat(parent->get(), name.c_str(), modes.folder) != 0) {
    if (errno == EEXIST) {
      return MakeError(ErrorCode::kConflict, ErrorOrigin::kSelf, path + " exists");
    }
    return SystemError(path, errno);
  }
  const Result<Fd> folder = OpenBeneath(parent->get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!folder) {
    return folder.error();
  }
  if (::fchown(folder->get(), 0, modes.group) != 0 || ::fchmod(folder->get(), modes.folder) != 0) {
    return SystemError(path, errno);
  }
  return Done{};
}

Result<Done> WriteFile(int root,
                       const std::string& path,
                       std::string_view content,
                       const Modes& modes) {
  Result<Done> folders = MakeFoldersFor(root, path, modes);
  if (!folders) {
    return folders;
  }
  constexpr mode_t kOnlyForRoot = 0600;  // Until its owner is right.
  const Result<Fd> file =
      OpenBeneath(root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kOnlyForRoot);
  if (!file) {
    return file.error();
  }
  while (!content.empty()) {
    const ssize_t written = ::write(file->get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return SystemError(path, errno);
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fchown(file->get(), 0, modes.group) != 0 || ::fchmod(file->get(), modes.file) != 0) {
    return SystemError(path, errno);
  }
  return Done{};
}

Result<Done> RemoveTree(int folder, const std::string& name) {
  if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) {
    return Done{};
  }
  if (errno != EISDIR && errno != EPERM) {
    return SystemError(name, errno);
  }
  const Result<Fd> inner = OpenBeneath(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!inner) {
    return inner.error();
  }
  const Result<std::vector<std::string>> names = NamesIn(inner->get());
  if (!names) {
    return names.error();
  }
  for (const std::string& below : *names) {
    Result<Done> removed = RemoveTree(inner->get(), below);
    if (!removed) {
      return removed;
    }
  }
  if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return SystemError(name, errno);
  }
  return Done{};
}

}  // namespace connector::csi::files
