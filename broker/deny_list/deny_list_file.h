#pragma once

// DenyListFile: the deny list in a file (common/config/stable_reader.h says how it is followed).

#include "broker/deny_list/deny_list_origin.h"
#include "common/config/stable_reader.h"

#include <string>
#include <utility>

namespace connector::broker::deny_list {

class DenyListFile final : public DenyListOrigin {
 public:
  explicit DenyListFile(std::string path);

  [[nodiscard]] std::string Name() const override { return "file " + path_; }
  [[nodiscard]] std::optional<DenyListReading> Poll() override;

 private:
  const std::string path_;
  config::StableReader<std::string> reader_;
};

}  // namespace connector::broker::deny_list
