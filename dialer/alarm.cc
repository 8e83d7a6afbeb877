#include "dialer/alarm.h"

#include <utility>

namespace tocsin::dialer {

void Alarm::Wait(SteadyTime deadline, const std::stop_token& stop) {
  std::stop_source sleep;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(rung_, false)) return;
    sleep_ = sleep;
  }
  const std::stop_callback forward(stop, [&sleep] { sleep.request_stop(); });
  clock_.SleepUntil(deadline, sleep.get_token());
  const std::lock_guard lock(mutex_);
  rung_ = false;
  sleep_ = std::stop_source(std::nostopstate);
}

void Alarm::Ring() {
  std::stop_source sleep(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    sleep = sleep_;
  }
  sleep.request_stop();
}

}  // namespace tocsin::dialer
