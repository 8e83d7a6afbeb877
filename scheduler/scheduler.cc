#include "scheduler/scheduler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "core/completion_fact.h"
#include "fmt/format.h"
#include "scheduler/desks.h"

namespace tocsin::scheduler {
namespace {

// Those of a household share an attempt.
int PeopleOn(const std::vector<PlannedAttempt>& attempts) {
  return std::accumulate(
      attempts.begin(), attempts.end(), 0,
      [](int sum, const PlannedAttempt& attempt) { return sum + attempt.people; });
}

}  // namespace

Scheduler::Scheduler(Options options, DialStore& store, CallGateway& gateway, FactSink& facts,
                     const PhoneNumberReader& numbers, const Clock& clock)
    : options_(std::move(options)),
      store_(store),
      gateway_(gateway),
      facts_(facts),
      numbers_(numbers),
      clock_(clock),
      inputs_(std::make_unique<Inputs>()) {
  // Operations of two lives of one node must not look alike.
  std::random_device random;
  operation_salt_ = (static_cast<std::uint64_t>(random()) << 32) | random();
}

Scheduler::~Scheduler() {
  for (auto& [id, desk] : trunks_) desk->gate.Close();
}

SteadyTime Scheduler::Step() {
  now_ = clock_.Now();
  const SteadyTime before = std::exchange(steady_, clock_.Steady());
  for (auto& [id, desk] : trunks_) NoteStrain(*desk, steady_ - before);
  {
    std::lock_guard lock(mutex_);
    stats_.stepped_at = steady_;
  }
  TakeInputs();
  if (steady_ < retry_after_error_) return retry_after_error_;
  KeepLease();
  if (epoch_ == 0) return ask_lease_at_;
  if (refresh_wanted_ || steady_ >= refresh_at_) Refresh();
  bool draining;
  {
    std::lock_guard lock(mutex_);
    draining = draining_;
  }
  if (!draining && taken_over_) {
    // By priority, so that a higher one claims and intends first.
    std::vector<CampaignDesk*> order;
    for (auto& [id, desk] : campaigns_) order.push_back(desk.get());
    std::stable_sort(order.begin(), order.end(), [](const CampaignDesk* a, const CampaignDesk* b) {
      return a->active.campaign.spec.priority > b->active.campaign.spec.priority;
    });
    for (CampaignDesk* desk : order) Attend(*desk);
    for (auto& [id, desk] : trunks_) {
      Probe(*desk);
      RepeatUnresolved(*desk);
      Intend(*desk);
    }
  }
  return NextWake();
}

// A commit that takes long once is no strain yet: what lasts counts.
void Scheduler::NoteStrain(TrunkDesk& desk, std::chrono::duration<double> passed) {
  const double weight = std::clamp(passed / kStrainLasts, 0.0, 1.0);
  desk.strain += weight * (facts_.Strain(desk.trunk.id) - desk.strain);
  // Said once for each time that it lasts.
  constexpr double kWorthSaying = 0.25, kOver = 0.02;
  if (!desk.held_back && desk.strain > kWorthSaying) {
    desk.held_back = true;
    Log(LogLevel::kWarn, "sends_held_back",
        {{"trunk", desk.trunk.name}, {"because", "events come late"}});
  } else if (desk.held_back && desk.strain < kOver) {
    desk.held_back = false;
    Log(LogLevel::kInfo, "sends_no_longer_held_back", {{"trunk", desk.trunk.name}});
  }
}

// --- What came in -----------------------------------------------------------

void Scheduler::OnAttemptChange(const AttemptChange& change) {
  if (!change.ended_now && !change.given_back_now && change.new_facts == 0) return;
  std::function<void()> wake;
  {
    std::lock_guard lock(mutex_);
    inputs_->changes.push_back(change);
    if (change.ended_now || change.given_back_now) wake = wake_;
  }
  if (wake) wake();
}

void Scheduler::OnChange(std::string_view channel) {
  std::function<void()> wake;
  {
    std::lock_guard lock(mutex_);
    if (channel == "campaigns") inputs_->campaigns_changed = true;
    if (channel == "due") inputs_->due_changed = true;
    if (channel == "slots") inputs_->slots_changed = true;
    if (channel == "lease") inputs_->lease_freed = true;
    wake = wake_;
  }
  if (wake) wake();
}

void Scheduler::SetWaker(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void Scheduler::TakeInputs() {
  Inputs inputs;
  {
    std::lock_guard lock(mutex_);
    std::swap(inputs, *inputs_);
  }
  for (const CreateCallCompletion& completion : inputs.completions) TakeCompletion(completion);
  for (const AttemptChange& change : inputs.changes) TakeChange(change);
  for (const TrunkId trunk : std::exchange(paused_trunks_, {})) PauseTrunk(trunk);
  if (inputs.campaigns_changed) refresh_wanted_ = true;
  // Every call that is tried again says so: while there are many, they are read
  // together; while others are due already, there is no hurry.
  if (inputs.due_changed && AnybodyLacksPeople()) {
    refresh_at_ = std::min(refresh_at_, refreshed_at_ + kRefreshApart);
  }
  // Whoever gave it up was told to stop: it need not be waited for.
  if (inputs.lease_freed && epoch_ == 0) ask_lease_at_ = steady_;
  if (inputs.slots_changed) {
    for (auto& [id, desk] : trunks_) desk->slots_stale = true;
  }
}

void Scheduler::TakeCompletion(const CreateCallCompletion& completion) {
  --in_gateway_;
  const CampaignDesk* campaign = DeskOf(completion.attempt.campaign);
  std::lock_guard lock(mutex_);
  for (auto& [id, desk] : trunks_) {
    if (campaign != nullptr && desk->trunk.name != campaign->active.campaign.spec.trunk) continue;
    if (campaign == nullptr && desk->in_gateway == 0) continue;
    --desk->in_gateway;
    desk->gate.Withdraw(completion.attempt);
    if (completion.repetition > 0) repeating_.erase(completion.attempt);
    const TrunkBreaker::State before = desk->breaker.state();
    if (const auto* throttled = std::get_if<CallThrottled>(&completion.result)) {
      desk->breaker.Answered();
      const absl::Duration wait = std::max(
          throttled->retry_after, absl::Milliseconds(500) * (1 << std::min(desk->throttles, 6)));
      ++desk->throttles;
      ++stats_.given_back;
      desk->gate.HoldUntil(steady_ + absl::ToChronoNanoseconds(wait));
      if (throttled->until_looked_at) paused_trunks_.insert(id);
    } else if (const auto* not_sent = std::get_if<CallNotSent>(&completion.result)) {
      ++stats_.given_back;
      // A permit that was refused says nothing about the trunk.
      if (not_sent->reason != kNoPermit) desk->breaker.Failed(now_);
    } else if (std::holds_alternative<CallOutcomeUnknown>(completion.result)) {
      ++stats_.sent;
      ++stats_.unknown;
      desk->breaker.Failed(now_);
      if (RepeatsSafely(desk->trunk.dialect)) desk->repeat_at = steady_ + kRepeatEvery;
    } else {
      ++stats_.sent;
      desk->throttles = 0;
      desk->breaker.Answered();
    }
    TellBreaker(*desk, before);
    return;
  }
}

// An operator sees a campaign that stands still, and has to learn why.
void Scheduler::TellBreaker(const TrunkDesk& desk, TrunkBreaker::State before) {
  const TrunkBreaker::State now = desk.breaker.state();
  if (now == TrunkBreaker::State::kOpen && before != now) {
    Log(LogLevel::kError, "trunk_stopped",
        {{"trunk", desk.trunk.name},
         {"endpoint", desk.trunk.endpoint},
         {"why", "a run of requests without an answer; it goes on when the endpoint answers"}});
  } else if (now == TrunkBreaker::State::kClosed && before != now) {
    Log(LogLevel::kInfo, "trunk_goes_on", {{"trunk", desk.trunk.name}});
  }
}

void Scheduler::TakeChange(const AttemptChange& change) {
  if (change.ended_now) {
    if (const auto it = trunks_.find(change.trunk); it != trunks_.end()) {
      it->second->slots_stale = true;
    }
    if (change.view.remedy == Remedy::kPauseTrunk) paused_trunks_.insert(change.trunk);
    // It may have been the last one, or have put somebody back into the queue.
    refresh_at_ = std::min(refresh_at_, steady_ + kRefreshEvery);
  }
  const auto it = on_their_way_.find(change.attempt);
  if (it == on_their_way_.end()) return;
  if (change.given_back_now) {
    PlannedAttempt attempt = std::move(it->second);
    on_their_way_.erase(it);
    attempt.sends = change.view.sends;
    if (CampaignDesk* desk = DeskOf(change.attempt.campaign)) {
      desk->waiting.push_back({change.retry_send_at, std::move(attempt)});
    }
  } else if (change.view.sends > it->second.sends || change.ended_now) {
    on_their_way_.erase(it);
  }
}

// --- The lease --------------------------------------------------------------

void Scheduler::KeepLease() {
  if (steady_ < ask_lease_at_) return;
  const absl::StatusOr<Lease> lease =
      store_.AcquireLease(options_.group, options_.node, options_.lease_length);
  const auto third = absl::ToChronoNanoseconds(options_.lease_length / 3);
  ask_lease_at_ = steady_ + third;
  if (!Succeeded(lease.status(), "acquire_lease")) {
    ask_lease_at_ = steady_ + kPauseAfterError;
    if (epoch_ != 0 && steady_ >= lease_valid_until_) LoseLease();
    return;
  }
  if (!lease->held) {
    if (epoch_ != 0) LoseLease();
    ask_lease_at_ =
        steady_ + std::clamp(absl::ToChronoNanoseconds(lease->remaining),
                             std::chrono::nanoseconds(std::chrono::milliseconds(50)), third);
    return;
  }
  if (epoch_ == 0 && lease->epoch == last_epoch_) {
    // We led under this epoch and forgot what we had planned. A new one lets
    // us take it over like a successor.
    Succeeded(store_.ReleaseLease(options_.group, options_.node, lease->epoch), "release_lease");
    ask_lease_at_ = steady_;
    return;
  }
  if (lease->epoch != epoch_) BeginLeading(lease->epoch);
  // Counted from before it was asked for: ours runs out first.
  lease_valid_until_ = steady_ + absl::ToChronoNanoseconds(options_.lease_length) - options_.guard;
  for (auto& [id, desk] : trunks_) desk->gate.SetLeaseValidUntil(lease_valid_until_);
}

void Scheduler::BeginLeading(std::int64_t epoch) {
  if (epoch_ != 0) LoseLease();
  epoch_ = epoch;
  last_epoch_ = epoch;
  taken_over_ = false;
  // From now, not from before we asked: who gave it back may have sent meanwhile.
  lead_from_ = clock_.Steady() + kSuccessorWait + options_.guard;
  for (auto& [id, desk] : trunks_) desk->gate.HoldUntil(lead_from_);
  refresh_wanted_ = true;
  {
    std::lock_guard lock(mutex_);
    stats_.leading = true;
    stats_.epoch = epoch;
    ++stats_.leases_taken;
  }
  Log(LogLevel::kInfo, "pacer_lease_taken", {{"group", options_.group}, {"epoch", epoch}});
}

void Scheduler::LoseLease() {
  {
    std::lock_guard lock(mutex_);
    ++stats_.leases_lost;
  }
  Log(LogLevel::kWarn, "pacer_lease_lost", {{"group", options_.group}, {"epoch", epoch_}});
  StopLeading();
}

void Scheduler::StopLeading() {
  epoch_ = 0;
  {
    std::lock_guard lock(mutex_);
    stats_.leading = false;
    stats_.trunks.clear();
  }
  for (auto& [id, desk] : trunks_) {
    desk->gate.SetLeaseValidUntil(SteadyTime{});
    desk->repeat_at = SteadyTime{};
  }
  // What is planned belongs to whoever leads next; it is in the database.
  campaigns_.clear();
  on_their_way_.clear();
}

void Scheduler::Drain() {
  std::lock_guard lock(mutex_);
  draining_ = true;
}

bool Scheduler::idle() const {
  std::lock_guard lock(mutex_);
  return outstanding_ == 0;
}

void Scheduler::ReleaseLease() {
  if (epoch_ == 0) return;
  const absl::Status released = store_.ReleaseLease(options_.group, options_.node, epoch_);
  if (!released.ok()) {
    Log(LogLevel::kWarn, "pacer_lease_not_released", {{"error", Message(released)}});
  }
  Log(LogLevel::kInfo, "pacer_lease_released", {{"group", options_.group}, {"epoch", epoch_}});
  StopLeading();
}

Scheduler::Stats Scheduler::stats() const {
  std::lock_guard lock(mutex_);
  Stats stats = stats_;
  return stats;
}

void Scheduler::WriteMetrics(MetricsPage& page) const {
  const Stats now = stats();
  page.Gauge("tocsin_pacer_leading", "1 on the node that holds the pacer's lease.", now.leading);
  page.Gauge("tocsin_pacer_epoch", "Of the lease that was held last.",
             static_cast<double>(now.epoch));
  const auto count = [&page](std::string_view name, std::string_view help, std::int64_t value) {
    page.Counter(name, help, static_cast<double>(value));
  };
  count("tocsin_pacer_leases_taken_total", "Times the lease was taken.", now.leases_taken);
  count("tocsin_pacer_leases_lost_total", "Times the lease was lost to time or to another node.",
        now.leases_lost);
  count("tocsin_claims_total", "Attempts claimed from the due queue.", now.claims);
  count("tocsin_intents_total", "Attempts committed to.", now.intents);
  count("tocsin_sends_given_back_total", "Sends that reached nobody.", now.given_back);
  count("tocsin_sends_unknown_total", "Sends of which nobody knows whether somebody rang.",
        now.unknown);
  count("tocsin_sends_repeated_total", "Sends of unknown fate that were sent again under their id.",
        now.repeated);
  count("tocsin_scheduler_store_errors_total", "Calls of the database that failed.",
        now.store_errors);
  page.Histogram("tocsin_pacer_wait_seconds", "How long sends waited for their slot.", pace_.waits);
  page.Histogram("tocsin_pacer_late_seconds",
                 "How far behind their slot sends left that had waited for it.", pace_.late);
  count("tocsin_pacer_slots_missed_total", "Slots that went by while a send waited for one.",
        static_cast<std::int64_t>(pace_.slots_missed.load()));
  for (const auto& [name, trunk] : now.trunks) {
    const MetricsPage::Labels labels = {{"trunk", name}};
    page.Gauge("tocsin_trunk_calls_per_second_limit", "What the trunk may send.",
               trunk.calls_per_second, labels);
    page.Gauge("tocsin_trunk_strain_ratio",
               "How much is held back because events come late, 0 to 1.", trunk.strain, labels);
    page.Gauge("tocsin_trunk_stopped", "1 while a run of unknown answers has stopped the trunk.",
               trunk.stopped, labels);
  }
}

// Whether a campaign knows of nobody whom it could claim now.
bool Scheduler::AnybodyLacksPeople() const {
  return std::any_of(campaigns_.begin(), campaigns_.end(), [this](const auto& entry) {
    const CampaignDesk& desk = *entry.second;
    const auto& next_due = desk.active.next_due;
    return desk.running() && (desk.exhausted || !next_due || *next_due > now_);
  });
}

// --- What there is to do ----------------------------------------------------

void Scheduler::Refresh() {
  // While calls go out and come back, retries fall due at any moment; else only
  // commands change anything, and those wake us.
  const bool busy = !on_their_way_.empty() ||
                    std::any_of(campaigns_.begin(), campaigns_.end(), [](const auto& entry) {
                      return !entry.second->pool.empty() || entry.second->active.live > 0;
                    });
  refreshed_at_ = steady_;
  refresh_at_ = steady_ + (busy ? kRefreshEvery : kRefreshIdleEvery);
  if (!taken_over_) {
    const absl::StatusOr<int> unresolved = store_.TakeOver(options_.group, epoch_, now_);
    if (!Succeeded(unresolved.status(), "take_over")) return;
    taken_over_ = true;
    if (*unresolved > 0) {
      Log(LogLevel::kWarn, "attempts_unresolved_after_take_over", {{"attempts", *unresolved}});
    }
  }
  if (!Succeeded(RefreshTrunks(), "list_trunks")) return;
  if (!Succeeded(RefreshCampaigns(), "list_active_campaigns")) return;
  refresh_wanted_ = false;
}

absl::Status Scheduler::RefreshTrunks() {
  TOCSIN_ASSIGN_OR_RETURN(const std::vector<Trunk> trunks, store_.ListTrunks());
  for (const Trunk& trunk : trunks) {
    auto& desk = trunks_[trunk.id];
    if (desk == nullptr) {
      desk = std::make_unique<TrunkDesk>(trunk, options_.guard, clock_);
      desk->gate.MeasureInto(&pace_);
      desk->gate.SetLeaseValidUntil(lease_valid_until_);
      desk->gate.HoldUntil(lead_from_);
    }
    desk->trunk = trunk;
    desk->gate.SetRate(trunk.calls_per_second);
    std::lock_guard lock(mutex_);
    stats_.trunks[trunk.name] = {trunk.calls_per_second, desk->strain,
                                 desk->breaker.state() != TrunkBreaker::State::kClosed};
  }
  return absl::OkStatus();
}

absl::Status Scheduler::RefreshCampaigns() {
  TOCSIN_ASSIGN_OR_RETURN(std::vector<ActiveCampaign> active, store_.ListActiveCampaigns());
  std::set<CampaignId> listed;
  std::set<CampaignId> running;
  for (ActiveCampaign& campaign : active) {
    const CampaignId id = campaign.campaign.id;
    listed.insert(id);
    auto& desk = campaigns_[id];
    if (desk == nullptr) desk = std::make_unique<CampaignDesk>();
    const bool was_running = desk->running();
    desk->active = std::move(campaign);
    desk->exhausted = false;
    // More are planned than we know of: somebody who sent under an older epoch has
    // learnt only now that nobody was rung, and gave the attempt back.
    if (desk->active.planned > desk->planned()) desk->adopted = false;
    if (!desk->running()) continue;
    if (!was_running) desk->breaker = CampaignBreaker();
    running.insert(id);
  }
  std::erase_if(campaigns_, [&](const auto& entry) { return !listed.contains(entry.first); });
  for (auto& [id, desk] : trunks_) {
    desk->gate.SetRunning(running);
    for (auto& [campaign, campaign_desk] : campaigns_) {
      desk->gate.SetCampaignRate(campaign, campaign_desk->active.campaign.spec.calls_per_second);
    }
  }
  return absl::OkStatus();
}

void Scheduler::Attend(CampaignDesk& desk) {
  if (desk.active.campaign.state == CampaignState::kCanceling) {
    Conclude(desk, Outcome::kCanceled);
    return;
  }
  if (!desk.running()) return;
  if (desk.expired(now_)) {
    Conclude(desk, Outcome::kExpired);
    return;
  }
  if (desk.active.live > 0 || !desk.pool.empty()) LookAtBreaker(desk);
  if (desk.running()) Claim(desk);
}

void Scheduler::LookAtBreaker(CampaignDesk& desk) {
  if (steady_ < desk.looked_at + std::chrono::seconds(1)) return;
  desk.looked_at = steady_;
  const CampaignId id = desk.active.campaign.id;
  const absl::StatusOr<CampaignProgress> progress = store_.GetProgress(id);
  if (!Succeeded(progress.status(), "get_progress")) return;
  const auto reason = desk.breaker.Look(desk.active.campaign, *progress);
  if (!reason) return;
  Pause(desk, *reason);
}

// Nothing of it leaves any more; true if that is in the database too.
void Scheduler::Pause(CampaignDesk& desk, const std::string& reason) {
  const CampaignId id = desk.active.campaign.id;
  for (auto& [trunk, trunk_desk] : trunks_) trunk_desk->gate.Stop(id);
  refresh_wanted_ = true;
  if (!Succeeded(store_.PauseCampaign(id, reason, now_), "pause_campaign")) return;
  Log(LogLevel::kError, "campaign_paused", {{"campaign", id.value()}, {"reason", reason}});
  desk.active.campaign.state = CampaignState::kPaused;
}

// The provider will take no more calls on it, however long we wait.
void Scheduler::PauseTrunk(TrunkId trunk) {
  const auto found = trunks_.find(trunk);
  if (found == trunks_.end()) return;
  const std::string& name = found->second->trunk.name;
  for (auto& [id, desk] : campaigns_) {
    if (!desk->running() || desk->active.campaign.spec.trunk != name) continue;
    Pause(*desk,
          fmt::format("trunk {}: the provider's limit of calls in a month is reached (8529); have "
                      "it raised, then resume",
                      name));
  }
}

// Nobody is rung any more; whoever waits gets an outcome, a batch a step.
void Scheduler::Conclude(CampaignDesk& desk, Outcome otherwise) {
  constexpr int kBatch = 2000;
  const CampaignId id = desk.active.campaign.id;
  for (auto& [trunk, trunk_desk] : trunks_) trunk_desk->gate.Stop(id);
  desk.pool.clear();
  desk.waiting.clear();
  const absl::StatusOr<int> concluded = store_.ConcludeRecipients(id, otherwise, kBatch, now_);
  if (!Succeeded(concluded.status(), "conclude_recipients")) return;
  if (*concluded > 0) {
    refresh_wanted_ = true;
    return;
  }
  const absl::StatusOr<bool> ended = store_.CompleteIfDone(id, now_);
  if (Succeeded(ended.status(), "complete") && *ended) refresh_wanted_ = true;
}

void Scheduler::Claim(CampaignDesk& desk) {
  const ActiveCampaign& active = desk.active;
  const double trunk_rate = [&] {
    for (auto& [id, trunk] : trunks_) {
      if (trunk->trunk.name == active.campaign.spec.trunk) return trunk->trunk.calls_per_second;
    }
    return 0.0;
  }();
  if (trunk_rate <= 0) return;
  const double own = active.campaign.spec.calls_per_second;
  const double rate = own > 0 ? std::min(own, trunk_rate) : trunk_rate;
  const int wanted = static_cast<int>(std::clamp(std::ceil(rate), 4.0, 2000.0));
  const int have = static_cast<int>(desk.pool.size());
  const int batch = std::min(wanted / 2, kClaimMax);
  const bool due = active.next_due && *active.next_due <= now_;
  if (have <= wanted - batch && (!desk.adopted || (due && !desk.exhausted))) {
    if (!desk.claim) desk.claim = {NewOperation(), batch, !desk.adopted};
    const CampaignDesk::Claim claim = *desk.claim;
    auto claimed =
        claim.adopts
            ? store_.AdoptPlanned(claim.operation, active.campaign.id, epoch_, claim.limit, now_)
            : store_.ClaimDue(claim.operation, active.campaign.id, epoch_, claim.limit, now_);
    if (claimed.status().code() != absl::StatusCode::kUnknown) desk.claim.reset();
    if (!Succeeded(claimed.status(), claim.adopts ? "adopt_planned" : "claim_due")) return;
    const int got = static_cast<int>(claimed->size());
    if (claim.adopts && got < claim.limit) desk.adopted = true;
    if (!claim.adopts && PeopleOn(*claimed) < claim.limit) desk.exhausted = true;
    std::move(claimed->begin(), claimed->end(), std::back_inserter(desk.pool));
    std::lock_guard lock(mutex_);
    stats_.claims += got;
  }
  const bool nobody = desk.pool.empty() && desk.waiting.empty() && !active.next_due &&
                      active.live == 0 && desk.adopted;
  if (!nobody) return;
  const absl::StatusOr<bool> ended = store_.CompleteIfDone(active.campaign.id, now_);
  if (Succeeded(ended.status(), "complete") && *ended) {
    Log(LogLevel::kInfo, "campaign_completed", {{"campaign", active.campaign.id.value()}});
    refresh_wanted_ = true;
  }
}

// --- When to come back ------------------------------------------------------

SteadyTime Scheduler::At(absl::Time time) const {
  if (time <= now_) return steady_;
  const absl::Duration wait = std::min(time - now_, absl::Hours(1));
  return steady_ + absl::ToChronoNanoseconds(wait);
}

SteadyTime Scheduler::NextWake() {
  const SteadyTime soon = steady_ + kStepsApart;
  SteadyTime wake = std::min(ask_lease_at_, refresh_at_);
  if (refresh_wanted_) wake = soon;
  bool ready = false;
  for (auto& [id, desk] : campaigns_) {
    if (!desk->running()) continue;
    for (const Waiting& waiting : desk->waiting) wake = std::min(wake, At(waiting.not_before));
    if (desk->active.next_due && !desk->exhausted)
      wake = std::min(wake, At(*desk->active.next_due));
    ready |= !desk->pool.empty();
  }
  for (auto& [id, desk] : trunks_) {
    if (const auto probe_at = desk->breaker.probe_at()) wake = std::min(wake, At(*probe_at));
    if (desk->repeat_at && *desk->repeat_at > steady_) wake = std::min(wake, *desk->repeat_at);
    if (!ready || desk->breaker.state() != TrunkBreaker::State::kClosed) continue;
    // Full: a freed slot or a completion wakes us. Else the next slot does.
    const SteadyTime slot =
        desk->full ? steady_ + kRecountAfter
                   : desk->gate.NextSlot(steady_, desk->gate.admitted()) - kIntentHorizon;
    wake = std::min(wake, std::max(slot, soon));
  }
  return std::max(wake, soon);
}

Scheduler::CampaignDesk* Scheduler::DeskOf(CampaignId campaign) {
  const auto it = campaigns_.find(campaign);
  return it == campaigns_.end() ? nullptr : it->second.get();
}

OperationId Scheduler::NewOperation() {
  return {operation_salt_, ++operations_};
}

bool Scheduler::Succeeded(const absl::Status& status, std::string_view what) {
  if (status.ok()) return true;
  Log(LogLevel::kWarn, "scheduler_store_error", {{"what", what}, {"error", Message(status)}});
  retry_after_error_ = steady_ + kPauseAfterError;
  std::lock_guard lock(mutex_);
  ++stats_.store_errors;
  return false;
}

}  // namespace tocsin::scheduler
