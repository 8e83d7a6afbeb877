#include "tests/sim/world.h"

#include <algorithm>

#include "base/check.h"
#include "core/completion_fact.h"
#include "fmt/format.h"
#include "scheduler/pace_gate.h"

namespace tocsin::sim {
namespace {

constexpr absl::Duration kSweepEvery = absl::Seconds(5);
constexpr absl::Duration kMessage = absl::Seconds(12);

class NoReader final : public PhoneNumberReader {
 public:
  absl::StatusOr<PhoneNumber> Read(std::string_view text, std::string_view) const override {
    return PhoneNumber::Parse(text);
  }
  std::string RegionOf(const PhoneNumber&) const override { return "US"; }
};

PhoneNumber Synthetic(int n) {
  return *PhoneNumber::Parse(fmt::format("+1{:03}55501{:02}", 202 + n / 100, n % 100));
}

}  // namespace

World::World(const Options& options)
    : options_(options),
      random_(options.seed),
      clock_(absl::FromCivil(absl::CivilSecond(2026, 3, 3, 14, 0, 0), absl::UTCTimeZone())) {
  store_.SetLeaseClock(clock_.Now());
  Trunk trunk;
  trunk.name = "local";
  trunk.endpoint = "http://127.0.0.1:1";
  trunk.calls_per_second = options_.break_pacing ? options_.rate * 2 : options_.rate;
  trunk.concurrent_max = options_.concurrent_max;
  trunk.concurrent_max_per_caller = options_.concurrent_max;
  trunk.caller_numbers = {Synthetic(9000), Synthetic(9001)};
  trunk.dialect = options_.dialect;
  TOCSIN_CHECK(store_.SaveTrunk(trunk, clock_.Now()).ok());
  CampaignSpec spec = options_.spec;
  spec.name = "simulated";
  spec.purpose = "test";
  spec.synthetic = true;
  spec.flow.audio_uri = "http://127.0.0.1:1/outage.wav";
  const ApiRequest request{TenantId(1), "", "", "sim"};
  campaign_ = store_.CreateCampaign(request, spec, clock_.Now())->id;
  const ImportId import = store_.BeginImport(request, campaign_, clock_.Now())->id;
  std::vector<ImportRow> rows;
  const char* zones[] = {"", "America/New_York", "America/Los_Angeles", "Pacific/Honolulu"};
  for (int i = 0; i < options_.people; ++i) {
    ImportRow row;
    row.line = i + 1;
    row.person_key = fmt::format("p{}", i);
    // Every tenth shares a number with a neighbour; every seventh has two.
    row.numbers = {Synthetic(i % 10 == 9 ? i - 1 : i)};
    if (i % 7 == 0) row.numbers.push_back(Synthetic(5000 + i));
    row.time_zone = zones[i % 4];
    rows.push_back(std::move(row));
  }
  TOCSIN_CHECK(store_.ImportBatch(import, 1, rows, {}, clock_.Now()).ok());
  TOCSIN_CHECK(store_.FinishImport(import, clock_.Now()).ok());
  Command(CampaignCommand::kStart);
  StartProcess();
}

World::~World() = default;

bool World::Chance(double probability) {
  return std::uniform_real_distribution<double>(0, 1)(random_) < probability;
}

absl::Duration World::Between(absl::Duration low, absl::Duration high) {
  const double share = std::uniform_real_distribution<double>(0, 1)(random_);
  return low + (high - low) * share;
}

void World::After(absl::Duration wait, std::function<void()> what) {
  wakes_.push({clock_.Steady() + absl::ToChronoNanoseconds(wait), ++order_, std::move(what)});
}

void World::AfterInThisLife(absl::Duration wait, std::function<void()> what) {
  After(wait, [this, life = life_, what = std::move(what)] {
    if (life == life_) what();
  });
}

void World::At(absl::Duration after, std::function<void()> what) {
  After(after, std::move(what));
}

void World::Check(bool kept, const std::string& promise) {
  if (!kept && broken_.size() < 20) broken_.push_back(promise);
}

void World::Command(CampaignCommand command, CancelMode mode) {
  const ApiRequest request{TenantId(1), "", "", "sim"};
  const auto done =
      store_.CommandCampaign(request, campaign_, command, mode, "operator", clock_.Now());
  TOCSIN_CHECK(done.ok());
  if (scheduler_) {
    scheduler_->OnChange("campaigns");
    step_at_ = clock_.Steady();
  }
  if (mode == CancelMode::kHangUp) Sweep();
}

// --- The process and its threads --------------------------------------------

void World::StartProcess() {
  static const NoReader reader;
  ++life_;
  scheduler::Scheduler::Options options;
  options.node = fmt::format("node-{}", life_);
  options.lease_length = absl::Seconds(10);
  scheduler_ =
      std::make_unique<scheduler::Scheduler>(options, store_, *this, *this, reader, clock_);
  step_at_ = clock_.Steady();
  armed_.clear();
  AfterInThisLife(absl::ZeroDuration(), [this] { Sweep(); });
}

void World::Crash() {
  scheduler_.reset();
  ++life_;
  After(absl::Seconds(2), [this] { StartProcess(); });
}

void World::StepScheduler() {
  if (scheduler_) step_at_ = scheduler_->Step();
}

// The reconciler's part of the dialer: what a crash forgot is looked at again.
void World::Sweep() {
  const absl::Time now = clock_.Now();
  std::vector<AttemptInput> look;
  const std::vector<AttemptKey> live = *store_.ListLiveAttempts({}, 100000);
  for (const AttemptKey& key : live) {
    if (!armed_.contains(key)) look.push_back({key, std::nullopt});
  }
  const std::vector<AttemptKey> owed = *store_.ListHangUpsOwed(campaign_, 100000);
  for (const AttemptKey& key : owed) {
    Fact fact;
    fact.kind = FactKind::kHangUpOrdered;
    fact.at = fact.received_at = now;
    fact.key = OwnFactKey(fact.kind, 0);
    look.push_back({key, fact});
  }
  if (!look.empty()) RecordAll(std::move(look));
  const std::vector<PendingAction> unanswered =
      *store_.ClaimPendingActions(now - absl::Seconds(10), 1000, now);
  for (const PendingAction& pending : unanswered) {
    CarryOut(pending.call, pending.action);
  }
  AfterInThisLife(kSweepEvery, [this] { Sweep(); });
}

void World::RecordAll(std::vector<AttemptInput> inputs) {
  const auto changes = store_.RecordFacts(inputs, clock_.Now());
  TOCSIN_CHECK(changes.ok());
  for (const AttemptChange& change : *changes) {
    for (const Action& action : change.new_actions) {
      AfterInThisLife(Between(absl::Milliseconds(1), absl::Milliseconds(50)),
                      [this, call = *change.call, action] { CarryOut(call, action); });
    }
    if (change.wake) {
      armed_[change.attempt] = *change.wake;
      AfterInThisLife(std::max(*change.wake - clock_.Now(), absl::ZeroDuration()),
                      [this, key = change.attempt] { RecordAll({{key, std::nullopt}}); });
    } else {
      armed_.erase(change.attempt);
    }
    if (scheduler_) scheduler_->OnAttemptChange(change);
    if (change.ended_now || change.given_back_now) {
      step_at_ = std::min(step_at_, clock_.Steady() + std::chrono::milliseconds(5));
    }
  }
}

// --- The road to the carrier ------------------------------------------------

void World::Send(const Trunk&, CreateCallRequest request, SendPermit& permit, Done done) {
  auto* gate = dynamic_cast<scheduler::PaceGate*>(&permit);
  TOCSIN_CHECK(gate != nullptr);
  if (Chance(options_.faults.no_connection)) {
    AfterInThisLife(absl::Milliseconds(1), [this, request, done] {
      done(Completion(request, CallNotSent{"connection refused"}, clock_.Now()));
      step_at_ = std::min(step_at_, clock_.Steady() + std::chrono::milliseconds(5));
    });
    return;
  }
  TrySend(std::move(request), gate, std::move(done));
}

CreateCallCompletion World::Completion(const CreateCallRequest& request, CreateCallResult result,
                                       absl::Time sent_at) const {
  return {.attempt = request.attempt,
          .send_no = request.send_no,
          .caller_full = request.caller_full,
          .repetition = request.repetition,
          .result = std::move(result),
          .sent_at = sent_at,
          .answered_at = clock_.Now()};
}

void World::TrySend(CreateCallRequest request, scheduler::PaceGate* gate, Done done) {
  const auto answer = gate->TryAcquire(request, clock_.Steady());
  if (const auto* wait = std::get_if<scheduler::PaceGate::WaitUntil>(&answer); wait != nullptr) {
    AfterInThisLife(absl::FromChrono(wait->at - clock_.Steady()),
                    [this, request, gate, done] { TrySend(request, gate, done); });
    return;
  }
  if (std::holds_alternative<scheduler::PaceGate::Denied>(answer)) {
    AfterInThisLife(absl::ZeroDuration(), [this, request, done] {
      done(Completion(request, CallNotSent{kNoPermit}, clock_.Now()));
    });
    return;
  }
  Deliver(request, std::move(done), clock_.Now());
}

void World::Deliver(const CreateCallRequest& request, Done done, absl::Time sent_at) {
  const auto complete = [&](absl::Duration wait, CreateCallResult result) {
    AfterInThisLife(wait, [this, request, done, sent_at, result = std::move(result)] {
      done(Completion(request, result, sent_at));
      step_at_ = std::min(step_at_, clock_.Steady() + std::chrono::milliseconds(5));
    });
  };
  const Faults& faults = options_.faults;
  const absl::Duration latency = Between(absl::Milliseconds(2), absl::Milliseconds(200));
  if (Chance(faults.not_sent)) return complete(latency, CallNotSent{"connection refused"});
  sends_.push_back(clock_.Steady());
  const std::size_t rate = static_cast<std::size_t>(options_.rate);
  if (sends_.size() > rate) {
    Check(sends_.back() - sends_[sends_.size() - 1 - rate] >= std::chrono::seconds(1),
          fmt::format("P3: more than {} sends in a rolling second", rate));
  }
  if (Chance(faults.request_lost))
    return complete(absl::Seconds(10), CallOutcomeUnknown{"timeout"});
  const bool used_up = options_.monthly_limit > 0 && calls_placed() >= options_.monthly_limit;
  if (used_up && limited_) return complete(latency, CallThrottled{.until_looked_at = true});
  if (Chance(faults.throttled)) return complete(latency, CallThrottled{absl::Seconds(2)});
  std::string& known = calls_by_send_[{request.attempt, request.send_no}];
  Check(request.repetition > 0 || known.empty(), "P2: a send was placed twice");
  if (!known.empty()) return complete(latency, CallAccepted{known});
  if (Chance(faults.refused)) return complete(latency, CallRefused{400, "bad request"});
  Call call;
  call.id = fmt::format("leg-{}", calls_.size());
  call.attempt = request.attempt;
  call.number = request.to.e164();
  known = call.id;
  PlaceCall(call);
  if (Chance(faults.answer_lost)) return complete(absl::Seconds(10), CallOutcomeUnknown{"timeout"});
  complete(latency, CallAccepted{call.id});
}

// --- The carrier ------------------------------------------------------------

void World::PlaceCall(const Call& call) {
  const int live = ++live_by_number_[call.number];
  Check(live == 1, fmt::format("P2: {} calls at once to one number", live));
  calls_.push_back(call);
  const std::size_t index = calls_.size() - 1;
  Fact ringing;
  ringing.kind = FactKind::kRinging;
  Post(index, ringing);
  const double kind = std::uniform_real_distribution<double>(0, 1)(random_);
  const absl::Duration ring = Between(absl::Seconds(2), absl::Seconds(25));
  if (kind < 0.6) {
    After(ring, [this, index] { AnswerCall(index); });
  } else if (kind < 0.7) {
    After(absl::Seconds(3), [this, index] { EndCall(index); });  // Busy.
  } else {
    After(absl::Seconds(115), [this, index] { EndCall(index); });  // Nobody.
  }
}

void World::AnswerCall(std::size_t index) {
  Call& call = calls_[index];
  if (!call.live) return;
  call.answered = true;
  Fact answered;
  answered.kind = FactKind::kAnswered;
  Post(index, answered);
  // People hang up at last; so do machines.
  After(Between(absl::Seconds(20), absl::Seconds(110)), [this, index] { EndCall(index); });
  if (Chance(0.5)) {
    const char keys[] = {'1', '1', '1', '1', '1', '1', '1', '1', '1', '9', '2', '2', '*', '*', '5'};
    char tone = keys[random_() % sizeof(keys)];
    if (options_.spec.flow.operator_line && Chance(0.3)) tone = '0';
    const int presses = tone == '9' ? 2 : 1;
    for (int press = 1; press <= presses; ++press) {
      After(Between(absl::Seconds(6), absl::Seconds(14)) + absl::Seconds(press),
            [this, index, tone, press] {
              if (!calls_[index].live) return;
              Fact key;
              key.kind = FactKind::kTone;
              key.tone = tone;
              key.number = press;
              Post(index, key);
            });
    }
  }
}

void World::EndCall(std::size_t index) {
  Call& call = calls_[index];
  if (!call.live) return;
  call.live = false;
  --live_by_number_[call.number];
  Fact ended;
  ended.kind = FactKind::kEnded;
  Post(index, ended);
}

void World::Post(std::size_t index, Fact fact) {
  Call& call = calls_[index];
  fact.at = clock_.Now();
  fact.call = call.id;
  fact.key = fmt::format("{}-{}", call.id, ++call.events);
  const Faults& faults = options_.faults;
  if (Chance(faults.event_lost)) return;
  const int copies = Chance(faults.event_twice) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    const absl::Duration wait = Chance(faults.event_late)
                                    ? Between(absl::Seconds(1), absl::Hours(1))
                                    : Between(absl::Milliseconds(1), absl::Milliseconds(400));
    After(wait, [this, attempt = call.attempt, fact] { Deliver(attempt, fact); });
  }
}

