#pragma once

// Runs one Task to its end on an io_context of its own, and returns what it returned.

#include "common/async/task.h"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace connector::testing_support {

template <typename T>
T RunTask(asio::io_context& io, Task<T> task) {
  std::optional<T> value;
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, T result) {
    failure = error;
    value.emplace(std::move(result));
  });
  io.restart();
  io.run();
  if (failure) {
    std::rethrow_exception(failure);
  }
  return std::move(*value);
}

template <typename T>
T RunTask(Task<T> task) {
  asio::io_context io;
  return RunTask(io, std::move(task));
}

}  // namespace connector::testing_support
