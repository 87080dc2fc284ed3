#pragma once

// A file of a test's own, gone with it. Write replaces it as an operator's tool does: a new file
// renamed over the old one.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace connector::testing_support {

class TempFile {
 public:
  explicit TempFile(std::string_view content) {
    std::string pattern = (std::filesystem::temp_directory_path() / "jwks.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error("mkdtemp failed in a test");
    }
    directory_ = pattern;
    Write(content);
  }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  ~TempFile() { std::filesystem::remove_all(directory_); }

  void Write(std::string_view content) const {
    const auto next = directory_ / "next";
    std::ofstream(next, std::ios::binary) << content;
    std::filesystem::rename(next, path());
  }
  void Remove() const { std::filesystem::remove(path()); }
  [[nodiscard]] std::string path() const { return (directory_ / "file").string(); }

 private:
  std::filesystem::path directory_;
};

}  // namespace connector::testing_support
