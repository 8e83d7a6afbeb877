#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "core/campaign.h"
#include "core/ids.h"
#include "core/phone_number.h"

namespace tocsin {

enum class Dialect { kPreview202104, kPreview202105, kGa };
std::string_view Name(Dialect dialect);  // "2021-04", "2021-05", "ga"
// Whether a create-call may be sent again under its id: the provider gives the
// first answer again and places no second call.
bool RepeatsSafely(Dialect dialect);
template <>
std::optional<Dialect> FromName(std::string_view name);

// Where the overview of 2021 and the API's own description name things
// differently: whose names we use.
enum class Spelling { kOverview, kSwagger };
std::string_view Name(Spelling spelling);  // "overview", "swagger"
template <>
std::optional<Spelling> FromName(std::string_view name);

// How requests prove who sends them.
enum class CredentialKind { kNone, kAccessKey, kConnectionString, kBearerToken };
std::string_view Name(CredentialKind kind);  // "none", "access_key", ...
template <>
std::optional<CredentialKind> FromName(std::string_view name);

// A secret's kind and where each node finds it. Never the secret itself, which
// is kept out of the database.
struct Credential {
  CredentialKind kind = CredentialKind::kNone;
  std::string source;  // "file:/etc/tocsin/carrier.key", "env:CARRIER_KEY"; empty: kNone.

  friend bool operator==(const Credential&, const Credential&) = default;
};

// A provider endpoint with caller numbers and limits.
struct Trunk {
  TrunkId id;
  std::string name;      // "local"; unique.
  std::string endpoint;  // "http://127.0.0.1:8089": scheme, host, port, no path.
  Dialect dialect = Dialect::kPreview202105;
  std::string api_version;                  // Empty: the dialect's default. 2021-04 has none.
  Spelling spelling = Spelling::kOverview;  // Of the dialects of 2021.
  Credential credential;
  // Of the provider's speech service, https; ga only. Set: the provider speaks texts;
  // empty: they are rendered on our side.
  std::string cognitive_services_endpoint;
  std::string source_user;                  // "8:acs:...": as whom we call; empty: nobody.
  std::vector<PhoneNumber> caller_numbers;  // At least one.
  // What the tokens on callbacks must say, and where the keys are that they are
  // signed with; GA only. Empty ones have defaults: ExpectedTokens().
  std::string resource_id;
  std::string callback_issuer;
  std::string jwks_url;
  std::string openid_configuration_url;
  double calls_per_second = 1;        // Create-call requests in any rolling second.
  int concurrent_max = 100;           // Live attempts.
  int concurrent_max_per_caller = 2;  // Live attempts on one caller number.
  // How much faster than life a rehearsal endpoint runs; 1 for a real carrier.
  double time_scale = 1;
  // What DialGuard asks for before anything but loopback is dialed.
  bool live_dialing = false;
  std::vector<std::string> allowed_regions;  // ISO 3166.
  // Sends allowed on this trunk in all; 0: not set.
  std::int64_t spend_ceiling_calls = 0;
};

// Whether the provider speaks texts itself; else they are rendered on our side.
bool ProviderSpeaks(const Trunk& trunk);

// Everything that is wrong with a trunk, in field order; empty if it may be stored.
std::vector<FieldViolation> CheckTrunk(const Trunk& trunk);

// What the tokens on the callbacks of a GA trunk are held to. One of the two
// URLs is set.
struct TokenExpectation {
  std::string issuer;
  std::string audience;  // Empty: nothing can be verified.
  std::string jwks_url;
  std::string openid_configuration_url;

  friend bool operator==(const TokenExpectation&, const TokenExpectation&) = default;
};

// The settings, and for what they leave open: ACS's own, or at an endpoint on
// this machine those of our call server.
TokenExpectation ExpectedTokens(const Trunk& trunk);

// Whether what stands at `url` can be believed to come from whom it names: https,
// or this machine.
bool IsTrustworthyUrl(std::string_view url);

// What ACS says that it is, and our call server too unless it is told otherwise.
inline constexpr char kAcsIssuer[] = "https://acscallautomation.communication.azure.com";
// Of our call server, unless it is told otherwise.
inline constexpr char kRehearsalResourceId[] = "00000000-0000-4000-8000-000000000001";

// Whether an endpoint is this machine: loopback by literal address or "localhost".
bool IsLoopbackEndpoint(std::string_view endpoint);

}  // namespace tocsin
