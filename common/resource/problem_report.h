#pragma once

// Collects the problems of one document: paths and messages; lines come from the document.

#include "common/config/problem.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace connector::resource {

class ProblemReport {
 public:
  // `message` is the reason, then what to write instead.
  void Add(std::string path, std::string message) {
    found_.emplace_back(std::move(path), std::move(message));
  }

  [[nodiscard]] bool empty() const { return found_.empty(); }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& found() const {
    return found_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> found_;
};

}  // namespace connector::resource
