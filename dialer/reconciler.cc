#include "dialer/reconciler.h"

#include <optional>
#include <vector>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/this_thread.h"
#include "core/attempt_name.h"

namespace tocsin::dialer {

Reconciler::Reconciler(Options options, DialStore& store, FactRecorder& recorder,
                       ActionSender& sender, const Clock& clock)
    : options_(options),
      store_(store),
      recorder_(recorder),
      sender_(sender),
      clock_(clock),
      alarm_(clock),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Reconciler::~Reconciler() {
  Stop();
}

void Reconciler::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Reconciler::Run(const std::stop_token& stop) {
  NameThisThread("reconcile");
  bool failing = false;
  while (!stop.stop_requested()) {
    const absl::Status swept = Sweep();
    sweeps_.fetch_add(1, std::memory_order_relaxed);
    if (!swept.ok()) {
      failures_.fetch_add(1, std::memory_order_relaxed);
      // Once each time, not every few seconds while the database is away.
      if (!failing) Log(LogLevel::kWarn, "sweep_failed", {{"error", Message(swept)}});
    }
    failing = !swept.ok();
    alarm_.Wait(clock_.Steady() + absl::ToChronoNanoseconds(options_.interval), stop);
  }
}

absl::Status Reconciler::Sweep() {
  TOCSIN_RETURN_IF_ERROR(OrderHangUps());
  TOCSIN_RETURN_IF_ERROR(LookAtLiveAttempts());
  return SendActionsAgain();
}

absl::Status Reconciler::LookAtLiveAttempts() {
  AttemptKey after;
  while (true) {
    TOCSIN_ASSIGN_OR_RETURN(const auto page, store_.ListLiveAttempts(after, options_.page));
    for (const AttemptKey& attempt : page) {
      if (recorder_.IsArmed(attempt)) continue;
      if (LogIsOn(LogLevel::kDebug)) {
        Log(LogLevel::kDebug, "attempt_found_by_sweeper", {{"attempt", Name(attempt)}});
      }
      recorder_.Record({attempt, std::nullopt});
      looked_at_.fetch_add(1, std::memory_order_relaxed);
    }
    if (page.size() < static_cast<std::size_t>(options_.page)) return absl::OkStatus();
    after = page.back();
  }
}

absl::Status Reconciler::SendActionsAgain() {
  const absl::Time now = clock_.Now();
  while (true) {
    TOCSIN_ASSIGN_OR_RETURN(
        const auto pending,
        store_.ClaimPendingActions(now - options_.action_patience, options_.page, now));
    for (const PendingAction& action : pending) {
      if (LogIsOn(LogLevel::kDebug)) {
        Log(LogLevel::kDebug, "action_found_by_sweeper",
            {{"attempt", Name(action.call.attempt)}, {"action", Name(action.action.kind)}});
      }
      sender_.CarryOut(action.call, {action.action});
      actions_again_.fetch_add(1, std::memory_order_relaxed);
    }
    if (pending.size() < static_cast<std::size_t>(options_.page)) return absl::OkStatus();
  }
}

absl::Status Reconciler::OrderHangUps() {
  TOCSIN_ASSIGN_OR_RETURN(const auto campaigns, store_.ListActiveCampaigns());
  for (const ActiveCampaign& active : campaigns) {
    const Campaign& campaign = active.campaign;
    if (campaign.state != CampaignState::kCanceling) continue;
    if (campaign.cancel_mode != CancelMode::kHangUp) continue;
    TOCSIN_ASSIGN_OR_RETURN(const auto owed, store_.ListHangUpsOwed(campaign.id, options_.page));
    for (const AttemptKey& attempt : owed) {
      Fact fact;
      fact.kind = FactKind::kHangUpOrdered;
      fact.at = clock_.Now();
      fact.received_at = fact.at;
      fact.key = OwnFactKey(fact.kind, 0);
      if (LogIsOn(LogLevel::kDebug)) {
        Log(LogLevel::kDebug, "hang_up_ordered", {{"attempt", Name(attempt)}});
      }
      recorder_.Record({attempt, std::move(fact)});
      hang_ups_ordered_.fetch_add(1, std::memory_order_relaxed);
    }
    // More than one page: the rest once these are committed.
    if (owed.size() >= static_cast<std::size_t>(options_.page)) alarm_.Ring();
  }
  return absl::OkStatus();
}

ReconcilerCounters Reconciler::counters() const {
  return {.sweeps = sweeps_.load(),
          .failures = failures_.load(),
          .looked_at = looked_at_.load(),
          .actions_again = actions_again_.load(),
          .hang_ups_ordered = hang_ups_ordered_.load()};
}

}  // namespace tocsin::dialer
