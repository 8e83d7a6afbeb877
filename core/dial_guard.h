// The last pure check before every create-call and on every transfer target:
// no call that nobody meant. Refuses by endpoint, destination and hour.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/time/time.h"
#include "core/campaign.h"
#include "core/phone_number.h"
#include "core/trunk.h"

namespace tocsin {

// May be dialed now.
struct GuardPass {};
// Never, for this destination: the number is at fault.
struct GuardRefusal {
  std::string reason;  // "premium-rate number"; never quotes the number.
};
// Not now: the window is closed, or would close while it still rings.
struct GuardWait {
  absl::Time until;
};
// Not at all with this trunk and campaign as they are configured: pause.
struct GuardMisconfigured {
  std::string reason;  // Names the setting that is missing.
};
using GuardVerdict = std::variant<GuardPass, GuardRefusal, GuardWait, GuardMisconfigured>;

// The number alone: shape, emergency and service codes, premium, shared-cost,
// universal-access, pager, satellite and global ranges. nullopt if it may be
// dialed somewhere by somebody. Also used at import, to refuse early.
std::optional<std::string> RefusedDestination(const PhoneNumber& number);

// Numbers that no subscriber has: NANP exchange 555.
bool IsSyntheticNumber(const PhoneNumber& number);

struct DialRequest {
  const PhoneNumber& to;
  std::string_view region;       // ISO 3166 of `to`; empty: unknown.
  std::string_view time_zone;    // Of the person; empty: the campaign's.
  std::int64_t trunk_sends = 0;  // Sends on this trunk so far, for the spend ceiling.
};

// Everything: endpoint, destination, synthetic lists, hour.
GuardVerdict GuardDial(const Campaign& campaign, const Trunk& trunk, const DialRequest& request,
                       absl::Time now);

// The same for somebody to whom a person is put through in the middle of a call:
// endpoint, destination, synthetic lists. The hour is that of the call. What is
// wrong, for an operator; nullopt: may be rung.
std::optional<std::string> GuardTransfer(const Campaign& campaign, const Trunk& trunk,
                                         const OperatorLine& line, std::int64_t trunk_sends);

// Sends a campaign may make in all: people x maximum attempts x 1.2.
std::int64_t SendsMax(const Campaign& campaign, std::int64_t people);

}  // namespace tocsin
