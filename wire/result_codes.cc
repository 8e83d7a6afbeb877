#include "wire/result_codes.h"

#include <initializer_list>
#include <string>

#include "absl/strings/ascii.h"

namespace tocsin::wire::ga {
namespace {

constexpr std::int32_t kAny = -1;
constexpr std::int32_t kSipFirst = 560'000;
constexpr std::int32_t kSipLast = 560'999;

// What a row of the table says. Most are a disposition; some ask further.
enum class Rule {
  kNormal,
  kEndedByApplication,
  kBusy,
  kSilent,  // Nobody answered, or nobody could.
  kNoAnswer,
  kUnreachable,
  kCancelled,
  kBlockedOrDeclined,
  kDeclined,
  kInvalidNumber,
  kConfiguration,
  kNetwork,
  kThrottled,
  kMonthlyLimit,
  kStale,
};

struct Row {
  std::int32_t code;  // kAny: whatever it is.
  std::int32_t first_subcode;
  std::int32_t last_subcode;
  Rule rule;
};
// The first row that fits. Subcodes that mean one thing under every code stand
// first.
constexpr Row kRows[] = {
    {kAny, 8529, 8529, Rule::kMonthlyLimit},
    {kAny, 8516, 8516, Rule::kThrottled},
    {kAny, 8530, 8530, Rule::kThrottled},
    {kAny, 8537, 8537, Rule::kStale},
    {kAny, 8538, 8538, Rule::kBlockedOrDeclined},
    {kAny, 8539, 8540, Rule::kBusy},
    {kAny, 8541, 8541, Rule::kUnreachable},
    {kAny, 8544, 8544, Rule::kUnreachable},
    {kAny, 7000, 7000, Rule::kEndedByApplication},
    {kAny, 7500, 7510, Rule::kConfiguration},
    {kAny, 10'004, 10'004, Rule::kNoAnswer},
    {kAny, 5003, 5003, Rule::kDeclined},
    {kAny, 10'024, 10'024, Rule::kDeclined},
    {kAny, 511'404, 511'404, Rule::kInvalidNumber},
    {kAny, 510'403, 510'403, Rule::kConfiguration},
    {kAny, 511'532, 511'532, Rule::kConfiguration},
    {kAny, 10'124, 10'124, Rule::kConfiguration},
    {kAny, 531'004, 531'004, Rule::kUnreachable},
    {kAny, 301'004, 301'005, Rule::kUnreachable},
    {410, 3100, 3112, Rule::kUnreachable},
    {kAny, 560'000, 560'000, Rule::kNormal},
    {kAny, 540'000, 540'000, Rule::kNormal},
    {0, 0, 0, Rule::kNormal},
    {200, 0, 0, Rule::kNormal},
    {429, kAny, kAny, Rule::kThrottled},
};

// By the final SIP status: of the far end if the subcode has it, else the code.
constexpr Row kStatusRows[] = {
    {403, 0, 0, Rule::kDeclined},
    {404, 0, 0, Rule::kInvalidNumber},
    {408, 0, 0, Rule::kNoAnswer},
    {410, 0, 0, Rule::kInvalidNumber},
    {480, 0, 0, Rule::kSilent},
    {484, 0, 0, Rule::kInvalidNumber},
    {486, 0, 0, Rule::kBusy},
    {487, 0, 0, Rule::kCancelled},
    {497, 0, 0, Rule::kCancelled},
    {600, 0, 0, Rule::kBusy},
    {603, 0, 0, Rule::kBlockedOrDeclined},
    {604, 0, 0, Rule::kInvalidNumber},
};

bool Fits(const Row& row, const ResultInformation& result) {
  if (row.code != kAny && row.code != result.code) return false;
  return row.first_subcode == kAny ||
         (result.subcode >= row.first_subcode && result.subcode <= row.last_subcode);
}

Rule RuleFor(const ResultInformation& result) {
  for (const Row& row : kRows) {
    if (Fits(row, result)) return row.rule;
  }
  const int status = SipStatusIn(result.subcode).value_or(result.code);
  for (const Row& row : kStatusRows) {
    if (row.code == status) return row.rule;
  }
  return Rule::kNetwork;
}

bool IsCause(const ResultInformation& result, std::initializer_list<std::int32_t> causes) {
  if (!result.q850) return false;
  for (const std::int32_t cause : causes) {
    if (result.q850->code == cause) return true;
  }
  return false;
}

bool SaysNetworkBlocked(const ResultInformation& result) {
  const auto says = [](const std::string& text) {
    return absl::AsciiStrToLower(text).find("network blocked") != std::string::npos;
  };
  return says(result.message) || (result.sip && says(result.sip->message)) ||
         (result.q850 && says(result.q850->message));
}

Meaning Declined603(const ResultInformation& result, const OurSide& ours) {
  if (SaysNetworkBlocked(result)) return {Disposition::kNetworkBlocked, Remedy::kTryAgainOnce};
  if (ours.caller_at_limit) return {Disposition::kCongestion, Remedy::kGiveBack};
  return {Disposition::kDeclined, Remedy::kTryAgainOnce, /*ambiguous=*/true};
}

// No circuit, network out of order, temporary failure, congestion.
Meaning OfTheNetwork(const ResultInformation& result) {
  const int status = SipStatusIn(result.subcode).value_or(result.code);
  const bool congested = status == 503 || IsCause(result, {34, 38, 41, 42});
  return {congested ? Disposition::kCongestion : Disposition::kProviderError, Remedy::kTryAgain};
}

Meaning Apply(Rule rule, const ResultInformation& result, const OurSide& ours) {
  switch (rule) {
    case Rule::kNormal: return {Disposition::kAnswered};
    case Rule::kEndedByApplication:
      return {ours.ended_by_us ? Disposition::kCanceled : Disposition::kAnswered};
    case Rule::kBusy: return {Disposition::kBusy, Remedy::kTryAgain};
    case Rule::kSilent:
      return {IsCause(result, {20}) ? Disposition::kUnreachable : Disposition::kNoAnswer,
              Remedy::kTryAgain};
    case Rule::kNoAnswer: return {Disposition::kNoAnswer, Remedy::kTryAgain};
    case Rule::kUnreachable: return {Disposition::kUnreachable, Remedy::kTryAgain};
    case Rule::kCancelled:
      if (ours.ended_by_us) return {Disposition::kCanceled};
      return {Disposition::kNoAnswer, Remedy::kTryAgain};
    case Rule::kBlockedOrDeclined: return Declined603(result, ours);
    case Rule::kDeclined: return {Disposition::kDeclined};
    case Rule::kInvalidNumber: return {Disposition::kInvalidNumber};
    case Rule::kConfiguration: return {Disposition::kConfigError, Remedy::kPauseCampaign};
    case Rule::kNetwork: return OfTheNetwork(result);
    case Rule::kThrottled: return {std::nullopt, Remedy::kGiveBack};
    case Rule::kMonthlyLimit: return {std::nullopt, Remedy::kPauseTrunk};
    case Rule::kStale: return {Disposition::kLost, Remedy::kTryAgain};
  }
  return {Disposition::kProviderError, Remedy::kTryAgain};
}

}  // namespace

Meaning MeaningOf(const ResultInformation& result, const OurSide& ours) {
  // However it ended afterwards, somebody or something had answered.
  if (ours.answered) return {Disposition::kAnswered};
  return Apply(RuleFor(result), result, ours);
}

std::optional<int> SipStatusIn(std::int32_t subcode) {
  if (subcode <= kSipFirst || subcode > kSipLast) return std::nullopt;
  return subcode - kSipFirst;
}

}  // namespace tocsin::wire::ga
