#pragma once

// Root keys for tests, each named by a character that it consists of.

#include "broker/root_key/root_keys.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace connector::testing_support {

// "ab": the current key is aaa..., and bbb... is accepted as well.
[[nodiscard]] inline broker::root_key::RootKeys MakeRootKeys(std::string_view names) {
  std::vector<Secret> keys;
  for (const char name : names) {
    keys.emplace_back(std::string(broker::root_key::kMinRootKeyBytes, name));
  }
  Secret current = std::move(keys.front());
  keys.erase(keys.begin());
  return broker::root_key::RootKeys(std::move(current), std::move(keys));
}

[[nodiscard]] inline broker::root_key::RootKeysPtr ShareRootKeys(std::string_view names) {
  return std::make_shared<const broker::root_key::RootKeys>(MakeRootKeys(names));
}

}  // namespace connector::testing_support
