#pragma once
#include <mutex>
#include <stop_token>

#include "base/clock.h"

namespace tocsin::dialer {

// A sleep on a Clock that another thread can cut short: what a loop waits on
// between its steps. One thread waits, any may ring.
class Alarm {
 public:
  explicit Alarm(const Clock& clock) : clock_(clock) {}
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Returns at `deadline`, when rung, or when `stop` is requested. A ring that
  // came since the last return is not lost.
  void Wait(SteadyTime deadline, const std::stop_token& stop);

  void Ring();

 private:
  const Clock& clock_;
  std::mutex mutex_;
  bool rung_ = false;
  std::stop_source sleep_{std::nostopstate};  // Of the sleep in progress.
};

}  // namespace tocsin::dialer
