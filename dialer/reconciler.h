#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "base/clock.h"
#include "core/store.h"
#include "dialer/action_sender.h"
#include "dialer/alarm.h"
#include "dialer/fact_recorder.h"

namespace tocsin::dialer {

struct ReconcilerCounters {
  std::uint64_t sweeps = 0;
  std::uint64_t failures = 0;
  std::uint64_t looked_at = 0;  // Live attempts that nobody had a timer for.
  std::uint64_t actions_again = 0;
  std::uint64_t hang_ups_ordered = 0;
};

// Finds what a crash, a full queue or another node's death has left behind:
// live attempts without a timer, actions without a result, hang-ups that a
// canceling campaign owes. Decides nothing: every find goes to the recorder or
// the sender like anything new.
//
// One thread: at the start, then every `interval`, and at once when poked.
class Reconciler {
 public:
  struct Options {
    absl::Duration interval = absl::Seconds(5);
    // An action without a result for so long is sent again.
    absl::Duration action_patience = absl::Seconds(10);
    int page = 1'000;
  };

  Reconciler(Options options, DialStore& store, FactRecorder& recorder, ActionSender& sender,
             const Clock& clock);
  ~Reconciler();

  // Sweep now: a campaign has changed.
  void Poke() { alarm_.Ring(); }

  ReconcilerCounters counters() const;

  // May be called twice.
  void Stop();

 private:
  void Run(const std::stop_token& stop);
  absl::Status Sweep();
  absl::Status LookAtLiveAttempts();
  absl::Status SendActionsAgain();
  absl::Status OrderHangUps();

  const Options options_;
  DialStore& store_;
  FactRecorder& recorder_;
  ActionSender& sender_;
  const Clock& clock_;
  Alarm alarm_;
  std::atomic<std::uint64_t> sweeps_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> looked_at_{0};
  std::atomic<std::uint64_t> actions_again_{0};
  std::atomic<std::uint64_t> hang_ups_ordered_{0};
  std::jthread thread_;  // Last: it uses all of the above.
};

}  // namespace tocsin::dialer
