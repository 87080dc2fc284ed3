#include "broker/audit/file_audit_log.h"

#include <memory>

namespace connector::broker::audit {

std::shared_ptr<const auditlog::ChainKeys> ChainKeysOf(const root_key::RootKeys& root_keys) {
  auto keys = std::make_shared<auditlog::ChainKeys>();
  for (const Secret& root : root_keys.all()) {
    keys->emplace_back(root);
  }
  return keys;
}

FileAuditLogOptions FileAuditLogOptionsOf(const AuditOptions& options, const AuditParts& parts) {
  FileAuditLogOptions out;
  out.chain.directory = options.directory;
  out.chain.replica = options.replica;
  out.chain.keys = ChainKeysOf(parts.root_keys);
  out.chain.head_file = options.head_file;
  out.chain.needs_head_file = options.needs_head_file;
  out.chain.max_file_age = options.max_file_age;
  out.chain.max_file_bytes = options.max_file_bytes;
  out.retention = options.retention;
  out.exports = parts.exports;
  out.chain.clock = &parts.clock;
  out.chain.log = &parts.logger;
  out.registry = &parts.registry;
  return out;
}

}  // namespace connector::broker::audit
