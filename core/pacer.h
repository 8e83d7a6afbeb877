#pragma once
#include <chrono>
#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace tocsin {

// Paces sends so that in every rolling second at most `rate` leave: the i-th
// no earlier than 1 s + guard after the (i - rate)-th. A sliding log of send
// times, because a grid that catches up after a stall sends too many, and
// strict spacing too few.
//
// Rates below one a second are kept over a longer window: one send each 1/rate.
// A value with a rule: no clock, no lock, no sleep.
class Pacer {
 public:
  // rate > 0, in sends a second; fractions round down to whole sends in a
  // window of whole seconds (2.5 -> 5 in 2 s) so that no second exceeds it.
  Pacer(double rate, std::chrono::nanoseconds guard);

  // The earliest time of the next send: `now` if it may leave at once. Sends
  // are also spread: no closer together than the rate's own spacing, less what
  // a stall has left to catch up within the window.
  SteadyTime EarliestNext(SteadyTime now) const;

  // Notes a send at `at`. REQUIRES: at >= EarliestNext(at).
  void Note(SteadyTime at);

  // A change of rate holds for every window from now on: the log is kept.
  void SetRate(double rate, SteadyTime now);

  double rate() const { return rate_; }

 private:
  void Size();

  double rate_;
  std::chrono::nanoseconds guard_;
  std::size_t window_sends_ = 0;          // So many ...
  std::chrono::nanoseconds window_{};     // ... in so long.
  std::vector<SteadyTime> log_;           // Ring of the last window_sends_ sends.
  std::size_t next_ = 0;
  std::size_t noted_ = 0;
};

}  // namespace tocsin
