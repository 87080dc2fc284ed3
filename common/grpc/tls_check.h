#pragma once

// Says at start what gRPC would only say in every handshake: that a certificate, key or CA file
// cannot be used.

#include "common/base/result.h"
#include "common/grpc/credentials.h"

#include <functional>
#include <string>

namespace connector::grpc_support {

// Of one file or, for the key, of the pair. Messages say what is wrong and leave the path out.
[[nodiscard]] Result<Done> CheckCertificateFile(const std::string& path);
[[nodiscard]] Result<Done> CheckKeyFile(const std::string& path,
                                        const std::string& certificate_path);
[[nodiscard]] Result<Done> CheckCaFile(const std::string& path);

// All three. `report` gets for each the configuration's key of a client ("certificateFile",
// "keyFile", "caFile"), the file, and what its check said.
void CheckClientFiles(
    const TlsFiles& files,
    const std::function<
        void(const std::string& key, const std::string& file, const Result<Done>& sound)>& report);

}  // namespace connector::grpc_support
