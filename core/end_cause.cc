#include "core/end_cause.h"

#include "core/named_enum.h"

namespace tocsin {

TOCSIN_DEFINE_ENUM_NAMES(EndCause, "NORMAL", "ENDED_BY_APPLICATION", "BUSY", "NO_ANSWER",
                         "UNREACHABLE", "CANCELLED", "BLOCKED", "DECLINED_OR_LIMITED", "DECLINED",
                         "INVALID_NUMBER", "CONFIGURATION", "CONGESTION", "PROVIDER_ERROR",
                         "THROTTLED", "MONTHLY_LIMIT", "STALE")

Meaning MeaningOf(EndCause cause, const OurSide& ours) {
  using enum Disposition;
  // However it ended afterwards, somebody or something had answered.
  if (ours.answered) return {kAnswered};
  switch (cause) {
    case EndCause::kNormal: return {kAnswered};
    case EndCause::kEndedByApplication: return {ours.ended_by_us ? kCanceled : kAnswered};
    case EndCause::kBusy: return {kBusy, Remedy::kTryAgain};
    case EndCause::kNoAnswer: return {kNoAnswer, Remedy::kTryAgain};
    case EndCause::kUnreachable: return {kUnreachable, Remedy::kTryAgain};
    case EndCause::kCancelled:
      if (ours.ended_by_us) return {kCanceled};
      return {kNoAnswer, Remedy::kTryAgain};
    case EndCause::kBlocked: return {kNetworkBlocked, Remedy::kTryAgainOnce};
    case EndCause::kDeclinedOrLimited:
      if (ours.caller_at_limit) return {kCongestion, Remedy::kGiveBack};
      return {kDeclined, Remedy::kTryAgainOnce, /*ambiguous=*/true};
    case EndCause::kDeclined: return {kDeclined};
    case EndCause::kInvalidNumber: return {kInvalidNumber};
    case EndCause::kConfiguration: return {kConfigError, Remedy::kPauseCampaign};
    case EndCause::kCongestion: return {kCongestion, Remedy::kTryAgain};
    case EndCause::kProviderError: return {kProviderError, Remedy::kTryAgain};
    case EndCause::kThrottled: return {kCongestion, Remedy::kGiveBack};
    case EndCause::kMonthlyLimit: return {kCongestion, Remedy::kPauseTrunk};
    case EndCause::kStale: return {kLost, Remedy::kTryAgain};
  }
  return {kProviderError, Remedy::kTryAgain};
}

}  // namespace tocsin