// With the process down the provider gives up, or tries again.
void World::Deliver(const AttemptKey& attempt, Fact fact) {
  if (!scheduler_) {
    if (!options_.faults.provider_tries_again) return;
    After(absl::Seconds(1), [this, attempt, fact] { Deliver(attempt, fact); });
    return;
  }
  fact.received_at = clock_.Now();
  RecordAll({{attempt, std::move(fact)}});
}

int World::FindCall(const std::string& id) const {
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    if (calls_[i].id == id) return static_cast<int>(i);
  }
  return -1;
}

void World::CarryOut(const LiveCall& call, const Action& action) {
  if (Chance(options_.faults.action_lost)) return;
  const int found = FindCall(call.call);
  Fact fact;
  fact.at = clock_.Now();
  fact.number = action.ordinal;
  bool accepted = found >= 0 && calls_[static_cast<std::size_t>(found)].live;
  fact.code = accepted ? 202 : 404;
  if (accepted) {
    const auto index = static_cast<std::size_t>(found);
    switch (action.kind) {
      case ActionKind::kPlay: accepted = CarryOutPlay(index, action.ordinal); break;
      case ActionKind::kCancelMedia: calls_[index].playing = 0; break;
      case ActionKind::kTransfer: accepted = CarryOutTransfer(index, action.ordinal); break;
      case ActionKind::kLeave:
      case ActionKind::kHangUp: EndCall(index); break;
    }
    if (!accepted) fact.code = 400;
  }
  fact.kind = accepted ? FactKind::kActionAccepted : FactKind::kActionRefused;
  fact.key = OwnFactKey(fact.kind, action.ordinal);
  AfterInThisLife(Between(absl::Milliseconds(1), absl::Milliseconds(100)),
                  [this, attempt = call.attempt, fact]() mutable {
                    fact.received_at = clock_.Now();
                    RecordAll({{attempt, fact}});
                  });
}

