// The one file that reads the machine's clocks (tools/tidy holds the rest to it).
#include <condition_variable>
#include <mutex>

#include "absl/time/clock.h"
#include "base/clock.h"

namespace tocsin {
namespace {

class MachineClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }

  SteadyTime Steady() const override { return std::chrono::steady_clock::now(); }

  bool SleepUntil(SteadyTime deadline, std::stop_token stop) const override {
    // A condition nobody notifies: the wait ends at the deadline, or at once
    // when the stop token's callback wakes it.
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_until(lock, stop, deadline, [] { return false; });
    return !stop.stop_requested();
  }
};

}  // namespace

const Clock& SystemClock() {
  static const MachineClock clock;
  return clock;
}

}  // namespace tocsin
