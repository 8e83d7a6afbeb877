#pragma once
#include <chrono>
#include <stop_token>

#include "absl/time/time.h"

namespace tocsin {

using SteadyTime = std::chrono::steady_clock::time_point;

// The only door to the passage of time. Loops hold a Clock; the rules in core/
// take `now` as an argument instead, so they need no clock to be tested.
//
// Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Civil instant: calling windows, retry schedules, rows. May step backwards.
  virtual absl::Time Now() const = 0;

  // Never steps backwards: pacing, timeouts, latencies. Meaningless outside
  // this process; do not store it.
  virtual SteadyTime Steady() const = 0;

  // Blocks until `deadline` or until `stop` is requested. Returns false if it
  // was stopped.
  virtual bool SleepUntil(SteadyTime deadline, std::stop_token stop) const = 0;
};

// The machine's own clocks. Lives as long as the process.
const Clock& SystemClock();

}  // namespace tocsin
