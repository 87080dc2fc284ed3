#pragma once

// A node for tests: a mount namespace of the process's own, and a folder of pods that is mounted as
// a kubelet's is for a driver's pod, so that what is mounted in it is seen where it was shared to.

#include "csi/files/mount_table.h"
#include "csi/files/safe_open.h"
#include "csi/files/volume_mount.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace connector::csi::testing {

inline constexpr const char* kPodUid = "0f9d2c7e-5a1b-4c3d-8e2f-112233445566";

class Node {
 public:
  Node() {
    // Once per process is enough, and more does no harm.
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      throw std::runtime_error("a mount namespace cannot be made: these tests need root");
    }
    std::filesystem::create_directory(pods());
    std::filesystem::create_directory(seen_by_others());
    if (::mount("pods", pods().c_str(), "tmpfs", 0, "size=16m") != 0 ||
        ::mount("none", pods().c_str(), nullptr, MS_SHARED, nullptr) != 0 ||
        ::mount(pods().c_str(), seen_by_others().c_str(), nullptr, MS_BIND, nullptr) != 0) {
      throw std::runtime_error("the folder of pods cannot be mounted");
    }
  }
  ~Node() {
    ::umount2(seen_by_others().c_str(), MNT_DETACH);
    ::umount2(pods().c_str(), MNT_DETACH);
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] std::string pods() const { return scratch_ / "pods"; }
  // The same folder, as the kubelet and other pods see it.
  [[nodiscard]] std::string seen_by_others() const { return scratch_ / "others"; }
  [[nodiscard]] std::string outside() const { return scratch_ / "outside"; }

  // What a kubelet does before it calls the driver. Returns the target path.
  std::string MakePod(const std::string& volume, const std::string& uid = kPodUid) const {
    const std::string parent = pods() + "/" + uid + "/volumes/kubernetes.io~csi/" + volume;
    std::filesystem::create_directories(parent);
    return parent + "/mount";
  }

  // The folder of `target`, opened as the publisher does it.
  static files::MountTarget TargetOf(const std::string& target) {
    const std::filesystem::path path(target);
    Result<files::Fd> opened = files::OpenFolder(path.parent_path());
    return {std::move(*opened), path.filename()};
  }

  // Paths at which our volumes are mounted, but the ones that others see.
  [[nodiscard]] std::vector<std::string> Mounts() const {
    std::vector<std::string> paths;
    for (const files::OwnMount& mount : files::OwnMounts(files::ReadMountInfo())) {
      if (!mount.path.starts_with(seen_by_others() + "/")) {
        paths.push_back(mount.path);
      }
    }
    return paths;
  }

  [[nodiscard]] static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  [[nodiscard]] static mode_t ModeOf(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 07777 : 0;
  }

 private:
  testing_support::ScratchDir scratch_;
};

}  // namespace connector::csi::testing
