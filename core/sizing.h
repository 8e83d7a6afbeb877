#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace tocsin {

// How large the means have to be that ring so many people once, or how long means
// that are there take. Little's law: calls at once = calls a second x how long a
// call holds its line.
struct SizingQuestion {
  std::int64_t people = 0;  // Rung once each: the first round. At least 1.
  // How long a call holds its line, from the request to its end, over all who
  // answer and do not: about 43 s with a ring limit of 30 s and a message that is
  // played twice, 58 s without a ring limit. See docs/operating.md.
  absl::Duration mean_hold = absl::Seconds(43);
  int calls_per_caller = 2;  // What a provider lets one caller number carry at once.
  // What there is; unset: to be found.
  std::optional<absl::Duration> within;
  std::optional<double> calls_per_second;
  std::optional<std::int64_t> concurrent_max;
  std::optional<std::int64_t> caller_numbers;
};

enum class BindingLimit { kTime, kCallsPerSecond, kConcurrency, kCallerNumbers };
std::string_view Name(BindingLimit limit);

struct Sizing {
  double calls_per_second = 0;  // Sends.
  std::int64_t at_once = 0;     // Calls in progress at that rate.
  std::int64_t caller_numbers = 0;
  absl::Duration first_round;
  // What keeps the rate from being higher.
  BindingLimit binding = BindingLimit::kTime;
  // False: `within` was asked for, and what there is does not suffice.
  bool in_time = true;
};

// REQUIRES: people >= 1, mean_hold > 0, calls_per_caller >= 1, whatever is set > 0,
// and at least one of `within` and the limits is set.
Sizing SizeUp(const SizingQuestion& question);

}  // namespace tocsin
