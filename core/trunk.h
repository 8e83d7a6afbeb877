#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/secret.h"
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

// A provider endpoint with caller numbers and limits.
struct Trunk {
  TrunkId id;
  std::string name;      // "local"; unique.
  std::string endpoint;  // "http://127.0.0.1:8089": scheme, host, port, no path.
  Dialect dialect = Dialect::kPreview202105;
  Secret access_key;                        // Base64; empty: requests are not signed.
  std::vector<PhoneNumber> caller_numbers;  // At least one.
  double calls_per_second = 1;              // Create-call requests in any rolling second.
  int concurrent_max = 100;                 // Live attempts.
  int concurrent_max_per_caller = 2;        // Live attempts on one caller number.
  // How much faster than life a rehearsal endpoint runs; 1 for a real carrier.
  double time_scale = 1;
  // What DialGuard asks for before anything but loopback is dialed.
  bool live_dialing = false;
  std::vector<std::string> allowed_regions;  // ISO 3166.
  // Sends allowed on this trunk in all; 0: not set.
  std::int64_t spend_ceiling_calls = 0;
};

// Everything that is wrong with a trunk, in field order; empty if it may be stored.
std::vector<FieldViolation> CheckTrunk(const Trunk& trunk);

// Whether an endpoint is this machine: loopback by literal address or "localhost".
bool IsLoopbackEndpoint(std::string_view endpoint);

}  // namespace tocsin
