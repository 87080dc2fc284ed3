#pragma once

// Runs connectorctl's main function in the test's own process, on a directory of its own.

#include "cli/command.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace connector::cli {

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

inline Outcome Connectorctl(const std::vector<std::string_view>& arguments,
                            const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const int code = RunMain(arguments, Console{in, out, err});
  return {code, out.str(), err.str()};
}

class InDirectory : public ::testing::Test {
 protected:
  [[nodiscard]] std::string Path(const std::string& name) const { return directory_ / name; }

  std::string Write(const std::string& name, std::string_view content) const {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }

  [[nodiscard]] static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  [[nodiscard]] static unsigned Mode(const std::string& path) {
    return static_cast<unsigned>(std::filesystem::status(path).permissions());
  }

  testing_support::ScratchDir directory_;
};

}  // namespace connector::cli
