#pragma once
#include <condition_variable>
#include <mutex>

#include "base/clock.h"

namespace tocsin {

// A clock that stands still until the test moves it. Both times move together;
// SetNow() alone imitates an operator or NTP stepping the wall clock.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time now) : now_(now) {}

  absl::Time Now() const override {
    std::lock_guard lock(mutex_);
    return now_;
  }

  SteadyTime Steady() const override {
    std::lock_guard lock(mutex_);
    return steady_;
  }

  bool SleepUntil(SteadyTime deadline, std::stop_token stop) const override {
    std::unique_lock lock(mutex_);
    return moved_.wait(lock, stop, [&] { return steady_ >= deadline; });
  }

  void Advance(absl::Duration by) {
    {
      std::lock_guard lock(mutex_);
      now_ += by;
      steady_ += absl::ToChronoNanoseconds(by);
    }
    moved_.notify_all();
  }

  void SetNow(absl::Time now) {
    std::lock_guard lock(mutex_);
    now_ = now;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable_any moved_;
  absl::Time now_;
  // Not the clock's zero: code that forgets to initialise a time must show.
  SteadyTime steady_{std::chrono::hours(1000)};
};

}  // namespace tocsin
