#pragma once
#include <chrono>
#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace tocsin {

// Paces sends so that in every rolling second at most `rate` leave: the i-th
// no earlier than 1 s + guard after the (i - rate)-th. Within that, sends are
// spread over a grid; after a stall the grid is caught up with as fast as the
// log allows. Both halves are needed: a grid alone sends too many after a
// stall, spacing alone never catches up.
//
// A fraction of a call cannot be sent, so a rate of 2.5 sends 2 in any second;
// a rate below 1 sends one each 1/rate.
//
// A value with a rule: no clock, no lock, no sleep.
class Pacer {
 public:
  // REQUIRES: rate > 0. `guard` covers what happens between the send time and
  // the first byte.
  Pacer(double rate, std::chrono::nanoseconds guard);

  // The earliest time of the next send: `now` if it may leave at once.
  SteadyTime EarliestNext(SteadyTime now) const;

  // Notes a send at `at`. REQUIRES: at >= EarliestNext(at).
  void Note(SteadyTime at);

  // Another rate from now on. What has been sent still counts.
  void SetRate(double rate);

  double rate() const { return rate_; }

 private:
  void Size();

  double rate_;
  std::chrono::nanoseconds guard_;
  std::size_t window_sends_ = 0;        // So many ...
  std::chrono::nanoseconds window_{};   // ... in so long.
  std::chrono::nanoseconds spacing_{};  // Of the grid.
  std::vector<SteadyTime> log_;         // Ring of the last window_sends_ sends.
  std::size_t next_ = 0;                // Where the next send goes; the oldest if full.
  std::size_t noted_ = 0;
  SteadyTime grid_{};  // The next slot.
};

}  // namespace tocsin
