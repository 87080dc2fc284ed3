#include "common/connections/client_address.h"

namespace connector::connections {

ClientAddress::ClientAddress(const asio::ip::address& address) {
  if (address.is_v4()) {
    bits_ = address.to_v4().to_uint();
    return;
  }
  const asio::ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) {
    bits_ = asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_uint();
    return;
  }
  v6_ = true;
  const asio::ip::address_v6::bytes_type bytes = v6.to_bytes();
  for (std::size_t i = 0; i < sizeof bits_; ++i) {
    bits_ = bits_ << 8U | bytes[i];
  }
}

}  // namespace connector::connections
