#include "wire/result_codes.h"

#include <initializer_list>
#include <string>

#include "absl/strings/ascii.h"

namespace tocsin::wire::ga {
namespace {

constexpr std::int32_t kAny = -1;
constexpr std::int32_t kSipFirst = 560'000;
constexpr std::int32_t kSipLast = 560'999;

// What a row of the table says. Most are a cause; some ask further.
enum class Rule { kCause, kSilent, kDeclined603, kNetwork };

struct Row {
  std::int32_t code;  // kAny: whatever it is.
  std::int32_t first_subcode;
  std::int32_t last_subcode;
  EndCause cause = EndCause::kProviderError;
  Rule rule = Rule::kCause;
};
// The first row that fits. Subcodes that mean one thing under every code stand
// first.
constexpr Row kRows[] = {
    {kAny, 8529, 8529, EndCause::kMonthlyLimit},
    {kAny, 8516, 8516, EndCause::kThrottled},
    {kAny, 8530, 8530, EndCause::kThrottled},
    {kAny, 8537, 8537, EndCause::kStale},
    {kAny, 8538, 8538, EndCause::kDeclinedOrLimited, Rule::kDeclined603},
    {kAny, 8539, 8540, EndCause::kBusy},
    {kAny, 8541, 8541, EndCause::kUnreachable},
    {kAny, 8544, 8544, EndCause::kUnreachable},
    {kAny, 7000, 7000, EndCause::kEndedByApplication},
    {kAny, 7500, 7510, EndCause::kConfiguration},
    {kAny, 10'004, 10'004, EndCause::kNoAnswer},
    {kAny, 5003, 5003, EndCause::kDeclined},
    {kAny, 10'024, 10'024, EndCause::kDeclined},
    {kAny, 511'404, 511'404, EndCause::kInvalidNumber},
    {kAny, 510'403, 510'403, EndCause::kConfiguration},
    {kAny, 511'532, 511'532, EndCause::kConfiguration},
    {kAny, 10'124, 10'124, EndCause::kConfiguration},
    {kAny, 531'004, 531'004, EndCause::kUnreachable},
    {kAny, 301'004, 301'005, EndCause::kUnreachable},
    {410, 3100, 3112, EndCause::kUnreachable},
    {kAny, 560'000, 560'000, EndCause::kNormal},
    {kAny, 540'000, 540'000, EndCause::kNormal},
    {0, 0, 0, EndCause::kNormal},
    {200, 0, 0, EndCause::kNormal},
    {429, kAny, kAny, EndCause::kThrottled},
};

// By the final SIP status: of the far end if the subcode has it, else the code.
constexpr Row kStatusRows[] = {
    {403, 0, 0, EndCause::kDeclined},
    {404, 0, 0, EndCause::kInvalidNumber},
    {408, 0, 0, EndCause::kNoAnswer},
    {410, 0, 0, EndCause::kInvalidNumber},
    {480, 0, 0, EndCause::kNoAnswer, Rule::kSilent},
    {484, 0, 0, EndCause::kInvalidNumber},
    {486, 0, 0, EndCause::kBusy},
    {487, 0, 0, EndCause::kCancelled},
    {497, 0, 0, EndCause::kCancelled},
    {600, 0, 0, EndCause::kBusy},
    {603, 0, 0, EndCause::kDeclinedOrLimited, Rule::kDeclined603},
    {604, 0, 0, EndCause::kInvalidNumber},
};

bool Fits(const Row& row, const ResultInformation& result) {
  if (row.code != kAny && row.code != result.code) return false;
  return row.first_subcode == kAny ||
         (result.subcode >= row.first_subcode && result.subcode <= row.last_subcode);
}

// What stands in neither table.
constexpr Row kOther = {kAny, kAny, kAny, EndCause::kProviderError, Rule::kNetwork};

const Row& RowFor(const ResultInformation& result) {
  for (const Row& row : kRows) {
    if (Fits(row, result)) return row;
  }
  const int status = SipStatusIn(result.subcode).value_or(result.code);
  for (const Row& row : kStatusRows) {
    if (row.code == status) return row;
  }
  return kOther;
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

// No circuit, network out of order, temporary failure, congestion.
EndCause OfTheNetwork(const ResultInformation& result) {
  const int status = SipStatusIn(result.subcode).value_or(result.code);
  const bool congested = status == 503 || IsCause(result, {34, 38, 41, 42});
  return congested ? EndCause::kCongestion : EndCause::kProviderError;
}

}  // namespace

EndCause CauseOf(const ResultInformation& result) {
  const Row& row = RowFor(result);
  switch (row.rule) {
    case Rule::kCause: break;
    case Rule::kSilent: return IsCause(result, {20}) ? EndCause::kUnreachable : row.cause;
    case Rule::kDeclined603: return SaysNetworkBlocked(result) ? EndCause::kBlocked : row.cause;
    case Rule::kNetwork: return OfTheNetwork(result);
  }
  return row.cause;
}

std::optional<int> SipStatusIn(std::int32_t subcode) {
  if (subcode <= kSipFirst || subcode > kSipLast) return std::nullopt;
  return subcode - kSipFirst;
}

}  // namespace tocsin::wire::ga
