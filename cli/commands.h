#pragma once

// The commands, one file each, called after the command: ping_command.cc holds PingCommand().

#include "cli/command.h"

namespace connector::cli {

[[nodiscard]] Command AuditVerifyCommand();
[[nodiscard]] Command CheckCommand();
[[nodiscard]] Command CompletionCommand();
[[nodiscard]] Command CredentialProviderCommand();
[[nodiscard]] Command ExplainCommand();
[[nodiscard]] Command ListenerCaCommand();
[[nodiscard]] Command PingCommand();
[[nodiscard]] Command PkiClusterCommand();
[[nodiscard]] Command PkiInitCommand();
[[nodiscard]] Command RenderCommand();
[[nodiscard]] Command TokenMintCommand();
[[nodiscard]] Command ValidateCommand();
[[nodiscard]] Command VersionCommand();

}  // namespace connector::cli
