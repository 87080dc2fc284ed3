#pragma once

// Task<T>: the coroutine type of both programs. Bound to io_context's own executor type, because a
// type-erased executor costs an allocation per resumption on the data plane's hot path.
//
// House rules: parameters by value, every wait has a deadline from the caller, no lock is held
// across co_await, and a capturing lambda or a braced aggregate is named before the statement that
// awaits it (GCC 12 copies its bytes and destroys it twice otherwise).

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace connector {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
using Deadline = std::chrono::steady_clock::time_point;

template <typename T>
using Task = asio::awaitable<T, Executor>;

inline constexpr asio::use_awaitable_t<Executor> kUseTask{};

}  // namespace connector
