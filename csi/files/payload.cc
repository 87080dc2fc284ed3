#include "csi/files/payload.h"

#include "common/base/encoding.h"
#include "common/crypto/random_bytes.h"
#include "csi/files/safe_open.h"
#include "csi/files/tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

namespace connector::csi::files {
namespace {

constexpr std::string_view kData = "..data";
constexpr std::string_view kNextData = "..data_tmp";

// Of a generation's folder: what is below the folder `..data` points to.
std::optional<std::string> CurrentGeneration(int root) {
  std::array<char, 128> name{};
  const ssize_t size = ::readlinkat(root, kData.data(), name.data(), name.size());
  if (size <= 0 || static_cast<std::size_t>(size) == name.size()) {
    return std::nullopt;
  }
  std::string text(name.data(), static_cast<std::size_t>(size));
  if (!text.starts_with("..") || text.size() < 3 || text.find('/') != std::string::npos) {
    return std::nullopt;
  }
  return text;
}

Result<std::string> NewName(WallTime expires_at) {
  std::array<unsigned char, 8> random{};
  if (!crypto::FillRandomBytes(random)) {
    return MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "no random numbers");
  }
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(expires_at.time_since_epoch()).count();
  return ".." + std::to_string(seconds) + "-" +
         HexEncode({reinterpret_cast<const char*>(random.data()), random.size()});
}

std::string FirstComponent(const std::string& path) {
  return path.substr(0, path.find('/'));
}

// Points `..data` to `name`: from here on readers see the new generation.
Result<Done> Exchange(int root, const std::string& name) {
  (void)::unlinkat(root, kNextData.data(), 0);
  if (::symlinkat(name.c_str(), root, kNextData.data()) != 0 ||
      ::renameat(root, kNextData.data(), root, kData.data()) != 0) {
    return SystemError(kData, errno);
  }
  return Done{};
}

std::set<std::string> LinkNames(const render::Volume& files) {
  std::set<std::string> names;
  for (const auto& [path, file] : files) {
    names.insert(FirstComponent(path));
  }
  return names;
}

// A driver that was killed after the exchange may have left some to be made or removed.
bool HasExactlyTheLinks(int root, const render::Volume& files) {
  const Result<std::vector<std::string>> names = NamesIn(root);
  if (!names) {
    return false;
  }
  std::set<std::string> present;
  std::copy_if(names->begin(),
               names->end(),
               std::inserter(present, present.end()),
               [](const std::string& name) { return !name.starts_with(".."); });
  return present == LinkNames(files);
}

// The links that users know, and nothing else besides this generation.
Result<Done> Tidy(int root, const render::Volume& files, const std::string& generation) {
  std::set<std::string> wanted = LinkNames(files);
  const Result<std::vector<std::string>> names = NamesIn(root);
  if (!names) {
    return names.error();
  }
  for (const std::string& name : *names) {
    if (wanted.erase(name) == 0 && name != kData && name != generation) {
      const Result<Done> removed = RemoveTree(root, name);
      if (!removed) {
        return removed;
      }
    }
  }
  for (const std::string& name : wanted) {
    const std::string target = std::string(kData) + "/" + name;
    if (::symlinkat(target.c_str(), root, name.c_str()) != 0) {
      return SystemError(name, errno);
    }
  }
  return Done{};
}

}  // namespace

std::optional<WallTime> TokenExpiry(int root) {
  const std::optional<std::string> name = CurrentGeneration(root);
  if (!name) {
    return std::nullopt;
  }
  std::int64_t seconds = 0;
  const char* end = name->data() + name->size();
  const auto parsed = std::from_chars(name->data() + 2, end, seconds);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '-') {
    return std::nullopt;
  }
  return WallTime(std::chrono::seconds(seconds));
}

bool HoldsExactly(int root, const render::Volume& files) {
  const std::optional<std::string> name = CurrentGeneration(root);
  if (!name) {
    return false;
  }
  const Result<Fd> folder = OpenBeneath(root, *name, O_RDONLY | O_DIRECTORY);
  if (!folder) {
    return false;
  }
  const Result<std::vector<std::string>> present = FilesBelow(folder->get());
  if (!present || present->size() != files.size() || !HasExactlyTheLinks(root, files)) {
    return false;
  }
  return std::all_of(files.begin(), files.end(), [&](const auto& entry) {
    return FileEquals(folder->get(), entry.first, entry.second.content.Reveal());
  });
}

Result<Done> Write(int root, const render::Volume& files, const Generation& generation) {
  // What a driver that was killed left goes first: the volume has room for two generations only.
  const std::string current = CurrentGeneration(root).value_or(std::string());
  const Result<std::vector<std::string>> names = NamesIn(root);
  if (!names) {
    return names.error();
  }
  for (const std::string& name : *names) {
    if (name.starts_with("..") && name != kData && name != current) {
      const Result<Done> removed = RemoveTree(root, name);
      if (!removed) {
        return removed;
      }
    }
  }
  const Result<std::string> name = NewName(generation.token_expires_at);
  if (!name) {
    return name.error();
  }
  const Modes modes = ModesFor(generation.group);
  Result<Done> done = MakeFolder(root, *name, modes);
  for (auto file = files.begin(); done.has_value() && file != files.end(); ++file) {
    done = WriteFile(root, *name + "/" + file->first, file->second.content.Reveal(), modes);
  }
  if (done) {
    done = Exchange(root, *name);
  }
  if (!done) {
    (void)RemoveTree(root, *name);
    return done;
  }
  return Tidy(root, files, *name);
}

}  // namespace connector::csi::files
