#include "common/auditlog/chain_head.h"

#include "common/config/read_file.h"

#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace connector::auditlog {
namespace {

constexpr std::string_view kMagic = "oci-connector-audit-head";
constexpr std::size_t kFields = 5;
constexpr std::size_t kMaxHeadBytes = 512;
constexpr std::uint64_t kMaxSeq = std::uint64_t{1} << 62U;  // JSON numbers of records are signed.

Error NoHead(std::string_view what) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::string(what));
}

std::string Text(const ChainPosition& position, std::string_view key_id) {
  return std::string(kMagic) + ' ' + std::to_string(position.seq) + ' ' + position.hash + ' ' +
         std::string(key_id);
}

std::vector<std::string_view> Fields(std::string_view text) {
  std::vector<std::string_view> fields;
  while (fields.size() <= kFields) {
    const std::size_t end = text.find(' ');
    fields.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      break;
    }
    text.remove_prefix(end + 1);
  }
  return fields;
}

}  // namespace

std::string DefaultHeadFile(const std::string& directory) {
  const std::string path = std::filesystem::path(directory).lexically_normal().string();
  return path.substr(0, path.find_last_not_of('/') + 1) + ".head";
}

std::string FormatHead(const ChainPosition& position, const ChainKey& key) {
  const std::string text = Text(position, key.id());
  return text + ' ' + key.HashOfHead(text) + '\n';
}

Result<Head> ReadHead(std::string_view text, const ChainKeys& keys) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  const std::vector<std::string_view> fields = Fields(text);
  if (fields.size() != kFields || fields[0] != kMagic) {
    return NoHead("is not the head of an audit chain");
  }
  Head head;
  const auto [end, error] =
      std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), head.position.seq);
  if (error != std::errc() || end != fields[1].data() + fields[1].size() ||
      head.position.seq > kMaxSeq || !IsKeyId(fields[3])) {
    return NoHead("is not the head of an audit chain");
  }
  head.position.hash = fields[2];
  head.position.keyed = true;
  head.key_id = fields[3];
  const ChainKey* const key = FindKey(keys, head.key_id);
  if (key != nullptr && key->HashOfHead(Text(head.position, head.key_id)) != fields[4]) {
    return NoHead("was not written by who holds the root key: its MAC does not hold");
  }
  head.proven = key != nullptr;
  return head;
}

Result<std::optional<Head>> ReadHeadFile(const std::string& path, const ChainKeys& keys) {
  const Result<std::string> text = config::ReadFile(path, kMaxHeadBytes);
  if (!text && text.error().code == ErrorCode::kNotFound) {
    return std::optional<Head>();
  }
  if (!text) {
    return MakeError(
        ErrorCode::kUnavailable, ErrorOrigin::kSelf, path + ": " + text.error().message);
  }
  Result<Head> head = ReadHead(*text, keys);
  if (!head) {
    return NoHead(path + ": " + head.error().message);
  }
  return std::optional(std::move(*head));
}

}  // namespace connector::auditlog
