// Sends of unknown fate, where the provider knows a send again by its id: asking
// again settles them. It is the same send, not a second attempt; but it is a request
// like any other to the rate, the lease, the guard and a campaign that has stopped.
#include <algorithm>
#include <utility>
#include <variant>

#include "core/dial_guard.h"
#include "scheduler/desks.h"

namespace tocsin::scheduler {
namespace {

// How long a provider is trusted to know a send again. Later it is waited out like
// everywhere else: nobody is to be rung twice because a table was emptied.
constexpr absl::Duration kKnownAgainFor = absl::Minutes(2);
constexpr absl::Duration kFirstPause = absl::Seconds(1);
constexpr absl::Duration kLongestPause = absl::Seconds(20);
constexpr int kAtOnce = 200;

absl::Duration PauseAfter(int repetitions) {
  return std::min(kFirstPause * (1 << std::min(repetitions, 10)), kLongestPause);
}

}  // namespace

bool Scheduler::MayRepeatNow(TrunkDesk& desk, const UnresolvedSend& send) {
  if (repeating_.contains(send.attempt)) return false;
  if (now_ < send.last_sent + PauseAfter(send.repetitions)) return false;
  if (now_ > send.intended_at + kKnownAgainFor) return false;
  const CampaignDesk* campaign = DeskOf(send.attempt.campaign);
  if (campaign == nullptr || !campaign->running() || campaign->expired(now_)) return false;
  const std::string region =
      desk.trunk.allowed_regions.empty() ? std::string() : numbers_.RegionOf(send.to);
  const DialRequest dial{send.to, region, send.time_zone, desk.slots.sends};
  const GuardVerdict verdict = GuardDial(campaign->active.campaign, desk.trunk, dial, now_);
  return std::holds_alternative<GuardPass>(verdict);
}

void Scheduler::RepeatUnresolved(TrunkDesk& desk) {
  if (!RepeatsSafely(desk.trunk.dialect)) return;
  if (!desk.repeat_at || steady_ < *desk.repeat_at) return;
  desk.repeat_at = steady_ + kRepeatEvery;
  // Counted from before the rows are read: ours runs out first.
  const SteadyTime read_at = clock_.Steady();
  const auto unresolved = store_.ListUnresolved(desk.trunk.id, kAtOnce);
  if (!Succeeded(unresolved.status(), "list_unresolved")) return;
  if (unresolved->empty()) {
    desk.repeat_at.reset();
    return;
  }
  int room = std::min(gateway_.capacity() - in_gateway_,
                      desk.breaker.in_flight_max(gateway_.capacity()) - desk.in_gateway);
  room = desk.gate.SlotsUntil(CampaignId(), steady_, steady_ + kIntentHorizon, desk.gate.admitted(),
                              std::max(room, 0));
  for (const UnresolvedSend& send : *unresolved) {
    if (room <= 0) return;
    if (!MayRepeatNow(desk, send)) continue;
    --room;
    repeating_.insert(send.attempt);
    {
      std::lock_guard lock(mutex_);
      ++stats_.repeated;
    }
    desk.gate.Admit(send.attempt, read_at);
    PassOn(desk, {.attempt = send.attempt,
                  .to = send.to,
                  .from = send.from,
                  .send_no = send.send_no,
                  .intended_at = send.intended_at,
                  .repetition = send.repetitions + 1});
  }
}

}  // namespace tocsin::scheduler
