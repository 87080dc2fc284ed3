#pragma once

// MachineCheck: what --check asks of the machine beyond the text of a configuration: would the
// start find its folders, and may it listen? Changes nothing that stays.

#include "common/base/result.h"
#include "common/config/problem.h"

#include <string>
#include <vector>

namespace connector::program {

class MachineCheck {
 public:
  explicit MachineCheck(std::string file) : file_(std::move(file)) {}

  void Complain(const std::string& path, std::string message);
  // `path` is the configuration's key. A port that is taken is fine: the service itself may run.
  void Listening(const std::string& path, const std::string& address);
  // `sound`: what the program's own reader says of the file.
  void Usable(const std::string& path, const std::string& file, const Result<Done>& sound);
  void ReadableDirectory(const std::string& path, const std::string& directory);
  // It is there and can be written, or can be made.
  void WritableDirectory(const std::string& path, const std::string& directory);

  [[nodiscard]] std::vector<config::Problem> Take() { return std::move(problems_); }

 private:
  std::string file_;
  std::vector<config::Problem> problems_;
};

}  // namespace connector::program
