#include "dialer/endpoint.h"

#include <algorithm>
#include <charconv>

#include "base/status_macros.h"

namespace tocsin::dialer {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";
constexpr int kPortMax = 65535;

absl::Status Malformed() {
  return InvalidArgument(
      "endpoint must be http:// or https://, a host and perhaps a port, without a path");
}

// Letters, digits and what else stands in names and literal addresses.
bool IsHost(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':';
  });
}

// Splits "host", "host:port", "[v6]", "[v6]:port"; false if it is none of them.
bool SplitAuthority(std::string_view authority, std::string_view& host, std::string_view& port) {
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return false;
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return false;
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  return IsHost(host) && port != ":";
}

}  // namespace

absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text) {
  Endpoint endpoint;
  if (text.starts_with(kHttps)) {
    endpoint.tls = true;
    text.remove_prefix(kHttps.size());
  } else if (text.starts_with(kHttp)) {
    text.remove_prefix(kHttp.size());
  } else {
    return Malformed();
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  const int own_port = endpoint.tls ? 443 : 80;
  endpoint.port = own_port;
  std::string_view host;
  std::string_view port;
  if (!SplitAuthority(text, host, port)) return Malformed();
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    const bool whole = end == port.data() + port.size();
    if (error != std::errc() || !whole || endpoint.port < 1 || endpoint.port > kPortMax) {
      return Malformed();
    }
  }
  endpoint.host = host;
  endpoint.host_header = text.starts_with('[') ? fmt::format("[{}]", host) : std::string(host);
  if (endpoint.port != own_port) endpoint.host_header += fmt::format(":{}", endpoint.port);
  return endpoint;
}

}  // namespace tocsin::dialer
