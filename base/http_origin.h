#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// Where an HTTP server is, as a URL begins.
struct HttpOrigin {
  bool tls = false;
  std::string host;  // A name or an address; one of IPv6 without its brackets.
  int port = 0;      // 1..65535

  // What a request says in its Host header: the port only if it is not the usual one.
  std::string authority() const;
};

// Of "http://host:port" or "https://host:port" (the port may be left out); unset
// if `origin` is neither.
std::optional<HttpOrigin> ParseHttpOrigin(std::string_view origin);

}  // namespace tocsin
