#pragma once

// Why a call failed: one reason per kind of cause, which metrics count, gRPC's code follows and a
// person acts upon; and a sentence that kubectl describe shows at the pod. No sentence holds a
// token.

#include <cstdint>
#include <string>
#include <string_view>

namespace connector::csi::publish {

enum class Reason : std::uint8_t {
  kRequest,        // Not a call that this driver serves, or attributes that say nonsense.
  kTarget,         // Not a place where this volume may be.
  kGone,           // The kubelet's folder is not there (any more).
  kToken,          // No token, or one that has ended.
  kNoConnector,    // Or, in another namespace, one that the pod may not see.
  kNotReady,       // The Connector is there and does not work.
  kNotGranted,     // RBAC does not give it to the pod's ServiceAccount.
  kConfiguration,  // The client configurations cannot be rendered as asked.
  kApi,            // The Kubernetes API cannot be asked: comes right by itself.
  kBusy,           // Another call for the same volume is under way.
  kVolumeFull,
  kFileSystem,
};

inline constexpr Reason kReasons[] = {Reason::kRequest,
                                      Reason::kTarget,
                                      Reason::kGone,
                                      Reason::kToken,
                                      Reason::kNoConnector,
                                      Reason::kNotReady,
                                      Reason::kNotGranted,
                                      Reason::kConfiguration,
                                      Reason::kApi,
                                      Reason::kBusy,
                                      Reason::kVolumeFull,
                                      Reason::kFileSystem};

struct PublishFailure {
  Reason reason = Reason::kRequest;
  std::string message;

  bool operator==(const PublishFailure&) const = default;
};

// As metrics and logs name it: "not_ready".
[[nodiscard]] constexpr std::string_view ToString(Reason reason) {
  switch (reason) {
    case Reason::kRequest:
      return "request";
    case Reason::kTarget:
      return "target";
    case Reason::kGone:
      return "gone";
    case Reason::kToken:
      return "token";
    case Reason::kNoConnector:
      return "no_connector";
    case Reason::kNotReady:
      return "not_ready";
    case Reason::kNotGranted:
      return "not_granted";
    case Reason::kConfiguration:
      return "configuration";
    case Reason::kApi:
      return "api";
    case Reason::kBusy:
      return "busy";
    case Reason::kVolumeFull:
      return "volume_full";
    case Reason::kFileSystem:
      return "file_system";
  }
  return "file_system";
}

}  // namespace connector::csi::publish