bool World::CarryOutPlay(std::size_t index, int ordinal) {
  if (!calls_[index].answered) return false;
  calls_[index].playing = ordinal;
  After(kMessage, [this, index, ordinal] {
    Call& call = calls_[index];
    Fact ended;
    ended.kind = FactKind::kPlayEnded;
    ended.number = ordinal;
    const bool whole = call.live && call.playing == ordinal;
    ended.code = whole ? 200 : 400;
    ended.subcode = whole ? 0 : 8508;
    call.playing = 0;
    Post(index, ended);
  });
  return true;
}

// An operator is rung; GA hands the call over, and 2021 waits to be left.
bool World::CarryOutTransfer(std::size_t index, int ordinal) {
  Call& call = calls_[index];
  Check(!call.transferred, "P2: an operator was rung twice for one call");
  call.transferred = true;
  const bool answers = Chance(0.6);
  After(Between(absl::Seconds(2), absl::Seconds(40)), [this, index, ordinal, answers] {
    const bool there = answers && calls_[index].live;
    const bool hands_over = options_.dialect == Dialect::kGa;
    Fact told;
    told.number = ordinal;
    told.kind = !there       ? FactKind::kTransferFailed
                : hands_over ? FactKind::kTransferred
                             : FactKind::kJoined;
    put_through_ += there;
    Post(index, told);
    if (there && hands_over) EndCall(index);
  });
  return true;
}

