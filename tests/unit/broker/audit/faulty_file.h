#pragma once

// A real file that fails where it is told to.

#include "broker/audit/append_file.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace connector::broker::audit {

struct Faults {
  std::atomic<bool> open = false;
  std::atomic<bool> write = false;  // After half of the bytes.
  std::atomic<bool> sync = false;
  std::atomic<bool> truncate = false;
};

class FaultyFile final : public AppendFile {
 public:
  FaultyFile(std::unique_ptr<AppendFile> file, const Faults& faults)
      : file_(std::move(file)), faults_(faults) {}

  Result<Done> Write(std::string_view bytes) override {
    if (faults_.write) {
      const Result<Done> half = file_->Write(bytes.substr(0, bytes.size() / 2));
      return half ? Failure("No space left on device") : half;
    }
    return file_->Write(bytes);
  }
  Result<Done> Sync() override {
    return faults_.sync ? Failure("Input/output error") : file_->Sync();
  }
  Result<Done> Truncate(std::uint64_t size) override {
    return faults_.truncate ? Failure("Read-only file system") : file_->Truncate(size);
  }
  std::string Difference(std::uint64_t size) const override { return file_->Difference(size); }

  static Result<Done> Failure(std::string message) {
    return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kSelf, std::move(message), Retry::kSafe);
  }

 private:
  std::unique_ptr<AppendFile> file_;
  const Faults& faults_;
};

inline OpenAppendFile OpenFaulty(const Faults& faults) {
  return [&faults](const std::string& path) -> Result<std::unique_ptr<AppendFile>> {
    if (faults.open) {
      return FaultyFile::Failure("No space left on device").error();
    }
    auto file = OpenRealFile(path);
    if (!file) {
      return file.error();
    }
    return std::unique_ptr<AppendFile>(std::make_unique<FaultyFile>(std::move(*file), faults));
  };
}

}  // namespace connector::broker::audit
