#include "common/kube/api_credentials.h"

#include "common/config/read_file.h"
#include "common/curl/wiped_buffer.h"

namespace connector::kube {
namespace {

constexpr std::size_t kMaxTokenBytes = 64 * 1024;
constexpr std::size_t kMaxCaBytes = 1024 * 1024;

Error InFile(const std::string& path, Error error) {
  error.code = ErrorCode::kUnavailable;
  error.origin = ErrorOrigin::kSelf;
  error.message = path + ": " + error.message;
  return error;
}

}  // namespace

Result<Done> ApiCredentials::ReadToken(Time now) {
  Result<std::string> text = config::ReadFile(connection_.token_file, kMaxTokenBytes);
  if (!text) {
    return InFile(connection_.token_file, std::move(text).error());
  }
  const std::string_view spaces = " \t\r\n";
  const std::size_t start = text->find_first_not_of(spaces);
  if (start == std::string::npos) {
    return InFile(connection_.token_file,
                  MakeError(ErrorCode::kUnavailable, ErrorOrigin::kSelf, "the file is empty"));
  }
  token_ =
      Secret(std::string_view(*text).substr(start, text->find_last_not_of(spaces) - start + 1));
  curl::Wipe(*text);
  token_until_ = now + kTokenFileLife;
  return Done{};
}

Result<Secret> ApiCredentials::Token(Time now) {
  if (connection_.token_file.empty()) {
    return connection_.token.Clone();
  }
  const std::lock_guard lock(mutex_);
  if (token_until_ <= now) {
    if (Result<Done> read = ReadToken(now); !read && token_.empty()) {
      return std::move(read).error();
    }
  }
  return token_.Clone();
}

bool ApiCredentials::Replaced(const Secret& refused, Time now) {
  if (connection_.token_file.empty()) {
    return false;
  }
  const std::lock_guard lock(mutex_);
  return ReadToken(now).has_value() && token_.Reveal() != refused.Reveal();
}

Result<std::string> ApiCredentials::CaPem(Time now) {
  if (connection_.ca_file.empty()) {
    return connection_.ca_pem;
  }
  const std::lock_guard lock(mutex_);
  if (ca_until_ <= now) {
    Result<std::string> text = config::ReadFile(connection_.ca_file, kMaxCaBytes);
    if (text) {
      ca_pem_ = *std::move(text);
      ca_until_ = now + kCaFileLife;
    } else if (ca_pem_.empty()) {
      return InFile(connection_.ca_file, std::move(text).error());
    }
  }
  return ca_pem_;
}

}  // namespace connector::kube
