#include "common/oci/challenge.h"
#include "tests/fuzz/check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

// ParseChallenges never crashes, and every challenge that it returns has a realm without control
// characters but HTAB, which RFC 9110 allows in quotes: it is shown in logs and becomes a URL.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto challenges = connector::oci::ParseChallenges(input);
  if (!challenges.has_value()) {
    return 0;
  }
  connector::fuzz::Check(!challenges->empty());
  for (const connector::oci::Challenge& challenge : *challenges) {
    const std::string& realm =
        std::visit([](const auto& c) -> const std::string& { return c.realm; }, challenge);
    connector::fuzz::Check(std::none_of(realm.begin(), realm.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
    }));
  }
  return 0;
}
