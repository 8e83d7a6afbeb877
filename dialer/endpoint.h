#pragma once
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tocsin::dialer {

// Where a trunk's provider listens, taken apart.
struct Endpoint {
  bool tls = false;
  std::string host;  // Without brackets: "::1".
  int port = 80;
  std::string host_header;  // As signed and sent: the port only if it is not the scheme's own.

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Reads "http://127.0.0.1:8089", "https://res.example.com", "http://[::1]:80"; a final
// slash is dropped. kInvalidArgument says what would be right.
absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text);

}  // namespace tocsin::dialer
