#include "broker/deny_list/deny_list_file.h"

#include "broker/deny_list/read_deny_list.h"
#include "common/config/read_file.h"

#include <utility>

namespace connector::broker::deny_list {

DenyListFile::DenyListFile(std::string path)
    : path_(std::move(path)),
      reader_([this] { return config::ReadFile(path_, kMaxDenyListBytes); }) {}

std::optional<DenyListReading> DenyListFile::Poll() {
  const Result<std::string>* const reading = reader_.Poll();
  return reading == nullptr ? std::nullopt : std::optional(DenyListReading{*reading});
}

}  // namespace connector::broker::deny_list
