// From a planned attempt to a request on its way: guard, slots, caller, intent.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "core/attempt_name.h"
#include "core/completion_fact.h"
#include "core/dial_guard.h"
#include "scheduler/desks.h"

namespace tocsin::scheduler {
namespace {

// How long an attempt waits whose number is in another call.
absl::Duration NumberBusyWait(const Campaign& campaign) {
  return std::max(absl::Seconds(15) / campaign.time_scale, absl::Milliseconds(200));
}

}  // namespace

void Scheduler::Probe(TrunkDesk& desk) {
  const auto probe_at = desk.breaker.probe_at();
  if (!probe_at || now_ < *probe_at) return;
  const absl::Status answered = gateway_.Probe(desk.trunk);
  desk.breaker.Probed(answered.ok(), now_);
  Log(answered.ok() ? LogLevel::kInfo : LogLevel::kWarn, "trunk_probed",
      {{"trunk", desk.trunk.name}, {"answered", answered.ok()}});
}

// What the caps leave, by the last count and what was committed to since.
int Scheduler::FreeSlots(TrunkDesk& desk) {
  const auto after = desk.half_full() ? kRecountAfter : kRecountAtLeastEvery;
  const bool old = steady_ >= desk.counted_at + after;
  if (old || (desk.full && desk.slots_stale)) {
    absl::StatusOr<SlotCount> count = store_.CountSlots(desk.trunk.id);
    if (!Succeeded(count.status(), "count_slots")) return 0;
    desk.slots = *std::move(count);
    desk.counted_at = steady_;
    desk.slots_stale = false;
    desk.full = false;
  }
  const std::int64_t free = desk.trunk.concurrent_max - desk.slots.live;
  if (free <= 0) desk.full = true;
  return static_cast<int>(std::clamp<std::int64_t>(free, 0, 100000));
}

void Scheduler::Intend(TrunkDesk& desk) {
  for (auto& [id, campaign] : campaigns_) {
    auto ready = std::partition(campaign->waiting.begin(), campaign->waiting.end(),
                                [&](const Waiting& w) { return w.not_before > now_; });
    for (auto it = ready; it != campaign->waiting.end(); ++it) {
      campaign->pool.push_front(std::move(it->attempt));
    }
    campaign->waiting.erase(ready, campaign->waiting.end());
  }
  const int in_gateway_free =
      std::min(gateway_.capacity() - in_gateway_,
               desk.breaker.in_flight_max(gateway_.capacity()) - desk.in_gateway);
  if (in_gateway_free <= 0) return;
  const int slots = desk.gate.SlotsUntil(CampaignId(), steady_, steady_ + kIntentHorizon,
                                         desk.gate.admitted(), in_gateway_free);
  const int count = static_cast<int>(slots * (1 - desk.strain));
  if (count <= 0) return;
  // Only when somebody could be rung is it worth counting rows.
  const bool anybody = std::any_of(campaigns_.begin(), campaigns_.end(), [&](const auto& entry) {
    return entry.second->running() && !entry.second->pool.empty() &&
           entry.second->active.campaign.spec.trunk == desk.trunk.name;
  });
  if (!anybody) return;
  std::vector<PlannedAttempt> picked = Pick(desk, std::min(count, FreeSlots(desk)));
  if (picked.empty()) return;
  const std::vector<IntentRequest> requests = Prepare(desk, picked);
  if (requests.empty()) return;
  // Counted from before the commit: ours runs out first.
  const SteadyTime intended_at = clock_.Steady();
  const OperationId operation = NewOperation();
  auto verdicts =
      store_.CommitIntents(operation, options_.group, epoch_, desk.trunk, requests, now_);
  if (verdicts.status().code() == absl::StatusCode::kUnknown) {
    verdicts = store_.CommitIntents(operation, options_.group, epoch_, desk.trunk, requests, now_);
  }
  if (!Succeeded(verdicts.status(), "commit_intents")) {
    // Whatever came of it is in the database: still planned, or dialing and
    // never sent, which the next holder of a new epoch will find.
    if (verdicts.status().code() == absl::StatusCode::kUnknown) {
      LoseLease();
      return;
    }
    for (PlannedAttempt& attempt : picked) {
      if (CampaignDesk* campaign = DeskOf(attempt.key.campaign)) {
        campaign->pool.push_front(std::move(attempt));
      }
    }
    return;
  }
  TOCSIN_CHECK(verdicts->size() == requests.size());
  Settle(desk, std::move(picked), requests, *verdicts, intended_at);
}

// The next attempts of this trunk's campaigns: higher priority first, equal
// ones in turn.
std::vector<PlannedAttempt> Scheduler::Pick(TrunkDesk& desk, int count) {
  std::vector<CampaignDesk*> order;
  for (auto& [id, campaign] : campaigns_) {
    const bool here = campaign->active.campaign.spec.trunk == desk.trunk.name;
    if (here && campaign->running() && !campaign->expired(now_) && !campaign->pool.empty()) {
      order.push_back(campaign.get());
    }
  }
  std::stable_sort(order.begin(), order.end(), [](const CampaignDesk* a, const CampaignDesk* b) {
    return a->active.campaign.spec.priority > b->active.campaign.spec.priority;
  });
  std::map<CampaignDesk*, int> slots;  // Of campaigns with a rate of their own.
  for (CampaignDesk* campaign : order) {
    slots[campaign] = desk.gate.SlotsUntil(campaign->active.campaign.id, steady_,
                                           steady_ + kIntentHorizon, desk.gate.admitted(), count);
  }
  std::vector<PlannedAttempt> picked;
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    const int priority = order[first]->active.campaign.spec.priority;
    while (last < order.size() && order[last]->active.campaign.spec.priority == priority) ++last;
    bool took = true;
    while (took && static_cast<int>(picked.size()) < count) {
      took = false;
      for (std::size_t i = first; i < last && static_cast<int>(picked.size()) < count; ++i) {
        if (order[i]->pool.empty() || slots[order[i]] <= 0) continue;
        picked.push_back(std::move(order[i]->pool.front()));
        order[i]->pool.pop_front();
        --slots[order[i]];
        took = true;
      }
    }
    first = last;
  }
  return picked;
}

