#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <variant>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "core/gateway.h"
#include "core/ids.h"
#include "core/pacer.h"

namespace tocsin::scheduler {

// What keeping the rate costs, over the gates of all trunks. Thread-safe.
struct PaceMeasures {
  DurationHistogram waits;  // From asking to being let through, of every send.
  DurationHistogram late;   // Behind their slot, of those that waited for it.
  // Slots that went by while a send waited for one: its thread came too late.
  std::atomic<std::uint64_t> slots_missed{0};
};

// The last gate of a trunk: a create-call passes it right before its first
// byte, or not at all. Keeps the rate of the trunk and of each campaign, and
// lets nothing through without a valid lease, with an intent older than
// kIntentAgeMax, or for a campaign that has been stopped.
//
// Thread-safe. Workers block in Acquire(); the scheduler's thread sets limits.
class PaceGate final : public SendPermit {
 public:
  // An intent is re-checked at most this long before its send.
  static constexpr std::chrono::milliseconds kIntentAgeMax{250};

  PaceGate(double rate, std::chrono::nanoseconds guard, const Clock& clock);

  // What may pass: an intent that was committed at `intended_at`.
  void Admit(const AttemptKey& attempt, SteadyTime intended_at);

  // It will not come to the gate any more: it found no connection. Nothing
  // happens if it has passed.
  void Withdraw(const AttemptKey& attempt);

  void SetRate(double rate);
  // 0: the campaign has no rate of its own.
  void SetCampaignRate(CampaignId campaign, double rate);
  // Only these campaigns pass; the rest are paused, canceled or over.
  void SetRunning(std::set<CampaignId> campaigns);
  void Stop(CampaignId campaign);
  // Nothing passes from `until` on. The past: nothing passes.
  void SetLeaseValidUntil(SteadyTime until);
  // Nothing passes before `until` (a successor's wait, a throttled trunk).
  void HoldUntil(SteadyTime until);
  void Close();

  // Sends are measured there, which must outlive the gate. Before the first.
  void MeasureInto(PaceMeasures* measures) { measures_ = measures; }

  // SendPermit: waits for the slot.
  std::optional<absl::Time> Acquire(const CreateCallRequest& request) override;

  // One try of Acquire() without waiting, for whoever keeps time differently.
  struct Granted {};
  struct Denied {};
  struct WaitUntil {
    SteadyTime at;
  };
  std::variant<Granted, Denied, WaitUntil> TryAcquire(const CreateCallRequest& request,
                                                      SteadyTime now);

  // How a send time of the steady clock is told. Something was let through, or the
  // lease was set.
  absl::Time WallTimeOf(SteadyTime at) const;

  // Admitted and not yet passed.
  int admitted() const;
  // How many more sends of a campaign could leave by `until` after the `ahead`
  // that are already on their way; at most `limit`.
  int SlotsUntil(CampaignId campaign, SteadyTime now, SteadyTime until, int ahead, int limit) const;
  // When the next send could leave if `ahead` go first.
  SteadyTime NextSlot(SteadyTime now, int ahead) const;

 private:
  SteadyTime EarliestNext(CampaignId campaign, SteadyTime now) const;  // REQUIRES: state_mutex_.
  void Anchor(SteadyTime steady, absl::Time wall);                     // REQUIRES: state_mutex_.
  void Measure(SteadyTime asked, const std::optional<SteadyTime>& slot, SteadyTime left) const;

  const std::chrono::nanoseconds guard_;
  const Clock& clock_;
  std::stop_source closed_;
  PaceMeasures* measures_ = nullptr;

  std::mutex turn_mutex_;  // Held by the one worker that waits for the next slot.

  mutable std::mutex state_mutex_;  // Guards all below; never held while waiting.
  Pacer trunk_;
  std::map<CampaignId, Pacer> campaigns_;
  std::set<CampaignId> running_;
  std::map<AttemptKey, SteadyTime> intended_at_;
  SteadyTime lease_valid_until_{};
  SteadyTime hold_until_{};
  // One moment on both clocks, to tell send times as people write them. Set before
  // anything passes.
  struct Moment {
    SteadyTime steady;
    absl::Time wall;
  };
  std::optional<Moment> anchor_;
  std::optional<SteadyTime> last_sent_;
};

}  // namespace tocsin::scheduler
