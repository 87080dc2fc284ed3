#include "broker/secrets/kubernetes/kube_secret.h"

#include "common/base/encoding.h"
#include "common/base/secret_place.h"
#include "common/resource/names.h"
#include "common/resource/registry_secret.h"

#include <openssl/crypto.h>

#include <optional>
#include <string_view>
#include <utility>

namespace connector::broker::secrets {
namespace {

namespace json = boost::json;

constexpr const char* kDefaultType = "Opaque";

std::string About(const kube::ObjectName& name) {
  return "the Secret " + name.ToString();
}

Error Broken(const kube::ObjectName& name, const std::string& what) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kBroker, About(name) + " " + what);
}

std::optional<std::string_view> TextOf(const json::value& value) {
  const json::string* text = value.if_string();
  return text == nullptr ? std::nullopt
                         : std::optional<std::string_view>({text->data(), text->size()});
}

Result<Secret> Decode(const json::value& value,
                      const kube::ObjectName& name,
                      std::string_view key) {
  const std::optional<std::string_view> text = TextOf(value);
  std::optional<std::string> bytes = text ? Base64Decode(*text) : std::nullopt;
  if (!bytes) {
    return Broken(name, "has a key " + std::string(key) + " that is not base64");
  }
  Secret out = key == resource::kCaKey ? ForeignSecret(*bytes) : Secret(*bytes);
  OPENSSL_cleanse(bytes->data(), bytes->size());
  return out;
}

std::string RuleFor(const SecretRef& ref) {
  return R"({apiGroups: [""], resources: [secrets], resourceNames: [)" + ref.name +
         "], verbs: [get, watch]}";
}

std::string Refusal(const SecretRef& ref, KubeVerb verb) {
  const std::string may_not = verb == KubeVerb::kGet
                                  ? "the broker may not get " + ref.ToString()
                                  : "the broker may get " + ref.ToString() +
                                        " but lacks the verb watch, without which it would not see "
                                        "a rotation";
  return may_not + "; give the Role of its ServiceAccount in the namespace " + ref.ns +
         " the rule " + RuleFor(ref);
}

void ReadCa(const StoredSecret& secret, const kube::ObjectName& name, KubeContent& out) {
  const auto found = secret.data.find(resource::kCaKey);
  if (found == secret.data.end()) {
    out.ca_problem = About(name) + " lacks the key ca.crt; add it with a PEM bundle";
    return;
  }
  Result<resource::CaBundle> bundle = resource::ReadConnectorCaBundle(found->second.Reveal());
  if (!bundle) {
    out.ca_problem = "the key ca.crt of " + About(name) + " " + bundle.error().message;
    return;
  }
  out.ca = *std::move(bundle);
}

}  // namespace

Result<kube::ObjectName> KubeNameOf(const SecretRef& ref) {
  if (ref.vault) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kSelf,
                     ref.ToString() + " is not a Secret of the Kubernetes API");
  }
  if (!resource::IsDnsLabel(ref.ns)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kBroker,
                     "a Secret is referred to from what cannot be a namespace");
  }
  if (!resource::IsDnsSubdomain(ref.name)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kBroker,
                     "a Connector in the namespace " + ref.ns +
                         " names what cannot be a Secret; write the name of one in its own "
                         "namespace, without a namespace or a path");
  }
  return kube::ObjectName{ref.ns, ref.name};
}

Result<StoredSecret> ReadKubeSecret(const kube::Object& object, const kube::ObjectName& asked) {
  if (object.name() != asked) {
    return MakeError(ErrorCode::kUnavailable,
                     ErrorOrigin::kUpstream,
                     "the Kubernetes API answered another object than " + About(asked),
                     Retry::kSafe);
  }
  StoredSecret out;
  const json::value* type = object.json().if_contains("type");
  out.type = type == nullptr ? kDefaultType : TextOf(*type).value_or(kDefaultType);
  const json::value* data = object.json().if_contains("data");
  if (data == nullptr || data->is_null()) {
    return out;
  }
  if (!data->is_object()) {
    return Broken(asked, "has data that are not keys and values");
  }
  for (const auto& [key, value] : data->get_object()) {
    const std::string_view name(key.data(), key.size());
    Result<Secret> bytes = Decode(value, asked, name);
    if (!bytes) {
      return std::move(bytes).error();
    }
    out.data.emplace(name, *std::move(bytes));
  }
  return out;
}

Error ExplainKubeError(const Error& error, const SecretRef& ref, KubeVerb verb) {
  Error out = error;
  out.origin = ErrorOrigin::kUpstream;
  switch (error.code) {
    case ErrorCode::kNotFound:
      out.message = "there is no Secret " + ref.ns + "/" + ref.name +
                    "; add it (in the Connector's own namespace)";
      break;
    case ErrorCode::kPermissionDenied:
      out.message = Refusal(ref, verb);
      break;
    case ErrorCode::kUnauthenticated:
      // Our own token is refused. That says nothing about the Secret, and passes when it is
      // renewed.
      out.code = ErrorCode::kUnavailable;
      out.retry = Retry::kSafe;
      out.message = "the Kubernetes API does not accept the broker's own ServiceAccount token";
      break;
    default:
      out.message = "the Kubernetes API did not tell of " + ref.ToString() + ": " + error.message;
  }
  return out;
}

KubeContent KubeContentOf(const kube::Object& object,
                          const SecretNeed& need,
                          const VersionDigest& versions) {
  KubeContent out;
  const kube::ObjectName name{need.ref.ns, need.ref.name};
  const Result<StoredSecret> secret = ReadKubeSecret(object, name);
  if (!secret) {
    out.problem = secret.error().message;
    return out;
  }
  out.version = versions.Of(secret->type, secret->data);
  for (const resource::CredentialWanted& wanted : need.credentials) {
    const Result<RegistryCredential> credential = ReadRegistryCredential(need.ref, *secret, wanted);
    if (!credential) {
      out.lacks.emplace(wanted, credential.error().message);
    }
  }
  if (need.ca) {
    ReadCa(*secret, name, out);
  }
  return out;
}

KubeContent KubeContentOf(const Error& error) {
  KubeContent out;
  out.problem = error.message;
  return out;
}

}  // namespace connector::broker::secrets
