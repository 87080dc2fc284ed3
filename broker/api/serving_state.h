#pragma once

// ServingState: from when to when a broker answers calls.
//
//   starting --EndpointOpened--> reading --ResourcesRead--> serving --StopRequested--> draining
//      |                            |
//      +-------StopRequested--------+--> stopped
//
// A broker that has not read its Connectors would deny everybody, and tell data planes to drop all
// routes: before `serving` every call is UNAVAILABLE. Calls under way are answered while it drains.

#include <atomic>
#include <chrono>
#include <cstdint>

namespace connector::broker::api {

inline constexpr std::chrono::seconds kDefaultMaxSilence{60};
inline constexpr const char* kSeesNoChanges =
    "this broker sees no changes of its Connectors or of its deny list, and grants nothing until "
    "it does";

enum class ServingPhase : std::uint8_t { kStarting, kReading, kServing, kDraining, kStopped };

// Thread-safe.
class ServingState {
 public:
  // Each says whether it changed anything: what does not fit the phase does not.
  bool EndpointOpened();
  bool ResourcesRead();
  bool StopRequested();

  // Whether changes of the resources and of the deny list are seen. A broker that does not see them
  // would grant what was taken away (docs/promises.md P6): it answers no calls. True when that is
  // new.
  bool SetBlind(bool blind) { return blind_.exchange(blind) != blind; }
  [[nodiscard]] bool blind() const { return blind_; }

  [[nodiscard]] ServingPhase phase() const { return phase_; }
  [[nodiscard]] bool answers_calls() const;
  // Why a broker is not ready. Not while it reads: then whoever reads says what is missing.
  [[nodiscard]] bool closed() const;

 private:
  bool Move(ServingPhase from, ServingPhase to);

  std::atomic<ServingPhase> phase_ = ServingPhase::kStarting;
  std::atomic<bool> blind_ = false;
};

}  // namespace connector::broker::api
