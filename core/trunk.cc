#include "core/trunk.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "core/named_enum.h"
#include "fmt/format.h"

namespace tocsin {

TOCSIN_DEFINE_ENUM_NAMES(Dialect, "2021-04", "2021-05", "ga")
TOCSIN_DEFINE_ENUM_NAMES(Spelling, "overview", "swagger")
TOCSIN_DEFINE_ENUM_NAMES(CredentialKind, "none", "access_key", "connection_string", "bearer_token")

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

bool IsDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "2021-04-15-preview1", "2026-03-12".
bool IsApiVersion(std::string_view text) {
  constexpr std::string_view kPreview = "-preview";
  if (text.size() < 10 || !text.starts_with("20") || !IsDigits(text.substr(0, 4)) ||
      text[4] != '-' || !IsDigits(text.substr(5, 2)) || text[7] != '-' ||
      !IsDigits(text.substr(8, 2))) {
    return false;
  }
  const std::string_view rest = text.substr(10);
  return rest.empty() || (rest.starts_with(kPreview) && IsDigits(rest.substr(kPreview.size())));
}

// An id that the provider gives to a user of a resource.
bool IsUserId(std::string_view text) {
  for (const std::string_view cloud : {"8:acs:", "8:dod-acs:", "8:gcch-acs:", "8:spool:"}) {
    if (text.starts_with(cloud) && text.size() > cloud.size() && text.size() <= 256) {
      return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
    }
  }
  return false;
}

bool NamesSource(const Credential& credential) {
  for (const std::string_view place : {"file:/", "env:"}) {
    if (credential.source.starts_with(place)) return credential.source.size() > place.size();
  }
  return false;
}

using Add = std::function<void(const char* field, std::string description)>;

void CheckCredential(const Credential& credential, const Add& add) {
  if (credential.kind == CredentialKind::kNone) {
    if (!credential.source.empty()) add("credential", "has a source and no kind");
  } else if (!NamesSource(credential)) {
    add("credential", "must be in a file, by its whole path, or in an environment variable");
  } else if (credential.kind == CredentialKind::kBearerToken &&
             !credential.source.starts_with("file:")) {
    add("credential", "a bearer token must be in a file: it is replaced before it expires");
  }
}

// https, or this machine; the path is the provider's business.
bool IsSafeEndpoint(std::string_view url) {
  const EndpointParts parts = Split(url);
  return !parts.host.empty() &&
         (parts.scheme == "https" || (parts.scheme == "http" && IsLoopbackEndpoint(url)));
}

void CheckWording(const Trunk& trunk, const Add& add) {
  if (!trunk.api_version.empty()) {
    if (trunk.dialect == Dialect::kPreview202104) {
      add("api_version", "the dialect 2021-04 has none");
    } else if (!IsApiVersion(trunk.api_version)) {
      add("api_version", "must look like 2026-03-12 or 2021-04-15-preview1");
    }
  }
  if (!trunk.cognitive_services_endpoint.empty()) {
    if (trunk.dialect != Dialect::kGa) {
      add("cognitive_services_endpoint", "only in ga does the provider speak texts");
    } else if (!IsSafeEndpoint(trunk.cognitive_services_endpoint)) {
      add("cognitive_services_endpoint",
          "must be https://host/ of the speech service; http on this machine only");
    }
  }
  if (!trunk.source_user.empty()) {
    if (trunk.dialect == Dialect::kPreview202104) {
      add("source_user", "the dialect 2021-04 has none");
    } else if (!IsUserId(trunk.source_user)) {
      add("source_user", "must be a user's id at the provider, like 8:acs:<resource>_<user>");
    }
  } else if (trunk.dialect == Dialect::kPreview202105 && !IsLoopbackEndpoint(trunk.endpoint)) {
    add("source_user", "2021-05 wants to know as whom we call: 8:acs:<resource>_<user>");
  }
}

void CheckTokenSettings(const Trunk& trunk, const Add& add) {
  const std::pair<const char*, const std::string&> settings[] = {
      {"resource_id", trunk.resource_id},
      {"callback_issuer", trunk.callback_issuer},
      {"jwks_url", trunk.jwks_url},
      {"openid_configuration_url", trunk.openid_configuration_url}};
  if (trunk.dialect != Dialect::kGa) {
    for (const auto& [name, value] : settings) {
      if (!value.empty()) add(name, "only callbacks of ga carry tokens");
    }
    return;
  }
  if (ExpectedTokens(trunk).audience.empty()) {
    add("resource_id", "is needed: callbacks are verified to be for it (immutable resource id)");
  }
  for (const auto& [name, value] : {settings[2], settings[3]}) {
    if (!value.empty() && !IsTrustworthyUrl(value)) {
      add(name, "must be https://host/path; http on this machine only");
    }
  }
  if (!trunk.jwks_url.empty() && !trunk.openid_configuration_url.empty()) {
    add("openid_configuration_url", "says where the keys are, and so does jwks_url: give one");
  }
}

}  // namespace

TokenExpectation ExpectedTokens(const Trunk& trunk) {
  const bool rehearsal = IsLoopbackEndpoint(trunk.endpoint);
  TokenExpectation expected{.issuer = trunk.callback_issuer,
                            .audience = trunk.resource_id,
                            .jwks_url = trunk.jwks_url,
                            .openid_configuration_url = trunk.openid_configuration_url};
  if (expected.issuer.empty()) expected.issuer = kAcsIssuer;
  if (expected.audience.empty() && rehearsal) expected.audience = kRehearsalResourceId;
  if (expected.jwks_url.empty() && expected.openid_configuration_url.empty()) {
    expected.jwks_url = (rehearsal ? trunk.endpoint : kAcsIssuer) + std::string("/calling/keys");
  }
  return expected;
}

bool ProviderSpeaks(const Trunk& trunk) {
  return trunk.dialect == Dialect::kGa && !trunk.cognitive_services_endpoint.empty();
}

bool IsTrustworthyUrl(std::string_view url) {
  return IsSafeEndpoint(url) && !Split(url).rest.empty();
}

bool IsLoopbackEndpoint(std::string_view endpoint) {
  const std::string_view host = Split(endpoint).host;
  return host == "localhost" || host == "[::1]" || IsLoopbackV4(host);
}

std::vector<FieldViolation> CheckTrunk(const Trunk& trunk) {
  std::vector<FieldViolation> found;
  const Add add = [&](const char* field, std::string description) {
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
  CheckWording(trunk, add);
  CheckCredential(trunk.credential, add);
  CheckTokenSettings(trunk, add);
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
