#pragma once

// The commands, one file each: X() stands in x.cc.

#include "cli/command.h"

namespace connector::cli {

[[nodiscard]] Command AuditVerify();
[[nodiscard]] Command Check();
[[nodiscard]] Command Completion();
[[nodiscard]] Command CredentialProvider();
[[nodiscard]] Command Explain();
[[nodiscard]] Command Ping();
[[nodiscard]] Command PkiCluster();
[[nodiscard]] Command PkiInit();
[[nodiscard]] Command Render();
[[nodiscard]] Command TokenMint();
[[nodiscard]] Command Validate();
[[nodiscard]] Command Version();

}  // namespace connector::cli
