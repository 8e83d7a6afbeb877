#pragma once
#include <mutex>
#include <optional>

#include "base/clock.h"

namespace tocsin {

// The one clock of a service of several machines: its database's. Whoever asks
// the database for its time now and then tells it here; in between, the machine's
// steady clock carries it on. So all nodes agree on Now() as well as they measure
// it (half the time that an answer takes), whatever their calendars say and
// however those are stepped.
//
// Before it has learnt anything it is the machine's own time. A correction moves
// Now() no further than the answer proves it wrong. Thread-safe.
class ServiceClock final : public Clock {
 public:
  // `machine` must outlive it.
  explicit ServiceClock(const Clock& machine) : machine_(machine) {}

  // The database's clock stood at `then` at some moment from `asked` to `answered`.
  void Learn(absl::Time then, SteadyTime asked, SteadyTime answered);

  // How far the machine's calendar is ahead of this clock; negative: behind.
  absl::Duration MachineAhead() const;

  // Clock.
  absl::Time Now() const override;
  SteadyTime Steady() const override { return machine_.Steady(); }
  bool SleepUntil(SteadyTime deadline, std::stop_token stop) const override {
    return machine_.SleepUntil(deadline, stop);
  }

 private:
  // One moment on both clocks.
  struct Anchor {
    SteadyTime steady;
    absl::Time now;
  };

  const Clock& machine_;
  mutable std::mutex mutex_;
  std::optional<Anchor> anchor_;  // Guarded by mutex_; unset: nothing learnt.
};

}  // namespace tocsin
