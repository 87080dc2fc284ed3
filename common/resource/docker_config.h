#pragma once

// The credential of a registry in docker's configuration: config.json, or its older form
// .dockercfg, which is the map of "auths" alone. Pure.

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/resource/registry_secret.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace connector::resource {

enum class DockerConfigForm : std::uint8_t { kConfigJson, kDockercfg };

// `key` is the Secret's key that holds `content`, for messages. The entry is the most specific one
// that covers `wanted.repository`; without a repository, that of the whole registry, or any
// that is sound.
//
// Fails with kInvalidArgument as ReadRegistrySecret does; also where a credential store or helper
// has the credential.
[[nodiscard]] Result<RegistrySecret> ReadDockerConfig(const Secret& content,
                                                      std::string_view key,
                                                      DockerConfigForm form,
                                                      const CredentialWanted& wanted,
                                                      std::string_view repository);

// A pair as Basic authentication can carry it. `where` says which one it is, such as " in the key
// x". A line break inside a password is a part of it, as in a key in JSON; one at the end of a
// password of one line comes from a shell or an editor, and is refused.
[[nodiscard]] Result<RegistrySecret> CheckedPair(std::string_view username,
                                                 std::string_view password,
                                                 const std::string& where);

// `value` without the line breaks at its end, when it is one line; else `value`.
[[nodiscard]] std::string_view WithoutLineEnd(std::string_view value);

}  // namespace connector::resource
