#include "dialer/lag_gauge.h"

#include <algorithm>
#include <cmath>

namespace tocsin::dialer {
namespace {

constexpr absl::Duration kSpan = absl::Minutes(5);
constexpr absl::Duration kOld = absl::Minutes(1);
constexpr absl::Duration kMemory = absl::Milliseconds(500);

// What is left of a weight of 1 after `passed`.
double Faded(absl::Duration passed) {
  return std::exp(-std::max(absl::FDivDuration(passed, kMemory), 0.0));
}

}  // namespace

void LagGauge::Note(absl::Time now, absl::Time at, double time_scale) {
  const absl::Duration difference = now - at;
  if (now - spans_[0].since > kSpan) {
    spans_[1] = spans_[0];
    spans_[0] = {now, difference};
  }
  spans_[0].least = std::min(spans_[0].least, difference);
  // Delivered again after an hour: that says nothing of what happens now.
  if (difference - Baseline() > kOld) return;
  const absl::Duration late = std::min((difference - Baseline()) * time_scale, 2 * kTooLate);
  // Many come at once: each counts a little even so.
  constexpr double kLeastWeight = 0.02;
  const double weight = std::max(1 - Faded(now - noted_at_), kLeastWeight);
  average_ += (late - average_) * weight;
  noted_at_ = now;
}

absl::Duration LagGauge::Lateness(absl::Time now) const {
  return average_ * Faded(now - noted_at_ - absl::Seconds(1));
}

double LagGauge::Strain(absl::Time now) const {
  const absl::Duration beyond = Lateness(now) - kStrained;
  return std::clamp(absl::FDivDuration(beyond, kTooLate - kStrained), 0.0, 1.0);
}

absl::Duration LagGauge::Baseline() const {
  return std::min(spans_[0].least, spans_[1].least);
}

}  // namespace tocsin::dialer
