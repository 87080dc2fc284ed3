#pragma once

// gMock matchers for Result<T>: HasValue(m), HasError(code), HasErrorMessage(code, m).

#include "common/base/result.h"

#include <gmock/gmock.h>

#include <ostream>

namespace connector {

inline void PrintTo(const Error& error, std::ostream* os) {
  *os << "error " << static_cast<int>(error.code) << ": " << error.message;
}

template <typename T>
void PrintTo(const Result<T>& result, std::ostream* os) {
  if (result.has_value()) {
    *os << "value " << ::testing::PrintToString(*result);
  } else {
    PrintTo(result.error(), os);
  }
}

namespace testing_support {

MATCHER_P(HasValue, matcher, "") {
  return arg.has_value() && ::testing::ExplainMatchResult(matcher, *arg, result_listener);
}

MATCHER_P(HasError, code, "") {
  return !arg.has_value() && arg.error().code == code;
}

MATCHER_P2(HasErrorMessage, code, matcher, "") {
  return !arg.has_value() && arg.error().code == code &&
         ::testing::ExplainMatchResult(matcher, arg.error().message, result_listener);
}

}  // namespace testing_support
}  // namespace connector
