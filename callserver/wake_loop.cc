#include "callserver/wake_loop.h"

#include <algorithm>
#include <utility>

#include "base/this_thread.h"

namespace tocsin::callserver {

WakeLoop::WakeLoop(const Clock& clock, std::chrono::microseconds least_sleep, Step step)
    : clock_(clock),
      least_sleep_(least_sleep),
      step_(std::move(step)),
      thread_([this](std::stop_token stop) { Run(std::move(stop)); }) {}

WakeLoop::~WakeLoop() {
  Stop();
}

void WakeLoop::Nudge(SteadyTime due) {
  std::lock_guard lock(mutex_);
  if (due >= due_) return;
  due_ = due;
  if (sleep_) sleep_->request_stop();
}

void WakeLoop::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void WakeLoop::Run(std::stop_token stop) {
  NameThisThread("simulate-calls");
  while (!stop.stop_requested()) {
    {
      // What is nudged from here on is later than this step, and counts again.
      std::lock_guard lock(mutex_);
      due_ = SteadyTime::max();
    }
    const SteadyTime next = step_();
    const SteadyTime rested = clock_.Steady() + least_sleep_;
    std::stop_source sleep;
    SteadyTime until;
    {
      std::lock_guard lock(mutex_);
      due_ = std::min(due_, next);
      until = due_;
      // Due within the rest anyway: not worth being woken for.
      if (until > rested) sleep_ = sleep;
    }
    std::stop_callback on_stop(stop, [&sleep] { sleep.request_stop(); });
    clock_.SleepUntil(std::max(until, rested), sleep.get_token());
    std::lock_guard lock(mutex_);
    sleep_.reset();
  }
}

}  // namespace tocsin::callserver
