#pragma once

#include <string>
#include <string_view>

namespace connector::dataplane::oci {

// One header field of HTTP/1.1, with its line end.
inline void AppendField(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace connector::dataplane::oci
