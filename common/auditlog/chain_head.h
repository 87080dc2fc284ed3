#pragma once

// The head: which record was the last durable one. The broker keeps it in a file apart from the
// records, because the records alone cannot show that some were cut off their end, or all of them.
//
// One line of text: "oci-connector-audit-head SEQ HASH KEY MAC". The MAC is by the chain's key, so
// nobody else can name a record that was never written; an older head can be put in its place.

#include "common/auditlog/chain_key.h"
#include "common/auditlog/record.h"
#include "common/base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace connector::auditlog {

// Where it is kept when nobody says so: DIRECTORY.head, beside the directory.
[[nodiscard]] std::string DefaultHeadFile(const std::string& directory);

struct Head {
  ChainPosition position;
  std::string key_id;
  bool proven = false;  // The MAC holds under one of the reader's keys.

  bool operator==(const Head&) const = default;
};

// With its line end.
[[nodiscard]] std::string FormatHead(const ChainPosition& position, const ChainKey& key);

// Fails with kInvalidArgument when it is no head, or its MAC does not hold under the key that it
// names. One of a key that `keys` has not is not proven, and no error.
[[nodiscard]] Result<Head> ReadHead(std::string_view text, const ChainKeys& keys);

// The same from a file; none where there is no file. The message names the path.
[[nodiscard]] Result<std::optional<Head>> ReadHeadFile(const std::string& path,
                                                       const ChainKeys& keys);

}  // namespace connector::auditlog
