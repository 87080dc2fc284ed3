#include "common/kube/requests.h"

#include "common/base/secret_place.h"
#include "common/curl/wiped_buffer.h"

namespace connector::kube {
namespace {

std::string Encoded(std::string_view text) {
  curl::WipedBuffer out;
  out.AppendPercentEncoded(text);
  return std::string(out.view());
}

// A dot segment would be another path, however it is written.
bool IsSegment(std::string_view name) {
  return !name.empty() && name != "." && name != "..";
}

Error Invalid(const ApiCall& call, std::string problem) {
  return MakeError(
      ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, call.what + ": " + std::move(problem));
}

}  // namespace

Result<ApiCall> CollectionCall(std::string_view verb,
                               const ResourceType& type,
                               const std::string& ns) {
  ApiCall call;
  call.verb = verb;
  call.resource = type.plural;
  call.what = std::string(verb) + " " + call.resource;
  if (!ns.empty() && (!type.namespaced || !IsSegment(ns))) {
    return Invalid(call, "'" + ns + "' is no namespace for it");
  }
  call.path = (type.group.empty() ? "/api/" : "/apis/") + type.ApiVersion() +
              (ns.empty() ? "" : "/namespaces/" + Encoded(ns)) + "/" + call.resource;
  return call;
}

Result<ApiCall> SelectorCall(std::string_view verb,
                             const ResourceType& type,
                             const Selector& selector) {
  Result<ApiCall> call = CollectionCall(verb, type, selector.ns);
  if (!call) {
    return call;
  }
  call->what += selector.ns.empty() ? "" : " in " + selector.ns;
  if (!selector.labels.empty()) {
    AddQuery(*call, "labelSelector", selector.labels);
    call->what += " with " + selector.labels;
  }
  if (!selector.fields.empty()) {
    AddQuery(*call, "fieldSelector", selector.fields);
    call->what += " with " + selector.fields;
  }
  return call;
}

Result<ApiCall> ObjectCall(std::string_view verb,
                           const ResourceType& type,
                           const ObjectName& name,
                           std::string_view subresource) {
  Result<ApiCall> call = CollectionCall(verb, type, name.ns);
  if (!call) {
    return call;
  }
  call->what += " " + name.ToString();
  if (!IsSegment(name.name)) {
    return Invalid(*call, "an object has a name");
  }
  if (type.namespaced && name.ns.empty()) {
    return Invalid(*call, "an object of this type is in a namespace");
  }
  call->path += "/" + Encoded(name.name);
  if (!subresource.empty()) {
    call->path.append("/").append(subresource);
    call->resource.append("/").append(subresource);
  }
  return call;
}

void AddQuery(ApiCall& call, std::string_view name, std::string_view value) {
  call.query.append(call.query.empty() ? "" : "&").append(name).append("=").append(Encoded(value));
}

Secret BodyOf(const ResourceType& type, boost::json::object body) {
  body["apiVersion"] = type.ApiVersion();
  body["kind"] = type.kind;
  std::string text = boost::json::serialize(body);
  Secret out = ForeignSecret(text);  // A review holds a caller's token.
  curl::Wipe(text);
  return out;
}

}  // namespace connector::kube
