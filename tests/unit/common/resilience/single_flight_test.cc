#include "common/resilience/single_flight.h"

#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace connector::resilience {
namespace {

using Flights = SingleFlightGroup<std::string, int>;
using Call = SharedCall<int>;

Deadline In(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

// Waits on `io`; the answer stands in `out` once it has run.
void Wait(asio::io_context& io,
          std::shared_ptr<Call> call,
          Deadline deadline,
          std::optional<int>& out) {
  auto keep = [&out](std::exception_ptr, std::optional<int> value) { out = value; };
  asio::co_spawn(Executor(io.get_executor()), Call::Wait(std::move(call), deadline), keep);
}

TEST(SingleFlight, IsJoinedWhileItIsUnderWay) {
  SingleFlight<int> flight;
  EXPECT_FALSE(flight.under_way());
  EXPECT_EQ(flight.Join(), nullptr);

  const auto call = flight.Start();

  EXPECT_TRUE(flight.under_way());
  EXPECT_EQ(flight.Join(), call);
}

TEST(SingleFlight, GivesEveryWaiterTheValue) {
  asio::io_context io;
  SingleFlight<int> flight;
  const auto started = flight.Start();
  std::optional<int> first;
  std::optional<int> second;
  Wait(io, started, In(std::chrono::hours(1)), first);
  Wait(io, flight.Join(), In(std::chrono::hours(1)), second);
  io.poll();

  flight.Complete()->Set(7);
  io.run();

  EXPECT_EQ(first, 7);
  EXPECT_EQ(second, 7);
}

TEST(SingleFlight, EndsOneWaitByItsDeadlineAndGoesOn) {
  asio::io_context io;
  SingleFlight<int> flight;
  const auto call = flight.Start();
  std::optional<int> late = 1;
  std::optional<int> patient;
  Wait(io, call, In(std::chrono::milliseconds(0)), late);
  io.run();
  EXPECT_EQ(late, std::nullopt);
  EXPECT_TRUE(flight.under_way());

  io.restart();
  Wait(io, flight.Join(), In(std::chrono::hours(1)), patient);
  flight.Complete()->Set(7);
  io.run();

  EXPECT_EQ(patient, 7);
}

TEST(SingleFlight, StartsAnotherForWhoComesAfterTheEnd) {
  SingleFlight<int> flight;
  const auto ended = flight.Start();

  EXPECT_EQ(flight.Complete(), ended);

  EXPECT_EQ(flight.Join(), nullptr);
  EXPECT_NE(flight.Start(), ended);
}

TEST(SingleFlight, HasNothingToCompleteWhereNothingWasStarted) {
  SingleFlight<int> flight;
  EXPECT_EQ(flight.Complete(), nullptr);
}

TEST(SharedCall, GivesItsValueToWhoJoinedAndWaitsLate) {
  asio::io_context io;
  SingleFlight<int> flight;
  const auto call = flight.Start();
  flight.Complete()->Set(7);
  std::optional<int> value;

  Wait(io, call, In(std::chrono::hours(1)), value);
  io.run();

  EXPECT_EQ(value, 7);
}

TEST(SharedCall, ServesOneWaiterWhereAValueMayServeOneOnly) {
  Call call;
  EXPECT_TRUE(call.TakeOnce());
  EXPECT_FALSE(call.TakeOnce());
  EXPECT_FALSE(call.TakeOnce());
}

TEST(SingleFlightGroup, KeepsKeysApart) {
  Flights flights;
  const auto a = flights.Start("a");
  const auto b = flights.Start("b");

  EXPECT_EQ(flights.Join(std::string_view("a")), a);
  EXPECT_EQ(flights.Join(std::string_view("b")), b);
  EXPECT_EQ(flights.Join(std::string_view("c")), nullptr);
  EXPECT_FALSE(flights.under_way(std::string_view("c")));
}

TEST(SingleFlightGroup, EndsTheCallOfOneKey) {
  Flights flights;
  const auto a = flights.Start("a");
  const auto b = flights.Start("b");

  EXPECT_EQ(flights.Complete("a"), a);

  EXPECT_EQ(flights.Join("a"), nullptr);
  EXPECT_EQ(flights.Join("b"), b);
  EXPECT_EQ(flights.Complete("a"), nullptr);
}

}  // namespace
}  // namespace connector::resilience
