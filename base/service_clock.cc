#include "base/service_clock.h"

#include <algorithm>

namespace tocsin {

absl::Time ServiceClock::Now() const {
  {
    const std::lock_guard lock(mutex_);
    if (anchor_) return anchor_->now + absl::FromChrono(machine_.Steady() - anchor_->steady);
  }
  return machine_.Now();
}

void ServiceClock::Learn(absl::Time then, SteadyTime asked, SteadyTime answered) {
  // It was read on the way: by now it stands between these.
  const absl::Time earliest = then;
  const absl::Time latest = then + absl::FromChrono(answered - asked);
  const std::lock_guard lock(mutex_);
  if (!anchor_) {
    // Whole nanoseconds, like every other time that is waited for.
    anchor_ = {answered, earliest + absl::Trunc((latest - earliest) / 2, absl::Nanoseconds(1))};
    return;
  }
  const absl::Time ours = anchor_->now + absl::FromChrono(answered - anchor_->steady);
  anchor_ = {answered, std::clamp(ours, earliest, latest)};
}

absl::Duration ServiceClock::MachineAhead() const {
  return machine_.Now() - Now();
}

}  // namespace tocsin