// --- The run ----------------------------------------------------------------

std::vector<std::string> World::Run(absl::Duration limit) {
  const SteadyTime end = clock_.Steady() + absl::ToChronoNanoseconds(limit);
  if (options_.faults.crashes_per_hour > 0) {
    for (absl::Duration at; at < absl::Hours(6);) {
      at += Between(absl::ZeroDuration(), absl::Hours(2) / options_.faults.crashes_per_hour);
      After(at, [this] {
        if (scheduler_) Crash();
      });
    }
  }
  while (clock_.Steady() < end) {
    SteadyTime next = scheduler_ ? step_at_ : end;
    if (!wakes_.empty()) next = std::min(next, wakes_.top().at);
    if (next > clock_.Steady()) clock_.Advance(absl::FromChrono(next - clock_.Steady()));
    store_.SetLeaseClock(clock_.Now());
    if (!wakes_.empty() && wakes_.top().at <= clock_.Steady()) {
      const Wake wake = wakes_.top();
      wakes_.pop();
      wake.what();
    } else {
      StepScheduler();
    }
    const CampaignState state = store_.GetCampaign(campaign_)->state;
    if (state == CampaignState::kCompleted || state == CampaignState::kCanceled) break;
  }
  const CampaignState state = store_.GetCampaign(campaign_)->state;
  Check(state == CampaignState::kCompleted || state == CampaignState::kCanceled,
        fmt::format("liveness: the campaign is still {} after {}", Name(state),
                    absl::FormatDuration(limit)));
  for (const std::string& line : store_.DescribeOpen()) Check(false, "open: " + line);
  const std::vector<std::string> findings = *store_.RunAudit(campaign_);
  for (const std::string& finding : findings) Check(false, "audit: " + finding);
  const CampaignProgress progress = Progress();
  Check(progress.done() == progress.people,
        fmt::format("P1: {} of {} people have an outcome", progress.done(), progress.people));
  return broken_;
}

CampaignProgress World::Progress() {
  return *store_.GetProgress(campaign_);
}

std::string World::Digest() {
  const CampaignProgress progress = Progress();
  std::string line = fmt::format("sends={} calls={}", progress.sends, calls_.size());
  for (const auto& [outcome, count] : progress.outcomes) {
    line += fmt::format(" {}={}", Name(outcome), count);
  }
  for (const auto& [disposition, count] : progress.dispositions) {
    line += fmt::format(" {}={}", Name(disposition), count);
  }
  return line;
}

}  // namespace tocsin::sim
