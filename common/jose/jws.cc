#include "common/jose/jws.h"

#include "common/base/encoding.h"
#include "common/jose/cjose_key.h"
#include "common/jose/compact.h"
#include "common/jose/json_members.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace connector::jose {
namespace {

struct Header {
  std::string alg;
  std::optional<std::string> kid;
};

Result<Header> ParseHeader(std::string_view json) {
  if (json.size() > kMaxJwsHeaderBytes) {
    return BadToken("the token's header is too large");
  }
  const auto members = ParseMembers(json);
  if (!members) {
    return BadToken("the token's header " + members.error().message);
  }
  if (FindMember(*members, "crit") != nullptr) {
    return BadToken("the token's header has crit");
  }
  if (FindMember(*members, "b64") != nullptr) {
    return BadToken("the token's header has b64");
  }
  const Member* alg = FindMember(*members, "alg");
  if (alg == nullptr || alg->kind != Member::Kind::kString) {
    return BadToken("the token's header has no alg");
  }
  if (const Member* typ = FindMember(*members, "typ");
      typ != nullptr && typ->kind != Member::Kind::kString) {
    return BadToken("the token's typ is not a string");
  }
  Header header{.alg = alg->text, .kid = std::nullopt};
  if (const Member* kid = FindMember(*members, "kid"); kid != nullptr) {
    if (kid->kind != Member::Kind::kString || kid->text.empty() ||
        kid->text.size() > kMaxKeyIdBytes) {
      return BadToken("the token's kid is not a string of 1 to 512 bytes");
    }
    header.kid = kid->text;
  }
  return header;
}

}  // namespace

Error BadToken(std::string why) {
  return MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, std::move(why));
}

Result<CompactParts> SplitCompact(std::string_view token) {
  if (token.size() > kMaxJwsBytes) {
    return BadToken("the token is too long");
  }
  std::array<std::string, 3> parts;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t dot = token.find('.', begin);
    if ((dot == std::string_view::npos) != (i == 2)) {
      return BadToken("the token does not have three parts");
    }
    auto decoded = Base64UrlDecode(token.substr(begin, dot - begin));
    if (!decoded || decoded->empty()) {
      return BadToken("a part of the token is not base64url");
    }
    parts[i] = std::move(*decoded);
    begin = dot + 1;
  }
  return CompactParts{std::move(parts[0]), std::move(parts[1]), std::move(parts[2])};
}

Result<std::string> VerifyCompact(std::string_view token, const JwkSet& keys) {
  auto parts = SplitCompact(token);
  if (!parts) {
    return std::move(parts).error();
  }
  const auto header = ParseHeader(parts->header);
  if (!header) {
    return header.error();
  }
  if (header->alg == "none") {
    return BadToken("the token's alg is none");
  }
  const auto candidates = keys.Candidates(header->kid, header->alg);
  if (!candidates) {
    return candidates.error();
  }
  // cjose halves whatever length it is given, so that a padded signature would pass too.
  if (const std::size_t wanted = EcSignatureBytes(header->alg);
      wanted != 0 && parts->signature.size() != wanted) {
    return BadToken("the token's signature has the wrong length");
  }
  cjose_err error{};
  const JwsPtr jws(cjose_jws_import(token.data(), token.size(), &error));
  if (jws == nullptr) {
    return BadToken("the token is refused by the JOSE library");
  }
  // cjose reads the header with a parser of its own: both must have seen the same algorithm.
  const char* alg = cjose_header_get(cjose_jws_get_protected(jws.get()), CJOSE_HDR_ALG, &error);
  if (alg == nullptr || header->alg != alg) {
    return BadToken("the token's alg reads differently to the JOSE library");
  }
  const bool signed_by_one =
      std::any_of(candidates->begin(), candidates->end(), [&](const JwkSet::Key* key) {
        return cjose_jws_verify(jws.get(), key->jwk.get(), &error);
      });
  if (!signed_by_one) {
    return BadToken("the token's signature is wrong");
  }
  return std::move(parts->payload);
}

}  // namespace connector::jose
