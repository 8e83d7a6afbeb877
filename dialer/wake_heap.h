#pragma once
#include <cstddef>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "core/ids.h"
#include "dialer/alarm.h"

namespace tocsin::dialer {

// When to look at which attempt again: at most one moment for each, so that
// memory is bounded by the live attempts however many events they have.
//
// One thread of its own sleeps until the earliest. Thread-safe.
class WakeHeap {
 public:
  // Called on the heap's thread with every attempt that is due, each disarmed.
  // Must not block for long.
  using OnDue = std::function<void(std::vector<AttemptKey>)>;

  WakeHeap(const Clock& clock, OnDue on_due);
  ~WakeHeap();
  WakeHeap(const WakeHeap&) = delete;
  WakeHeap& operator=(const WakeHeap&) = delete;

  // Replaces an earlier arming of the same attempt.
  void Arm(AttemptKey attempt, SteadyTime at);
  void Disarm(AttemptKey attempt);
  bool IsArmed(AttemptKey attempt) const;
  std::size_t size() const;

  // No callback runs after it has returned. May be called twice.
  void Stop();

 private:
  void Run(const std::stop_token& stop);
  std::vector<AttemptKey> TakeDue(SteadyTime now);
  SteadyTime Earliest() const;

  const Clock& clock_;
  const OnDue on_due_;
  Alarm alarm_;
  mutable std::mutex mutex_;
  std::set<std::pair<SteadyTime, AttemptKey>> by_time_;
  std::unordered_map<AttemptKey, SteadyTime> by_attempt_;
  std::jthread thread_;  // Last: it uses all of the above.
};

}  // namespace tocsin::dialer
