#include "controller/json/times.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace connector::controller {
namespace {

std::string DateAndTime(WallTime time) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%FT%T", &parts);
  return std::string(text.data(), size);
}

}  // namespace

std::string ApiTime(WallTime time) {
  return DateAndTime(time) + "Z";
}

std::string ApiMicroTime(WallTime time) {
  const auto part = std::chrono::duration_cast<std::chrono::microseconds>(
      time - std::chrono::floor<std::chrono::seconds>(time));
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), ".%06dZ", static_cast<int>(part.count()));
  return DateAndTime(time) + text.data();
}

}  // namespace connector::controller
