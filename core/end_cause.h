#pragma once
#include <optional>
#include <string_view>

#include "core/disposition.h"

namespace tocsin {

// What a provider says about the end of a call, in our words: each of its codes
// is one of these (wire/result_codes.h). What it makes of an attempt depends on
// what we know ourselves besides.
enum class EndCause {
  kNormal,              // It was answered, and somebody hung up.
  kEndedByApplication,  // We hung up.
  kBusy,
  kNoAnswer,
  kUnreachable,
  kCancelled,          // Before the answer, by the calling side.
  kBlocked,            // By a network on the way, as unwanted.
  kDeclinedOrLimited,  // 603: a person said no, or our caller number has its limit of calls.
  kDeclined,
  kInvalidNumber,
  kConfiguration,  // Every other call would end like this one.
  kCongestion,
  kProviderError,
  kThrottled,     // Nobody rang: slow down.
  kMonthlyLimit,  // Nobody rang, and nobody will until somebody has looked at it.
  kStale,         // The provider lost sight of the call.
};
std::string_view Name(EndCause cause);
template <>
std::optional<EndCause> FromName(std::string_view name);

// What we know ourselves about a call that ended.
struct OurSide {
  bool answered = false;         // Something proves it.
  bool ended_by_us = false;      // An operator asked for its end.
  bool caller_at_limit = false;  // Our calls on its caller number were at their limit.
};

// What to do about it, beyond writing it down.
enum class Remedy {
  kNone,           // It is as it is.
  kTryAgain,       // In minutes.
  kTryAgainOnce,   // With backoff, watching how often this comes per caller number.
  kGiveBack,       // Nobody rang: it does not count as an attempt.
  kPauseTrunk,     // The same, and nothing more until somebody has looked at it.
  kPauseCampaign,  // Every other call would end like this one.
};

struct Meaning {
  Disposition disposition = Disposition::kProviderError;
  Remedy remedy = Remedy::kNone;
  bool ambiguous = false;  // It may mean something else too.

  friend bool operator==(const Meaning&, const Meaning&) = default;
};

// 603 is three things: a person who declines, a network that blocks, and a
// caller number with more calls than it may have.
Meaning MeaningOf(EndCause cause, const OurSide& ours);

}  // namespace tocsin
