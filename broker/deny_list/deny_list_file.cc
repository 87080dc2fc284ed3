#include "broker/deny_list/deny_list_file.h"

#include "broker/deny_list/read_deny_list.h"
#include "common/config/read_file.h"

#include <thread>

namespace connector::broker::deny_list {
namespace {

bool SameReading(const Result<std::string>& a, const Result<std::string>& b) {
  return a ? b && *a == *b : !b && a.error() == b.error();
}

}  // namespace

std::optional<DenyListReading> DenyListFile::Poll() {
  Result<std::string> first = config::ReadFile(path_, kMaxDenyListBytes);
  if (told_ && SameReading(*told_, first)) {
    return std::nullopt;
  }
  std::this_thread::sleep_for(kStableFor);
  const Result<std::string> second = config::ReadFile(path_, kMaxDenyListBytes);
  if (!SameReading(first, second)) {
    return std::nullopt;
  }
  told_ = second;
  return DenyListReading{std::move(first)};
}

}  // namespace connector::broker::deny_list
