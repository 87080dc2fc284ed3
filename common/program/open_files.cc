#include "common/program/open_files.h"

#include <sys/resource.h>

#include <algorithm>

namespace connector::program {
namespace {

constexpr std::uint64_t kOtherFiles = 256;

}  // namespace

std::uint64_t RaiseOpenFilesLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 0;
  }
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

std::uint32_t ConnectionsThatFit(std::uint64_t open_files, std::uint32_t wanted) {
  const std::uint64_t others = std::min(kOtherFiles, open_files / 2);
  const std::uint64_t fitting = std::max<std::uint64_t>((open_files - others) / 2, 1);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, fitting));
}

}  // namespace connector::program
