#pragma once

// Requests to the Kubernetes API as paths, queries and sentences. Pure. Private to this library.

#include "common/base/result.h"
#include "common/kube/api_client.h"

#include <string>
#include <string_view>

namespace connector::kube {

// One request, before it is known as whom and over which connection it goes.
struct ApiCall {
  std::string_view verb;  // As in ApiRequestReport.
  std::string what;       // For messages: "get secrets team-a/harbor".
  std::string resource;   // For metrics: "connectors/status".
  std::string method = "GET";
  std::string path;
  std::string query;
  std::string_view content_type;
  Secret body;
  std::chrono::milliseconds head_timeout{0};  // As of CurlRequest.
  std::shared_ptr<Cancel> cancel;             // May be null.
};

// Of one object. Fails with kInvalidArgument for a name that would change the path.
[[nodiscard]] Result<ApiCall> ObjectCall(std::string_view verb,
                                         const ResourceType& type,
                                         const ObjectName& name,
                                         std::string_view subresource = {});
// Of all objects of a type in `ns`, or everywhere when it is empty.
[[nodiscard]] Result<ApiCall> CollectionCall(std::string_view verb,
                                             const ResourceType& type,
                                             const std::string& ns);
[[nodiscard]] Result<ApiCall> SelectorCall(std::string_view verb,
                                           const ResourceType& type,
                                           const Selector& selector);

// "name=VALUE" is added to the query, percent-encoded.
void AddQuery(ApiCall& call, std::string_view name, std::string_view value);

// With apiVersion and kind filled in, as JSON; wipes what it went through.
[[nodiscard]] Secret BodyOf(const ResourceType& type, boost::json::object body);

}  // namespace connector::kube
