// What the scheduler keeps about each trunk and campaign between steps. Only
// scheduler/*.cc include this.
#pragma once

#include <algorithm>

#include "scheduler/scheduler.h"

namespace tocsin::scheduler {

// Intents are committed for slots this far ahead: less than the age that the
// gate allows, more than a commit takes.
inline constexpr std::chrono::milliseconds kIntentHorizon{160};
// Over which the strain of the events' way is averaged.
inline constexpr std::chrono::duration<double> kStrainLasts{1.0};
// Steps that only follow what came in are taken together.
inline constexpr std::chrono::milliseconds kStepsApart{10};
// Claims hold up the intents behind them: a large one for longer than the
// horizon, which is slots lost.
inline constexpr int kClaimMax = 128;
// An estimate of live attempts that is more than half of a cap is checked against
// the rows this often, and at every freed slot once it says "full"; any other now
// and then.
inline constexpr std::chrono::milliseconds kRecountAfter{200};
inline constexpr std::chrono::milliseconds kRecountAtLeastEvery{2000};
inline constexpr std::chrono::milliseconds kRefreshEvery{500};
inline constexpr std::chrono::seconds kRefreshIdleEvery{5};
inline constexpr std::chrono::milliseconds kRefreshApart{100};
inline constexpr std::chrono::milliseconds kPauseAfterError{500};
// Between looks for sends that may be repeated.
inline constexpr std::chrono::seconds kRepeatEvery{1};
// A successor waits for this after the old lease has expired, so that what its
// predecessor sent last is out of every window: also by the rows, whose times are
// told by two measurements of the service's clock.
inline constexpr std::chrono::milliseconds kSuccessorWait{1100};

struct Scheduler::TrunkDesk {
  TrunkDesk(const Trunk& the_trunk, std::chrono::nanoseconds guard, const Clock& clock)
      : trunk(the_trunk), gate(the_trunk.calls_per_second, guard, clock) {}

  Trunk trunk;
  PaceGate gate;
  TrunkBreaker breaker;
  int in_gateway = 0;
  int throttles = 0;  // In a row.
  // Live attempts and sends as last counted, plus what was committed to since.
  SlotCount slots;
  SteadyTime counted_at{};
  bool slots_stale = true;
  bool full = false;  // The last intent found a cap reached.
  // When to look for sends of unknown fate that may be repeated; unset while there
  // are none.
  std::optional<SteadyTime> repeat_at = SteadyTime{};
  double strain = 0;       // Of its events' way (core/fact_sink.h), averaged.
  bool held_back = false;  // By it, as the log was told.

  bool half_full() const {
    return full || slots.live > trunk.concurrent_max / 2 ||
           std::any_of(slots.live_by_caller.begin(), slots.live_by_caller.end(),
                       [this](const auto& caller) {
                         return caller.second > trunk.concurrent_max_per_caller / 2;
                       });
  }
};

struct Scheduler::CampaignDesk {
  ActiveCampaign active;
  std::deque<PlannedAttempt> pool;  // Planned and ready for an intent.
  std::vector<Waiting> waiting;     // Planned, not before a time.
  CampaignBreaker breaker;
  bool adopted = false;  // Planned attempts of older epochs have been taken over.
  // Of unknown fate: asked for again as it was.
  struct Claim {
    OperationId operation;
    int limit = 0;
    bool adopts = false;
  };
  std::optional<Claim> claim;
  bool exhausted = false;  // The last claim found fewer than it asked for.
  SteadyTime looked_at{};

  std::int64_t planned() const { return static_cast<std::int64_t>(pool.size() + waiting.size()); }
  bool running() const { return active.campaign.state == CampaignState::kRunning; }
  bool expired(absl::Time now) const {
    return active.campaign.expires_at && now >= *active.campaign.expires_at;
  }
};

struct Scheduler::Inputs {
  std::vector<CreateCallCompletion> completions;
  std::vector<AttemptChange> changes;
  bool campaigns_changed = false;
  bool due_changed = false;
  bool slots_changed = false;
  bool lease_freed = false;
};

}  // namespace tocsin::scheduler
