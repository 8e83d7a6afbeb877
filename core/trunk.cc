#include "core/trunk.h"

#include "core/named_enum.h"
#include "fmt/format.h"

namespace tocsin {

TOCSIN_DEFINE_ENUM_NAMES(Dialect, "2021-04", "2021-05", "ga")

bool RepeatsSafely(Dialect dialect) {
  return dialect == Dialect::kGa;
}

namespace {

// Scheme, authority and what follows of "http://host:port/..."; empty parts if
// it is no such thing.
struct EndpointParts {
  std::string_view scheme;
  std::string_view host;
  std::string_view rest;
};

EndpointParts Split(std::string_view endpoint) {
  EndpointParts parts;
  const std::size_t colon = endpoint.find("://");
  if (colon == std::string_view::npos) return parts;
  parts.scheme = endpoint.substr(0, colon);
  std::string_view authority = endpoint.substr(colon + 3);
  const std::size_t slash = authority.find('/');
  if (slash != std::string_view::npos) {
    parts.rest = authority.substr(slash + 1);
    authority = authority.substr(0, slash);
  }
  // "user@host" would let "127.0.0.1@elsewhere" pass for loopback.
  if (authority.find('@') != std::string_view::npos) return {};
  if (!authority.empty() && authority.front() == '[') {
    parts.host = authority.substr(0, authority.find(']') + 1);
  } else {
    parts.host = authority.substr(0, authority.find(':'));
  }
  return parts;
}

bool IsLoopbackV4(std::string_view host) {
  if (host.rfind("127.", 0) != 0) return false;
  int dots = 0;
  for (const char c : host) {
    if (c == '.') {
      ++dots;
    } else if (c < '0' || c > '9') {
      return false;  // "127.example.com" is a name, not an address.
    }
  }
  return dots == 3;
}

}  // namespace

bool IsLoopbackEndpoint(std::string_view endpoint) {
  const std::string_view host = Split(endpoint).host;
  return host == "localhost" || host == "[::1]" || IsLoopbackV4(host);
}

std::vector<FieldViolation> CheckTrunk(const Trunk& trunk) {
  std::vector<FieldViolation> found;
  const auto add = [&](const char* field, std::string description) {
    found.push_back({field, std::move(description)});
  };
  if (trunk.name.empty() || trunk.name.size() > 64) add("name", "must have 1 to 64 bytes");
  const EndpointParts parts = Split(trunk.endpoint);
  if ((parts.scheme != "http" && parts.scheme != "https") || parts.host.empty() ||
      !parts.rest.empty()) {
    add("endpoint", "must be http(s)://host[:port] without a path");
  } else if (parts.scheme == "http" && !IsLoopbackEndpoint(trunk.endpoint)) {
    add("endpoint", "must be https for anything but this machine");
  }
  if (trunk.caller_numbers.empty()) add("caller_numbers", "at least one is needed");
  if (!(trunk.calls_per_second > 0 && trunk.calls_per_second <= 10000)) {
    add("calls_per_second",
        fmt::format("is {}; it must be above 0 and at most 10000", trunk.calls_per_second));
  }
  if (trunk.concurrent_max < 1) add("concurrent_max", "must be at least 1");
  if (trunk.concurrent_max_per_caller < 1) add("concurrent_max_per_caller", "must be at least 1");
  if (!(trunk.time_scale >= 1 && trunk.time_scale <= 10000)) {
    add("time_scale", "must be 1 to 10000");
  } else if (trunk.time_scale != 1 && !IsLoopbackEndpoint(trunk.endpoint)) {
    add("time_scale", "only an endpoint on this machine can run faster than life");
  }
  return found;
}

}  // namespace tocsin