// Guard and caller for each; those that cannot go now leave `picked`.
std::vector<IntentRequest> Scheduler::Prepare(TrunkDesk& desk,
                                              std::vector<PlannedAttempt>& picked) {
  std::vector<IntentRequest> requests;
  std::vector<PlannedAttempt> going;
  std::vector<std::pair<AttemptKey, absl::Time>> returned;
  for (PlannedAttempt& attempt : picked) {
    CampaignDesk* campaign = DeskOf(attempt.key.campaign);
    if (campaign == nullptr || !campaign->running()) continue;
    if (attempt.region.empty() && !desk.trunk.allowed_regions.empty()) {
      attempt.region = numbers_.RegionOf(attempt.to);
    }
    const DialRequest dial{attempt.to, attempt.region, attempt.time_zone, desk.slots.sends};
    const GuardVerdict verdict = GuardDial(campaign->active.campaign, desk.trunk, dial, now_);
    if (const auto* wait = std::get_if<GuardWait>(&verdict)) {
      returned.emplace_back(attempt.key, wait->until);
      continue;
    }
    if (const auto* wrong = std::get_if<GuardMisconfigured>(&verdict)) {
      Pause(*campaign, "guard: " + wrong->reason);
      campaign->pool.push_front(std::move(attempt));
      continue;
    }
    std::optional<std::string> refusal;
    if (const auto* refused = std::get_if<GuardRefusal>(&verdict)) refusal = refused->reason;
    const std::optional<PhoneNumber> caller = PickCaller(desk, attempt);
    if (!caller) {
      desk.full = true;
      campaign->pool.push_front(std::move(attempt));
      continue;
    }
    if (!refusal) {
      ++desk.slots.live_by_caller[caller->e164()];
      ++desk.slots.live;
      ++desk.slots.sends;
    }
    requests.push_back({attempt.key, *caller, std::move(refusal)});
    going.push_back(std::move(attempt));
  }
  if (!returned.empty()) Succeeded(store_.ReturnToQueue(returned, now_), "return_to_queue");
  picked = std::move(going);
  return requests;
}

