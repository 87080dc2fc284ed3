#pragma once

// Keys of audit chains for tests, and records as version 0.1.0 wrote them.

#include "common/auditlog/chain_key.h"
#include "common/auditlog/record.h"
#include "common/crypto/digest.h"

#include <memory>
#include <string>

namespace connector::testing_support {

inline auditlog::ChainKey ChainKeyOf(char root = 'r') {
  return auditlog::ChainKey(Secret(std::string(auditlog::kMinRootKeyBytes, root)));
}

// The first is what a writer uses.
inline std::shared_ptr<const auditlog::ChainKeys> ChainKeysOf(const std::string& roots = "r") {
  auto keys = std::make_shared<auditlog::ChainKeys>();
  for (const char root : roots) {
    keys->push_back(ChainKeyOf(root));
  }
  return keys;
}

// `body` (with its braces) and the plain hash that anybody can make.
inline std::string WithPlainHash(const std::string& body) {
  return body.substr(0, body.size() - 1) + R"(,"hash":")" + crypto::Sha256Hex(body) + "\"}";
}

inline std::string UnkeyedRecord(const auditlog::Event& event, auditlog::ChainPosition& position) {
  std::string line = auditlog::FormatRecord(event, position, ChainKeyOf());
  line = WithPlainHash(line.substr(0, line.rfind(R"(,"key":)")) + "}");
  position.hash =
      line.substr(line.size() - 2 - auditlog::kGenesisHash.size(), auditlog::kGenesisHash.size());
  position.keyed = false;
  return line + "\n";
}

}  // namespace connector::testing_support
