#include "common/resource/registry_secret.h"
#include "tests/fuzz/check.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

// Docker's configuration as whoever writes the Secret likes: what is read of it can stand in a
// Basic credential, and what is refused is explained. The first line of the input is the
// repository.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace resource = connector::resource;
  using connector::fuzz::Check;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  if (line == std::string_view::npos) {
    return 0;
  }
  const std::string_view repository = input.substr(0, line);
  for (const auto& [type, key] : {std::pair{"kubernetes.io/dockerconfigjson", ".dockerconfigjson"},
                                  std::pair{"kubernetes.io/dockercfg", ".dockercfg"}}) {
    std::map<std::string, connector::Secret> content;
    content.emplace(key, connector::Secret(input.substr(line + 1)));
    for (const std::string_view asked : {std::string_view(), repository}) {
      const auto read = resource::ReadRegistrySecret(type, content, {"r.example"}, asked);
      if (!read) {
        Check(!read.error().message.empty());
        continue;
      }
      const bool token = !read->identity_token.empty();
      Check(token == read->username.empty() && token == read->password.empty());
      Check(read->username.find_first_of(":\r\n") == std::string::npos);
    }
  }
  return 0;
}
