#pragma once

// Result<T>: what every operation that can fail returns once the process has started.
//
// An Error answers the questions a proxy asks about any failure: what went wrong (code), whose
// fault it was (origin), whether another attempt can help (retry), and when (retry_after).
// `message` may reach an operator's log; it never holds a credential, a token or a body.
//
// The interface is a subset of std::expected's.

#include <cassert>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace connector {

enum class ErrorCode : std::uint8_t {
  kInvalidArgument,
  kUnauthenticated,
  kPermissionDenied,
  kNotFound,
  kConflict,  // Somebody else was first.
  kResourceExhausted,
  kDeadlineExceeded,
  kUnavailable,
  kInternal,
};

enum class ErrorOrigin : std::uint8_t { kClient, kUpstream, kBroker, kSelf };

enum class Retry : std::uint8_t { kNever, kIfConnectionWasReused, kSafe };

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  ErrorOrigin origin = ErrorOrigin::kSelf;
  Retry retry = Retry::kNever;
  std::string message;
  std::chrono::seconds retry_after{0};  // Zero when the other side named no time.

  bool operator==(const Error&) const = default;
};

[[nodiscard]] inline Error MakeError(ErrorCode code,
                                     ErrorOrigin origin,
                                     std::string message,
                                     Retry retry = Retry::kNever) {
  return Error{code, origin, retry, std::move(message), std::chrono::seconds{0}};
}

// The result of an operation that has no value: `Result<Done>`.
struct Done {
  bool operator==(const Done&) const = default;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  // Asio default-constructs a coroutine's result on the path where the coroutine threw.
  Result() : Result(MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "result was never set")) {}
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;`
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): `return MakeError(...);`
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // Reading the side that is not there is a bug in the caller.
  [[nodiscard]] T& operator*() & { return Get<0>(); }
  [[nodiscard]] const T& operator*() const& { return Get<0>(); }
  [[nodiscard]] T&& operator*() && { return std::move(Get<0>()); }
  [[nodiscard]] T* operator->() { return &Get<0>(); }
  [[nodiscard]] const T* operator->() const { return &Get<0>(); }
  [[nodiscard]] const Error& error() const& { return Get<1>(); }
  [[nodiscard]] Error&& error() && { return std::move(Get<1>()); }

 private:
  template <std::size_t I>
  auto& Get() {
    assert(state_.index() == I);
    return *std::get_if<I>(&state_);
  }
  template <std::size_t I>
  const auto& Get() const {
    assert(state_.index() == I);
    return *std::get_if<I>(&state_);
  }

  std::variant<T, Error> state_;
};

}  // namespace connector
