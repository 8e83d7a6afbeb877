#include "dialer/wake_heap.h"

#include "base/this_thread.h"

namespace tocsin::dialer {

WakeHeap::WakeHeap(const Clock& clock, OnDue on_due)
    : clock_(clock),
      on_due_(std::move(on_due)),
      alarm_(clock),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

WakeHeap::~WakeHeap() {
  Stop();
}

void WakeHeap::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void WakeHeap::Arm(AttemptKey attempt, SteadyTime at) {
  bool earliest = false;
  {
    const std::lock_guard lock(mutex_);
    const auto [it, is_new] = by_attempt_.try_emplace(attempt, at);
    if (!is_new) {
      if (it->second == at) return;
      by_time_.erase({it->second, attempt});
      it->second = at;
    }
    const auto placed = by_time_.emplace(at, attempt).first;
    earliest = placed == by_time_.begin();
  }
  if (earliest) alarm_.Ring();
}

void WakeHeap::Disarm(AttemptKey attempt) {
  const std::lock_guard lock(mutex_);
  const auto it = by_attempt_.find(attempt);
  if (it == by_attempt_.end()) return;
  by_time_.erase({it->second, attempt});
  by_attempt_.erase(it);
}

bool WakeHeap::IsArmed(AttemptKey attempt) const {
  const std::lock_guard lock(mutex_);
  return by_attempt_.contains(attempt);
}

std::size_t WakeHeap::size() const {
  const std::lock_guard lock(mutex_);
  return by_attempt_.size();
}

std::vector<AttemptKey> WakeHeap::TakeDue(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  std::vector<AttemptKey> due;
  while (!by_time_.empty() && by_time_.begin()->first <= now) {
    due.push_back(by_time_.begin()->second);
    by_attempt_.erase(due.back());
    by_time_.erase(by_time_.begin());
  }
  return due;
}

SteadyTime WakeHeap::Earliest() const {
  const std::lock_guard lock(mutex_);
  return by_time_.empty() ? clock_.Steady() + std::chrono::hours(1) : by_time_.begin()->first;
}

void WakeHeap::Run(const std::stop_token& stop) {
  NameThisThread("wake-calls");
  while (!stop.stop_requested()) {
    std::vector<AttemptKey> due = TakeDue(clock_.Steady());
    if (!due.empty()) {
      on_due_(std::move(due));
      continue;
    }
    alarm_.Wait(Earliest(), stop);
  }
}

}  // namespace tocsin::dialer
