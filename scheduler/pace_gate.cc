#include "scheduler/pace_gate.h"

#include <algorithm>
#include <utility>

namespace tocsin::scheduler {

PaceGate::PaceGate(double rate, std::chrono::nanoseconds guard, const Clock& clock)
    : guard_(guard), clock_(clock), trunk_(rate, guard) {}

void PaceGate::Admit(const AttemptKey& attempt, SteadyTime intended_at) {
  std::lock_guard lock(state_mutex_);
  intended_at_[attempt] = intended_at;
}

void PaceGate::Withdraw(const AttemptKey& attempt) {
  std::lock_guard lock(state_mutex_);
  intended_at_.erase(attempt);
}

void PaceGate::SetRate(double rate) {
  std::lock_guard lock(state_mutex_);
  trunk_.SetRate(rate);
}

void PaceGate::SetCampaignRate(CampaignId campaign, double rate) {
  std::lock_guard lock(state_mutex_);
  if (rate <= 0) {
    campaigns_.erase(campaign);
  } else if (const auto it = campaigns_.find(campaign); it != campaigns_.end()) {
    it->second.SetRate(rate);
  } else {
    campaigns_.emplace(campaign, Pacer(rate, guard_));
  }
}

void PaceGate::SetRunning(std::set<CampaignId> campaigns) {
  std::lock_guard lock(state_mutex_);
  running_ = std::move(campaigns);
  std::erase_if(campaigns_, [&](const auto& entry) { return !running_.contains(entry.first); });
}

void PaceGate::Stop(CampaignId campaign) {
  std::lock_guard lock(state_mutex_);
  running_.erase(campaign);
}

void PaceGate::SetLeaseValidUntil(SteadyTime until) {
  // The narrowest of some readings: a preemption between the two clocks would
  // otherwise shift every send time until the next renewal.
  SteadyTime steady = clock_.Steady();
  absl::Time wall = clock_.Now();
  auto narrowest = clock_.Steady() - steady;
  for (int reading = 0; reading < 4; ++reading) {
    const SteadyTime before = clock_.Steady();
    const absl::Time now = clock_.Now();
    if (const auto width = clock_.Steady() - before; width < narrowest) {
      narrowest = width;
      steady = before;
      wall = now;
    }
  }
  std::lock_guard lock(state_mutex_);
  Anchor(steady, wall);
  lease_valid_until_ = until;
}

// Send times may be told later than before, but hardly earlier: a correction of the
// clock would otherwise put more of them into a second than left in it.
void PaceGate::Anchor(SteadyTime steady, absl::Time wall) {
  constexpr std::chrono::seconds kSecond{1};
  // Beyond this the clock was set, and is followed once a second has nothing in it.
  constexpr absl::Duration kStep = absl::Milliseconds(100);
  const bool quiet = !last_sent_ || steady > *last_sent_ + kSecond + guard_;
  if (anchor_ && !quiet) {
    const absl::Time told = anchor_->wall + absl::FromChrono(steady - anchor_->steady);
    const std::chrono::nanoseconds since =
        std::min<SteadyTime::duration>(steady - anchor_->steady, kSecond);
    // Half of what the guard leaves: it is there for more than this.
    const absl::Duration back_max =
        absl::FromChrono(guard_) / 2 * absl::ToDoubleSeconds(absl::FromChrono(since));
    if (told - wall > kStep) {
      hold_until_ = std::max(hold_until_, steady + kSecond + guard_);
    } else {
      wall = std::max(wall, told - back_max);
    }
  }
  anchor_ = {steady, wall};
}

void PaceGate::HoldUntil(SteadyTime until) {
  std::lock_guard lock(state_mutex_);
  hold_until_ = std::max(hold_until_, until);
}

void PaceGate::Close() {
  closed_.request_stop();
}

SteadyTime PaceGate::EarliestNext(CampaignId campaign, SteadyTime now) const {
  SteadyTime at = std::max(trunk_.EarliestNext(now), hold_until_);
  if (const auto it = campaigns_.find(campaign); it != campaigns_.end()) {
    at = std::max(at, it->second.EarliestNext(now));
  }
  return at;
}

std::variant<PaceGate::Granted, PaceGate::Denied, PaceGate::WaitUntil> PaceGate::TryAcquire(
    const CreateCallRequest& request, SteadyTime now) {
  std::lock_guard lock(state_mutex_);
  const auto intended = intended_at_.find(request.attempt);
  const CampaignId campaign = request.attempt.campaign;
  if (intended == intended_at_.end() || now - intended->second > kIntentAgeMax ||
      now >= lease_valid_until_ || !running_.contains(campaign) || closed_.stop_requested()) {
    if (intended != intended_at_.end()) intended_at_.erase(intended);
    return Denied{};
  }
  const SteadyTime at = EarliestNext(campaign, now);
  if (at > now) return WaitUntil{at};
  trunk_.Note(now);
  last_sent_ = now;
  if (const auto it = campaigns_.find(campaign); it != campaigns_.end()) it->second.Note(now);
  intended_at_.erase(intended);
  return Granted{};
}

// A send time is a moment of the steady clock, which the rate is kept by. To
// read the other clock for it as well would let a preempted worker write down
// a later time than it was granted.
absl::Time PaceGate::WallTimeOf(SteadyTime at) const {
  std::lock_guard lock(state_mutex_);
  return anchor_->wall + absl::FromChrono(at - anchor_->steady);
}

std::optional<absl::Time> PaceGate::Acquire(const CreateCallRequest& request) {
  // Whoever has the turn sleeps until the slot; the others queue behind it, so
  // that a slot wakes one thread and not all.
  const SteadyTime asked = clock_.Steady();
  std::lock_guard turn(turn_mutex_);
  std::optional<SteadyTime> slot;
  while (true) {
    const SteadyTime now = clock_.Steady();
    const auto answer = TryAcquire(request, now);
    if (std::holds_alternative<Granted>(answer)) {
      if (measures_ != nullptr) Measure(asked, slot, now);
      return WallTimeOf(now);
    }
    if (std::holds_alternative<Denied>(answer)) return std::nullopt;
    slot = std::get<WaitUntil>(answer).at;
    clock_.SleepUntil(*slot, closed_.get_token());
  }
}

void PaceGate::Measure(SteadyTime asked, const std::optional<SteadyTime>& slot,
                       SteadyTime left) const {
  measures_->waits.Observe(absl::FromChrono(left - asked));
  if (!slot) return;
  const std::chrono::duration<double> late = left - *slot;
  measures_->late.Observe(absl::FromChrono(left - *slot));
  const double rate = [this] {
    std::lock_guard lock(state_mutex_);
    return trunk_.rate();
  }();
  measures_->slots_missed.fetch_add(static_cast<std::uint64_t>(late.count() * rate),
                                    std::memory_order_relaxed);
}

int PaceGate::admitted() const {
  std::lock_guard lock(state_mutex_);
  return static_cast<int>(intended_at_.size());
}

int PaceGate::SlotsUntil(CampaignId campaign, SteadyTime now, SteadyTime until, int ahead,
                         int limit) const {
  std::lock_guard lock(state_mutex_);
  if (until >= lease_valid_until_ || hold_until_ > until) return 0;
  // Played through on copies: the rules of the law stay in one place.
  Pacer trunk = trunk_;
  const auto own = campaigns_.find(campaign);
  std::optional<Pacer> rate;
  if (own != campaigns_.end()) rate = own->second;
  SteadyTime at = std::max(now, hold_until_);
  for (int slot = 0; slot < ahead + limit; ++slot) {
    at = trunk.EarliestNext(at);
    if (rate) at = std::max(at, rate->EarliestNext(at));
    if (at > until) return std::max(0, slot - ahead);
    trunk.Note(at);
    if (rate) rate->Note(at);
  }
  return limit;
}

SteadyTime PaceGate::NextSlot(SteadyTime now, int ahead) const {
  std::lock_guard lock(state_mutex_);
  Pacer trunk = trunk_;
  SteadyTime at = std::max(now, hold_until_);
  for (int slot = 0;; ++slot) {
    at = trunk.EarliestNext(at);
    if (slot == ahead) return at;
    trunk.Note(at);
  }
}

}  // namespace tocsin::scheduler
