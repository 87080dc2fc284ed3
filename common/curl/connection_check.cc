#include "common/curl/connection_check.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace connector::curl {

int OpenSocket(ConnectionCheck& check, const curl_sockaddr& address) {
  std::array<std::uint8_t, sizeof(in6_addr)> bytes{};
  std::size_t size = 0;
  // Curl's memory has room for either, whatever the declared type of `addr`.
  const auto* const raw = reinterpret_cast<const std::byte*>(&address.addr);
  if (address.family == AF_INET) {
    size = sizeof(in_addr);
    std::memcpy(bytes.data(), raw + offsetof(sockaddr_in, sin_addr), size);
  } else if (address.family == AF_INET6) {
    size = sizeof(in6_addr);
    std::memcpy(bytes.data(), raw + offsetof(sockaddr_in6, sin6_addr), size);
  }
  std::string refused = check.why_not({bytes.data(), size});
  if (!refused.empty()) {
    check.refused = std::move(refused);
    return CURL_SOCKET_BAD;
  }
  return ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
}

}  // namespace connector::curl
