#pragma once

// How an HTTP answer or a failed transfer reads as an Error of Minter::Mint. Pure.

#include "common/base/result.h"
#include "common/curl/curl_client.h"

#include <chrono>
#include <string>

namespace connector::broker::upstream_auth {

inline constexpr std::chrono::seconds kLongestRetryAfter{3600};

// An answer with an unexpected status. `who` starts the sentence: "the token service of HOST".
// 429 is kResourceExhausted with the seconds of Retry-After (a date there is ignored); 5xx is
// kUnavailable; a redirect and everything else is kInvalidArgument. 401 and 403 are the caller's.
[[nodiscard]] Error UnexpectedStatus(const curl::CurlResponse& response, const std::string& who);

// A failure of CurlClient. An answer that is too large makes no sense, so it is kInvalidArgument.
[[nodiscard]] Error TransferError(Error error);

}  // namespace connector::broker::upstream_auth
