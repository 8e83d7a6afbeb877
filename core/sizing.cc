#include "core/sizing.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace tocsin {
namespace {

std::int64_t Up(double value) {
  // What is whole but for rounding stays what it is.
  return static_cast<std::int64_t>(std::ceil(value - 1e-9));
}

}  // namespace

std::string_view Name(BindingLimit limit) {
  switch (limit) {
    case BindingLimit::kTime: return "the time";
    case BindingLimit::kCallsPerSecond: return "calls a second";
    case BindingLimit::kConcurrency: return "calls at once";
    case BindingLimit::kCallerNumbers: return "caller numbers";
  }
  return "";
}

Sizing SizeUp(const SizingQuestion& question) {
  const double people = static_cast<double>(question.people);
  const double hold = absl::ToDoubleSeconds(question.mean_hold);
  TOCSIN_CHECK(question.people >= 1 && hold > 0 && question.calls_per_caller >= 1);

  Sizing sizing;
  double rate = std::numeric_limits<double>::infinity();
  const auto lower = [&](double to, BindingLimit limit) {
    if (to >= rate) return;
    rate = to;
    sizing.binding = limit;
  };
  double needed = 0;
  if (question.within) needed = people / absl::ToDoubleSeconds(*question.within);
  if (question.calls_per_second) {
    lower(*question.calls_per_second, BindingLimit::kCallsPerSecond);
  }
  if (question.concurrent_max) {
    lower(static_cast<double>(*question.concurrent_max) / hold, BindingLimit::kConcurrency);
  }
  if (question.caller_numbers) {
    lower(static_cast<double>(*question.caller_numbers) * question.calls_per_caller / hold,
          BindingLimit::kCallerNumbers);
  }
  sizing.in_time = needed <= rate * (1 + 1e-9);
  if (question.within && sizing.in_time) lower(needed, BindingLimit::kTime);
  TOCSIN_CHECK(rate > 0 && std::isfinite(rate));

  sizing.calls_per_second = rate;
  sizing.at_once = Up(rate * hold);
  sizing.caller_numbers = Up(rate * hold / question.calls_per_caller);
  sizing.first_round = absl::Seconds(people / rate);
  return sizing;
}

}  // namespace tocsin
