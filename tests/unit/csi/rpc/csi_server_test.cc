#include "csi/rpc/csi_server.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::csi::rpc {
namespace {

using testing_support::HasError;
using testing_support::HasValue;

TEST(SocketPath, ReadsBothFormsThatCsiProgramsUse) {
  EXPECT_THAT(SocketPath("unix:///csi/csi.sock"), HasValue(std::string("/csi/csi.sock")));
  EXPECT_THAT(SocketPath("unix:/csi/csi.sock"), HasValue(std::string("/csi/csi.sock")));
  EXPECT_THAT(SocketPath("/csi/csi.sock"), HasValue(std::string("/csi/csi.sock")));
}

TEST(SocketPath, RefusesWhatOthersCouldReachOrNobodyCan) {
  for (const std::string endpoint :
       {"", "tcp://127.0.0.1:1", "unix://csi.sock", "unix:csi.sock", "/"}) {
    EXPECT_THAT(SocketPath(endpoint), HasError(ErrorCode::kInvalidArgument)) << endpoint;
  }
  EXPECT_THAT(SocketPath("unix:///" + std::string(107, 'a')),
              HasError(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace connector::csi::rpc