// The caller of the person's last call if it has room, so that people learn
// who rings; else one by the attempt's own number, so that load spreads.
std::optional<PhoneNumber> Scheduler::PickCaller(TrunkDesk& desk, const PlannedAttempt& attempt) {
  const std::vector<PhoneNumber>& callers = desk.trunk.caller_numbers;
  const auto has_room = [&](const PhoneNumber& caller) {
    const auto it = desk.slots.live_by_caller.find(caller.e164());
    return it == desk.slots.live_by_caller.end() ||
           it->second < desk.trunk.concurrent_max_per_caller;
  };
  if (attempt.caller && has_room(*attempt.caller) &&
      std::find(callers.begin(), callers.end(), *attempt.caller) != callers.end()) {
    return attempt.caller;
  }
  const std::size_t start = std::hash<std::string>{}(attempt.to.e164()) % callers.size();
  for (std::size_t i = 0; i < callers.size(); ++i) {
    const PhoneNumber& caller = callers[(start + i) % callers.size()];
    if (has_room(caller)) return caller;
  }
  return std::nullopt;
}

void Scheduler::Settle(TrunkDesk& desk, std::vector<PlannedAttempt> picked,
                       const std::vector<IntentRequest>& requests,
                       const std::vector<IntentVerdict>& verdicts, SteadyTime intended_at) {
  bool not_holder = false;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    PlannedAttempt& attempt = picked[i];
    CampaignDesk* campaign = DeskOf(attempt.key.campaign);
    if (verdicts[i] == IntentVerdict::kGo) {
      desk.gate.Admit(attempt.key, intended_at);
      HandOver(desk, std::move(attempt), requests[i].caller);
      continue;
    }
    if (!requests[i].guard_refusal) {
      --desk.slots.live;
      --desk.slots.live_by_caller[requests[i].caller.e164()];
      --desk.slots.sends;
    }
    switch (verdicts[i]) {
      case IntentVerdict::kNumberBusy:
        campaign->waiting.push_back(
            {now_ + NumberBusyWait(campaign->active.campaign), std::move(attempt)});
        break;
      case IntentVerdict::kNoSlot:
        desk.full = true;
        campaign->pool.push_front(std::move(attempt));
        break;
      case IntentVerdict::kStopped:
        refresh_wanted_ = true;
        campaign->pool.push_front(std::move(attempt));
        break;
      case IntentVerdict::kNotHolder: not_holder = true; break;
      case IntentVerdict::kGo:
      case IntentVerdict::kWithdrawn: break;
    }
  }
  if (not_holder) LoseLease();
}

void Scheduler::HandOver(TrunkDesk& desk, PlannedAttempt attempt, const PhoneNumber& caller) {
  const AttemptKey key = attempt.key;
  const bool caller_full =
      desk.slots.live_by_caller[caller.e164()] >= desk.trunk.concurrent_max_per_caller;
  if (LogIsOn(LogLevel::kDebug)) {
    Log(LogLevel::kDebug, "call_intended",
        {{"attempt", Name(key)}, {"trunk", desk.trunk.name}, {"send", attempt.sends + 1}});
  }
  CreateCallRequest request{.attempt = key,
                            .to = attempt.to,
                            .from = caller,
                            .send_no = attempt.sends + 1,
                            .caller_full = caller_full,
                            .intended_at = now_};
  on_their_way_.insert_or_assign(key, std::move(attempt));
  {
    std::lock_guard lock(mutex_);
    ++stats_.intents;
  }
  PassOn(desk, std::move(request));
}

void Scheduler::PassOn(TrunkDesk& desk, CreateCallRequest request) {
  ++in_gateway_;
  ++desk.in_gateway;
  {
    std::lock_guard lock(mutex_);
    ++outstanding_;
  }
  gateway_.Send(desk.trunk, std::move(request), desk.gate, [this](CreateCallCompletion completion) {
    if (auto fact = FactOf(completion)) facts_.Record({completion.attempt, *std::move(fact)});
    std::function<void()> wake;
    {
      std::lock_guard lock(mutex_);
      inputs_->completions.push_back(std::move(completion));
      --outstanding_;
      wake = wake_;
    }
    if (wake) wake();
  });
}

}  // namespace tocsin::scheduler
