#pragma once
#include <string>
#include <string_view>

#include "fmt/format.h"

namespace tocsin {

// "127.0.0.1", "localhost", "[::1]": an address of IPv6 needs brackets in a URL,
// or its last group looks like the port. One that has them keeps them.
inline std::string UrlHost(std::string_view host) {
  const bool bare_v6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
  return bare_v6 ? fmt::format("[{}]", host) : std::string(host);
}

// "127.0.0.1:80", "localhost:80", "[::1]:80".
inline std::string JoinHostPort(std::string_view host, int port) {
  return fmt::format("{}:{}", UrlHost(host), port);
}

}  // namespace tocsin
