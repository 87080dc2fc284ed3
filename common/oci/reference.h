#pragma once

// The names that the distribution specification defines: repository, tag and digest, and the scope
// that a request needs. Pure. Grammar source: OCI distribution spec v1.1.1, "Definitions".

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace connector::oci {

inline constexpr std::size_t kMaxRepositoryBytes = 255;  // What clients enforce (with the host).
inline constexpr std::size_t kMaxTagBytes = 128;

// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` components joined by "/"; at most kMaxRepositoryBytes.
[[nodiscard]] bool IsRepository(std::string_view text);
// One such component.
[[nodiscard]] bool IsRepositoryComponent(std::string_view text);
// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
[[nodiscard]] bool IsTag(std::string_view text);
// `algorithm:hex`, at least 32 hex digits; sha256 and sha512 have their exact lower-case lengths.
[[nodiscard]] bool IsDigest(std::string_view text);

enum class Action : std::uint8_t { kPull = 1, kPush = 2, kDelete = 4 };

// A set of actions. Ordered pull, push, delete wherever it is written out.
class ActionSet {
 public:
  constexpr ActionSet() = default;
  constexpr ActionSet(std::initializer_list<Action> actions) {
    for (const Action action : actions) {
      Add(action);
    }
  }

  constexpr void Add(Action action) {
    bits_ = static_cast<std::uint8_t>(bits_ | static_cast<std::uint8_t>(action));
  }
  [[nodiscard]] constexpr bool Has(Action action) const {
    return (bits_ & static_cast<std::uint8_t>(action)) != 0;
  }
  [[nodiscard]] constexpr bool Contains(ActionSet other) const {
    return (bits_ & other.bits_) == other.bits_;
  }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr std::uint8_t bits() const { return bits_; }

  // "pull,push"
  [[nodiscard]] std::string ToString() const;

  bool operator==(const ActionSet&) const = default;
  auto operator<=>(const ActionSet&) const = default;

 private:
  std::uint8_t bits_ = 0;
};

// What one request may do in one repository, in the upstream's naming.
struct Scope {
  std::string repository;
  ActionSet actions;

  bool operator==(const Scope&) const = default;
  auto operator<=>(const Scope&) const = default;

  // "repository:NAME:pull,push", as token services read it.
  [[nodiscard]] std::string ToString() const;
};

}  // namespace connector::oci
