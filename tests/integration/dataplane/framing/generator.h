#pragma once

// Makes request streams: legal requests of every operation, alone or in pipelines, and what becomes
// of them when a few things are changed. A case depends on nothing but the seed and its number.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace connector::framing {

struct Case {
  std::uint64_t number = 0;
  std::string bytes;
  std::vector<std::size_t> cuts;  // Where one segment ends and the next begins; ascending.
};

// `upload`: the path of an open upload session in team/app, as a client sees it.
[[nodiscard]] Case MakeCase(std::uint64_t seed, std::uint64_t number, const std::string& upload);

}  // namespace connector::framing
