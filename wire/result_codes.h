#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/disposition.h"
#include "wire/events_ga.h"

// What the codes at the end of a GA call mean, in one table.
namespace tocsin::wire::ga {

// What we know ourselves about a call that ended.
struct OurSide {
  bool answered = false;         // CallConnected was seen.
  bool ended_by_us = false;      // We asked for its end.
  bool caller_at_limit = false;  // Our calls on its caller number were at their limit.
};

// What to do about it, beyond writing it down.
enum class Remedy {
  kNone,           // It is as it is.
  kTryAgain,       // In minutes.
  kTryAgainOnce,   // With backoff, watching how often this comes per caller number.
  kGiveBack,       // Nobody rang: the send does not count. Slow down.
  kPauseTrunk,     // The same, until somebody has looked at it.
  kPauseCampaign,  // Every other call would end like this one.
};

struct Meaning {
  // Unset if nobody rang and the send is given back.
  std::optional<Disposition> disposition;
  Remedy remedy = Remedy::kNone;
  bool ambiguous = false;  // It may mean something else too; raw codes tell as much as there is.

  friend bool operator==(const Meaning&, const Meaning&) = default;
};

// Total: codes that stand in no table are PROVIDER_ERROR.
//
// 603 is three things: a person who declines, a network that blocks, and a
// caller number with more calls than it may have.
Meaning MeaningOf(const ResultInformation& result, const OurSide& ours);

// The SIP status of the far end in a subcode: 560486 -> 486. nullopt for others.
std::optional<int> SipStatusIn(std::int32_t subcode);

}  // namespace tocsin::wire::ga
