#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/clock.h"

namespace tocsin::callserver {

// A thread that calls `step` whenever it is due. It sleeps on the clock until
// then, or until somebody has made it due earlier.
class WakeLoop {
 public:
  // Does what is due and returns when it is due next; SteadyTime::max() if only
  // a Nudge() will tell.
  using Step = std::function<SteadyTime()>;

  // Starts at once with a first step. `least_sleep` bounds how often it steps:
  // what comes due within it is done together.
  WakeLoop(const Clock& clock, std::chrono::microseconds least_sleep, Step step);
  ~WakeLoop();  // As Stop().
  WakeLoop(const WakeLoop&) = delete;
  WakeLoop& operator=(const WakeLoop&) = delete;

  // Something is due at `due`. Any thread; cheap if it knew already.
  void Nudge(SteadyTime due);

  // Waits for a step in progress. Not from within a step.
  void Stop();

 private:
  void Run(std::stop_token stop);

  const Clock& clock_;
  const std::chrono::microseconds least_sleep_;
  const Step step_;

  std::mutex mutex_;  // Guards the next two.
  SteadyTime due_ = SteadyTime::min();
  std::optional<std::stop_source> sleep_;  // Set while asleep; stopping it wakes.

  std::jthread thread_;  // The last member: it runs on all of the above.
};

}  // namespace tocsin::callserver
