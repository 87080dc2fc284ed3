#pragma once

// DenyListFile: the deny list in a file. Each poll reads the whole file, which is small, so that
// coarse file times, network file systems and the symbolic-link swap of a mounted ConfigMap hide no
// change.

#include "broker/deny_list/deny_list_origin.h"

#include <chrono>
#include <string>
#include <utility>

namespace connector::broker::deny_list {

// A file that is being written is not read as a shorter list: it must stay the same for so long.
inline constexpr std::chrono::milliseconds kStableFor{20};

class DenyListFile final : public DenyListOrigin {
 public:
  explicit DenyListFile(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] std::string Name() const override { return "file " + path_; }
  [[nodiscard]] std::optional<DenyListReading> Poll() override;

 private:
  const std::string path_;
  std::optional<Result<std::string>> told_;
};

}  // namespace connector::broker::deny_list
