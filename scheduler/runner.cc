#include "scheduler/runner.h"

#include <algorithm>

#include "base/log.h"
#include "base/this_thread.h"

namespace tocsin::scheduler {
namespace {

// Steps that follow what came in are taken together.
constexpr std::chrono::milliseconds kStepsApart{5};

}  // namespace

Runner::Runner(Scheduler& scheduler, const Clock& clock) : scheduler_(scheduler), clock_(clock) {
  scheduler_.SetWaker([this] { Wake(); });
  thread_ = std::jthread([this](std::stop_token stop) { Run(stop); });
}

Runner::~Runner() {
  Stop();
}

void Runner::Wake() {
  {
    std::lock_guard lock(mutex_);
    if (wake_) return;
    wake_ = true;
  }
  woken_.notify_one();
}

void Runner::Run(std::stop_token stop) {
  NameThisThread("schedule");
  FavorThisThread();  // An intent that comes late is a slot lost.
  while (!stop.stop_requested()) {
    const SteadyTime next = scheduler_.Step();
    const SteadyTime earliest = clock_.Steady() + kStepsApart;
    {
      std::unique_lock lock(mutex_);
      woken_.wait_until(lock, stop, next, [this] { return wake_; });
      wake_ = false;
    }
    if (!stop.stop_requested()) clock_.SleepUntil(earliest, stop);
  }
}

void Runner::Stop(absl::Duration patience) {
  if (std::exchange(stopped_, true)) return;
  scheduler_.Drain();
  const SteadyTime until = clock_.Steady() + absl::ToChronoNanoseconds(patience);
  while (!scheduler_.idle() && clock_.Steady() < until) {
    clock_.SleepUntil(clock_.Steady() + kStepsApart, {});
  }
  thread_.request_stop();
  woken_.notify_all();
  thread_.join();
  scheduler_.SetWaker(nullptr);
  scheduler_.ReleaseLease();
}

}  // namespace tocsin::scheduler
