#include "common/resource/auth_kinds.h"

#include <algorithm>

namespace connector::resource {
namespace {

constexpr bool RowsFollowTheEnumerators() {
  for (std::size_t i = 0; i < kAuthKinds.size(); ++i) {
    if (kAuthKinds[i].kind != static_cast<AuthKind>(i)) {
      return false;
    }
  }
  return true;
}
static_assert(RowsFollowTheEnumerators(), "RowOf finds a row by its enumerator");

const AuthParameter* FindIn(std::span<const AuthParameter> parameters, std::string_view name) {
  const auto found = std::ranges::find(parameters, name, &AuthParameter::name);
  return found == parameters.end() ? nullptr : &*found;
}

}  // namespace

const AuthKindRow* FindAuthKind(std::string_view name) {
  const auto found = std::ranges::find(kAuthKinds, name, &AuthKindRow::name);
  return found == kAuthKinds.end() ? nullptr : &*found;
}

const AuthParameter* FindParameter(AuthKind kind, std::string_view name) {
  const AuthParameter* common = FindIn(kCommonParameters, name);
  return common != nullptr ? common : FindIn(RowOf(kind).parameters, name);
}

std::string_view ToString(AuthKind kind) {
  return RowOf(kind).name;
}

std::string_view ToString(SecretClass secret) {
  switch (secret) {
    case SecretClass::kNone:
      return "none";
    case SecretClass::kDerived:
      return "derived";
    case SecretClass::kBounded:
      return "bounded";
    case SecretClass::kStatic:
      return "static";
  }
  return "unknown";
}

SecretClass ClassOf(AuthKind kind) {
  return RowOf(kind).secret_class;
}

}  // namespace connector::resource
