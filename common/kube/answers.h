#pragma once

// What an answer of the Kubernetes API means. Pure. Private to this library.

#include "common/base/result.h"
#include "common/json/wiped_json.h"
#include "common/kube/api_client.h"

#include <memory>
#include <string>
#include <string_view>

namespace connector::kube {

// An answer that is not a success. `what` opens the message: "get secrets team-a/harbor". `body` is
// a Status object, whose message is taken over where the header of api_client.h says so, or
// anything.
[[nodiscard]] Error ErrorFromStatus(int status, std::string_view body, const std::string& what);

// An error that says what it was about.
[[nodiscard]] Error WithContext(const std::string& what, Error error);

// The API server forgot the version that was asked for, or never had it: list again.
[[nodiscard]] bool IsExpired(int status, std::string_view body);

struct Page {
  std::vector<ObjectPtr> items;
  std::string resource_version;
  std::string next;  // Its "continue"; empty for the last page.
};

// Fails with kUnavailable for what is not a list.
[[nodiscard]] Result<Page> ParsePage(std::string_view body, const ResourceType& type);

// One line of a watch. `expired` and `refused` are mutually exclusive with `event`.
struct WatchLine {
  std::optional<WatchEvent> event;
  bool expired = false;
  std::optional<Error> refused;  // An ERROR event of another kind.
};

// A type of event that is not known is no event. Fails with kUnavailable for what is not one.
[[nodiscard]] Result<WatchLine> ParseWatchLine(std::string_view line, const ResourceType& type);

}  // namespace connector::kube
