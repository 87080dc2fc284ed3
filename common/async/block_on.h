#pragma once

// BlockOn: runs a coroutine on an executor that other threads run, and waits for its end. For the
// start and the stop of a program, which have no coroutine of their own to wait in.

#include "common/async/task.h"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <future>
#include <type_traits>
#include <utility>

namespace connector {

// Not from a thread of `executor`: it would wait for itself. An exception ends `task`, and is
// thrown here.
template <typename T>
T BlockOn(const Executor& executor, Task<T> task) {
  std::promise<T> done;
  if constexpr (std::is_void_v<T>) {
    asio::co_spawn(executor, std::move(task), [&done](const std::exception_ptr& failure) {
      failure ? done.set_exception(failure) : done.set_value();
    });
  } else {
    asio::co_spawn(executor, std::move(task), [&done](const std::exception_ptr& failure, T value) {
      failure ? done.set_exception(failure) : done.set_value(std::move(value));
    });
  }
  return done.get_future().get();
}

}  // namespace connector
