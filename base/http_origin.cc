#include "base/http_origin.h"

#include <algorithm>
#include <charconv>

#include "base/host_port.h"

namespace tocsin {
namespace {

constexpr int kPlainPort = 80, kTlsPort = 443;

bool IsPort(std::string_view digits, int& port) {
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), port);
  return error == std::errc() && end == digits.end() && port >= 1 && port <= 65535;
}

// Neither a space nor a control character, which would end the Host header.
bool IsPrintable(std::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

std::string HttpOrigin::authority() const {
  return port == (tls ? kTlsPort : kPlainPort) ? UrlHost(host) : JoinHostPort(host, port);
}

std::optional<HttpOrigin> ParseHttpOrigin(std::string_view origin) {
  constexpr std::string_view kPlain = "http://", kTls = "https://";
  const bool tls = origin.starts_with(kTls);
  if (!tls && !origin.starts_with(kPlain)) return std::nullopt;
  std::string_view host = origin.substr(tls ? kTls.size() : kPlain.size());
  int port = tls ? kTlsPort : kPlainPort;
  // In "[::1]:80" the colons inside the brackets are the address's.
  const std::size_t bracket = host.find(']');
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    if (!IsPort(host.substr(colon + 1), port)) return std::nullopt;
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || !IsPrintable(host)) return std::nullopt;
  return HttpOrigin{.tls = tls, .host = std::string(host), .port = port};
}

}  // namespace tocsin
