#include "common/kube/object.h"

namespace connector::kube {
namespace {

namespace json = boost::json;

Error NotAnObject(std::string what) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kUpstream,
                   "not the API's answer: " + what,
                   Retry::kSafe);
}

// Empty when there is none, or it is something else.
std::string TextField(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string().c_str()) : "";
}

}  // namespace

std::string ResourceType::ApiVersion() const {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

std::string ObjectName::ToString() const {
  return ns.empty() ? name : ns + "/" + name;
}

Result<ObjectPtr> Object::Parse(std::string_view json) {
  std::optional<json::object> parsed = ParseWipedObject(json, Memory());
  if (!parsed) {
    return NotAnObject("no JSON object");
  }
  return Make(*std::move(parsed));
}

WipingMemory& Object::Memory() {
  static auto* const kMemory = new WipingMemory;
  return *kMemory;
}

Result<ObjectPtr> Object::Take(json::object part, const ResourceType& type) {
  if (!part.contains("apiVersion")) {
    part["apiVersion"] = type.ApiVersion();
  }
  if (!part.contains("kind")) {
    part["kind"] = type.kind;
  }
  return Make(std::move(part));
}

Result<ObjectPtr> Object::Make(json::object json) {
  json::value* metadata = json.if_contains("metadata");
  if (metadata == nullptr || !metadata->is_object()) {
    return NotAnObject("an object without metadata");
  }
  json::object& fields = metadata->as_object();
  fields.erase("managedFields");
  const std::shared_ptr<Object> object(new Object);
  object->name_ = {TextField(fields, "namespace"), TextField(fields, "name")};
  object->resource_version_ = TextField(fields, "resourceVersion");
  if (object->name_.name.empty()) {
    return NotAnObject("an object without metadata.name");
  }
  if (object->resource_version_.empty()) {
    return NotAnObject("an object without metadata.resourceVersion");
  }
  object->uid_ = TextField(fields, "uid");
  if (const json::value* generation = fields.if_contains("generation");
      generation != nullptr && generation->is_int64()) {
    object->generation_ = generation->as_int64();
  }
  object->json_ = std::move(json);
  return ObjectPtr(object);
}

}  // namespace connector::kube
