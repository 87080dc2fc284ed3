#pragma once

// OptionsReader: what the readers of a configuration share. Collects what is wrong, with the line
// of each field.

#include "common/base/result.h"
#include "common/config/problem.h"
#include "common/config/read_file.h"
#include "common/config/yaml_tree.h"

#include <string>
#include <utility>
#include <vector>

namespace connector::config {

class OptionsReader {
 public:
  OptionsReader(std::string file, config::Node root)
      : file_(std::move(file)), root_(std::move(root)) {}

  void Complain(const std::string& path, std::string message) {
    problems_.push_back({file_, config::LineOf(root_, path), path, std::move(message)});
  }
  void Check(const std::string& path, const std::string& named, const Result<Done>& result) {
    if (!result) {
      Complain(path, named + ": " + result.error().message);
    }
  }
  std::string ReadText(const std::string& path, const std::string& named) {
    constexpr std::size_t kMaxFileBytes = std::size_t{1024} * 1024;
    Result<std::string> text = config::ReadFile(named, kMaxFileBytes);
    if (!text) {
      Complain(path, named + ": " + text.error().message);
      return {};
    }
    return std::move(*text);
  }

  [[nodiscard]] std::vector<config::Problem> Take() { return std::move(problems_); }

 private:
  std::string file_;
  config::Node root_;
  std::vector<config::Problem> problems_;
};

}  // namespace connector::config
