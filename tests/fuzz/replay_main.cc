// Runs a fuzz target over every file of a corpus directory, over every prefix of each file, and
// over each file with one byte changed at a time. No randomness: the same corpus, the same run. The
// prefixes and changes make a small corpus worth much more in ordinary test runs.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kMaxVariedBytes = 4096;  // Longer inputs are run as they are.

// A copy on the heap of exactly its size, so that a sanitizer sees a read past the end.
void Run(const std::string& input) {
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void RunVaried(const std::string& input) {
  Run(input);
  if (input.size() > kMaxVariedBytes) {
    return;
  }
  for (std::size_t size = 0; size < input.size(); ++size) {
    Run(input.substr(0, size));
  }
  for (std::size_t at = 0; at < input.size(); ++at) {
    for (const char byte : {'\0', '\n', '\r', ' ', '%', '/', ',', '"', '\xFF'}) {
      std::string changed = input;
      changed[at] = byte;
      Run(changed);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      RunVaried(std::string(std::istreambuf_iterator<char>(file), {}));
      ++files;
    }
  }
  std::cout << files << " inputs replayed\n";
  return files > 0 ? 0 : 1;
}
