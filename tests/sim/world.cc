#include "tests/sim/world.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/service_clock.h"
#include "core/fact_sink.h"
#include "core/phone_number.h"
#include "fmt/format.h"
#include "scheduler/pace_gate.h"
#include "scheduler/scheduler.h"

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

// A machine whose calendar is off, and whose steady clock is as good as any.
class MachineClock final : public Clock {
 public:
  MachineClock(const Clock& right, absl::Duration ahead) : right_(right), ahead_(ahead) {}
  absl::Time Now() const override { return right_.Now() + ahead_; }
  SteadyTime Steady() const override { return right_.Steady(); }
  bool SleepUntil(SteadyTime deadline, std::stop_token stop) const override {
    return right_.SleepUntil(deadline, stop);
  }

 private:
  const Clock& right_;
  const absl::Duration ahead_;
};

}  // namespace

// One node: the real scheduler, and what a dialer does in it.
class World::Node final : public CallGateway, public FactSink {
 public:
  Node(World& world, absl::Duration clock_ahead)
      : world_(world), machine_(world.clock_, clock_ahead), clock_(machine_) {}

  void Start();
  void Crash();
  void Freeze(absl::Duration length);
  void Stop();

  // It runs, and is not frozen.
  bool answers() const { return scheduler_ != nullptr && !frozen_; }
  bool frozen() const { return scheduler_ != nullptr && frozen_; }
  bool leads() const { return scheduler_ != nullptr && scheduler_->stats().leading; }
  SteadyTime step_at() const { return step_at_; }

  void Step();
  void Sweep();
  void OnChange(std::string_view channel);
  // Only if it has not crashed since; if it is frozen, when it thaws.
  void AfterInThisLife(absl::Duration wait, std::function<void()> what);

  // CallGateway.
  void Send(const Trunk& trunk, CreateCallRequest request, SendPermit& permit, Done done) override;
  int capacity() const override { return 64; }
  absl::Status Probe(const Trunk&) override { return absl::OkStatus(); }
  // When the answer to a request is here.
  void Complete(absl::Duration wait, const CreateCallRequest& request, CreateCallResult result,
                absl::Time sent_at, Done done);

  // FactSink.
  void Record(AttemptInput input) override { RecordAll({std::move(input)}); }
  void RecordAll(std::vector<AttemptInput> inputs) override;
  double Strain(TrunkId) const override { return world_.strain_; }

  const Clock& clock() const { return clock_; }

 private:
  void LearnTheTime();
  void WakeSoon() { step_at_ = std::min(step_at_, clock_.Steady() + std::chrono::milliseconds(5)); }
  void TrySend(CreateCallRequest request, scheduler::PaceGate* gate, Done done);
  void CarryOut(const LiveCall& call, const Action& action);
  void GiveBackWhenIdle();

  World& world_;
  const MachineClock machine_;
  ServiceClock clock_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::uint64_t life_ = 0;
  bool frozen_ = false;
  std::vector<std::function<void()>> missed_;  // While it was frozen.
  SteadyTime step_at_{};
  std::map<AttemptKey, absl::Time> armed_;
  std::int64_t leases_taken_ = 0;  // Of this life, as the world has counted them.
};

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
  for (int i = 0; i < options_.nodes; ++i) {
    const absl::Duration ahead = Between(-options_.clock_skew, options_.clock_skew);
    nodes_.push_back(std::make_unique<Node>(*this, ahead));
    nodes_.back()->Start();
  }
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
  Notify("campaigns", nullptr);
  if (mode != CancelMode::kHangUp) return;
  for (auto& node : nodes_) {
    if (node->answers()) node->Sweep();
  }
}

// --- The nodes and their threads --------------------------------------------

void World::Node::Start() {
  static const NoReader reader;
  life_ = ++world_.lives_;
  frozen_ = false;
  leases_taken_ = 0;
  armed_.clear();
  missed_.clear();
  LearnTheTime();
  scheduler::Scheduler::Options options;
  options.node = fmt::format("node-{}", life_);
  options.lease_length = kLease;
  scheduler_ =
      std::make_unique<scheduler::Scheduler>(options, world_.store_, *this, *this, reader, clock_);
  step_at_ = clock_.Steady();
  AfterInThisLife(absl::ZeroDuration(), [this] { Sweep(); });
}

void World::Node::Crash() {
  if (scheduler_ == nullptr) return;
  scheduler_.reset();
  life_ = ++world_.lives_;
  world_.After(absl::Seconds(2), [this] { Start(); });
}

// Everything it would have done it does when it thaws, as if no time had passed.
void World::Node::Freeze(absl::Duration length) {
  if (!answers()) return;
  frozen_ = true;
  world_.After(length, [this, life = life_] {
    if (life != life_) return;
    frozen_ = false;
    step_at_ = clock_.Steady();
    for (std::function<void()>& what : std::exchange(missed_, {})) {
      AfterInThisLife(absl::ZeroDuration(), std::move(what));
    }
  });
}

void World::Node::Stop() {
  if (!answers()) return;
  scheduler_->Drain();
  GiveBackWhenIdle();
}

void World::Node::GiveBackWhenIdle() {
  if (!scheduler_->idle()) {
    AfterInThisLife(absl::Milliseconds(50), [this] { GiveBackWhenIdle(); });
    return;
  }
  scheduler_->ReleaseLease();
  world_.Notify("lease", this);
  Crash();
}

void World::Node::AfterInThisLife(absl::Duration wait, std::function<void()> what) {
  world_.After(wait, [this, life = life_, what = std::move(what)]() mutable {
    if (life != life_) return;
    if (frozen_) {
      missed_.push_back(std::move(what));
    } else {
      what();
    }
  });
}

void World::Node::LearnTheTime() {
  if (world_.options_.clock_skew == absl::ZeroDuration()) return;
  // Whole microseconds, as a database tells them.
  const absl::Duration trip = absl::Microseconds(world_.random_() % 50'000);
  const absl::Duration back =
      absl::Trunc(world_.Between(absl::ZeroDuration(), trip), absl::Microseconds(1));
  const SteadyTime answered = clock_.Steady();
  clock_.Learn(world_.clock_.Now() - back, answered - absl::ToChronoNanoseconds(trip), answered);
  AfterInThisLife(absl::Seconds(10), [this] { LearnTheTime(); });
}

void World::Node::Step() {
  step_at_ = scheduler_->Step();
  const std::int64_t taken = scheduler_->stats().leases_taken;
  world_.leases_taken_ += taken - std::exchange(leases_taken_, taken);
}

void World::Node::OnChange(std::string_view channel) {
  if (scheduler_ == nullptr) return;
  scheduler_->OnChange(channel);
  WakeSoon();
}

// The reconciler's part of the dialer: what a crash forgot is looked at again.
void World::Node::Sweep() {
  const absl::Time now = clock_.Now();
  std::vector<AttemptInput> look;
  const std::vector<AttemptKey> live = *world_.store_.ListLiveAttempts({}, 100000);
  for (const AttemptKey& key : live) {
    if (!armed_.contains(key)) look.push_back({key, std::nullopt});
  }
  const std::vector<AttemptKey> owed = *world_.store_.ListHangUpsOwed(world_.campaign_, 100000);
  for (const AttemptKey& key : owed) {
    Fact fact;
    fact.kind = FactKind::kHangUpOrdered;
    fact.at = fact.received_at = now;
    fact.key = OwnFactKey(fact.kind, 0);
    look.push_back({key, fact});
  }
  if (!look.empty()) RecordAll(std::move(look));
  const std::vector<PendingAction> unanswered =
      *world_.store_.ClaimPendingActions(now - absl::Seconds(10), 1000, now);
  for (const PendingAction& pending : unanswered) CarryOut(pending.call, pending.action);
  AfterInThisLife(kSweepEvery, [this] { Sweep(); });
}

void World::Node::RecordAll(std::vector<AttemptInput> inputs) {
  const auto changes = world_.store_.RecordFacts(inputs, clock_.Now());
  TOCSIN_CHECK(changes.ok());
  for (const AttemptChange& change : *changes) {
    for (const Action& action : change.new_actions) {
      AfterInThisLife(world_.Between(absl::Milliseconds(1), absl::Milliseconds(50)),
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
    if (!change.ended_now && !change.given_back_now) continue;
    WakeSoon();
    world_.Notify("slots", this);
    if (change.ended_now) world_.Notify("due", this);
  }
}

void World::Notify(std::string_view channel, const Node* besides) {
  for (auto& node : nodes_) {
    if (node.get() == besides) continue;
    node->AfterInThisLife(absl::ZeroDuration(), [told = node.get(), name = std::string(channel)] {
      told->OnChange(name);
    });
  }
}

World::Node* World::Pacer() {
  for (auto& node : nodes_) {
    if (node->answers() && node->leads()) return node.get();
  }
  return nullptr;
}

World::Node* World::AnyNode() {
  std::vector<Node*> those;
  for (auto& node : nodes_) {
    if (node->answers()) those.push_back(node.get());
  }
  if (those.empty()) return nullptr;
  return those.size() == 1 ? those[0] : those[random_() % those.size()];
}

void World::CrashPacer() {
  if (Node* pacer = Pacer()) pacer->Crash();
}

void World::FreezePacer(absl::Duration length) {
  if (Node* pacer = Pacer()) pacer->Freeze(length);
}

void World::StopPacer() {
  if (Node* pacer = Pacer()) pacer->Stop();
}

// --- The road to the carrier ------------------------------------------------

void World::Node::Send(const Trunk&, CreateCallRequest request, SendPermit& permit, Done done) {
  auto* gate = dynamic_cast<scheduler::PaceGate*>(&permit);
  TOCSIN_CHECK(gate != nullptr);
  if (world_.Chance(world_.options_.faults.no_connection)) {
    Complete(absl::Milliseconds(1), request, CallNotSent{"connection refused"}, clock_.Now(),
             std::move(done));
    return;
  }
  TrySend(std::move(request), gate, std::move(done));
}

void World::Node::Complete(absl::Duration wait, const CreateCallRequest& request,
                           CreateCallResult result, absl::Time sent_at, Done done) {
  AfterInThisLife(wait,
                  [this, request, done = std::move(done), sent_at, result = std::move(result)] {
                    done({.attempt = request.attempt,
                          .send_no = request.send_no,
                          .caller_full = request.caller_full,
                          .repetition = request.repetition,
                          .result = result,
                          .sent_at = sent_at,
                          .answered_at = clock_.Now()});
                    WakeSoon();
                  });
}

void World::Node::TrySend(CreateCallRequest request, scheduler::PaceGate* gate, Done done) {
  const auto answer = gate->TryAcquire(request, clock_.Steady());
  if (const auto* wait = std::get_if<scheduler::PaceGate::WaitUntil>(&answer); wait != nullptr) {
    AfterInThisLife(absl::FromChrono(wait->at - clock_.Steady()),
                    [this, request, gate, done] { TrySend(request, gate, done); });
    return;
  }
  if (std::holds_alternative<scheduler::PaceGate::Denied>(answer)) {
    Complete(absl::ZeroDuration(), request, CallNotSent{kNoPermit}, clock_.Now(), std::move(done));
    return;
  }
  world_.Deliver(*this, request, std::move(done));
}

void World::Deliver(Node& node, const CreateCallRequest& request, CallGateway::Done done) {
  const absl::Time sent_at = node.clock().Now();
  const auto complete = [&](absl::Duration wait, CreateCallResult result) {
    node.Complete(wait, request, std::move(result), sent_at, std::move(done));
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

// With no node there the provider gives up, or tries again. A frozen one takes it,
// answers when it thaws, and has been given up by then.
void World::Deliver(const AttemptKey& attempt, Fact fact) {
  for (auto& frozen : nodes_) {
    if (!frozen->frozen() || !Chance(0.3)) continue;
    frozen->AfterInThisLife(absl::ZeroDuration(), [at = frozen.get(), attempt, fact]() mutable {
      fact.received_at = at->clock().Now();
      at->RecordAll({{attempt, fact}});
    });
    After(absl::Seconds(1), [this, attempt, fact] { Deliver(attempt, fact); });
    return;
  }
  Node* node = AnyNode();
  if (node == nullptr) {
    if (!options_.faults.provider_tries_again) return;
    After(absl::Seconds(1), [this, attempt, fact] { Deliver(attempt, fact); });
    return;
  }
  fact.received_at = node->clock().Now();
  node->RecordAll({{attempt, std::move(fact)}});
}

// Among those that are live.
int World::FindCall(const std::string& id) const {
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    if (calls_[i].id == id && calls_[i].live) return static_cast<int>(i);
  }
  return -1;
}

void World::Node::CarryOut(const LiveCall& call, const Action& action) {
  if (world_.Chance(world_.options_.faults.action_lost)) return;
  Fact fact;
  fact.at = clock_.Now();
  fact.number = action.ordinal;
  const bool there = world_.FindCall(call.call) >= 0;
  const bool accepted = there && world_.CarryOut(call.call, action);
  fact.code = accepted ? 202 : there ? 400 : 404;
  fact.kind = accepted ? FactKind::kActionAccepted : FactKind::kActionRefused;
  fact.key = OwnFactKey(fact.kind, action.ordinal);
  AfterInThisLife(world_.Between(absl::Milliseconds(1), absl::Milliseconds(100)),
                  [this, attempt = call.attempt, fact]() mutable {
                    fact.received_at = clock_.Now();
                    RecordAll({{attempt, fact}});
                  });
}

bool World::CarryOut(const std::string& call, const Action& action) {
  const auto index = static_cast<std::size_t>(FindCall(call));
  switch (action.kind) {
    case ActionKind::kPlay: return CarryOutPlay(index, action.ordinal);
    case ActionKind::kCancelMedia: calls_[index].playing = 0; break;
    case ActionKind::kTransfer: return CarryOutTransfer(index, action.ordinal);
    case ActionKind::kLeave:
    case ActionKind::kHangUp: EndCall(index); break;
  }
  return true;
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

// Now and then over the first hours, to any node.
void World::PlanAccidents(double per_hour, const std::function<void(Node&)>& what) {
  if (per_hour <= 0) return;
  for (absl::Duration at; at < absl::Hours(6);) {
    at += Between(absl::ZeroDuration(), absl::Hours(2) / per_hour);
    After(at, [this, what] { what(*nodes_[random_() % nodes_.size()]); });
  }
}

// The next thing that happens anywhere, before `end`.
void World::StepNext(SteadyTime end) {
  Node* stepping = nullptr;
  SteadyTime next = end;
  for (auto& node : nodes_) {
    if (!node->answers() || node->step_at() >= next) continue;
    stepping = node.get();
    next = node->step_at();
  }
  if (!wakes_.empty()) next = std::min(next, wakes_.top().at);
  if (next > clock_.Steady()) clock_.Advance(absl::FromChrono(next - clock_.Steady()));
  store_.SetLeaseClock(clock_.Now());
  if (!wakes_.empty() && wakes_.top().at <= clock_.Steady()) {
    const Wake wake = wakes_.top();
    wakes_.pop();
    wake.what();
  } else if (stepping != nullptr) {
    stepping->Step();
  }
}

std::vector<std::string> World::Run(absl::Duration limit) {
  const SteadyTime end = clock_.Steady() + absl::ToChronoNanoseconds(limit);
  PlanAccidents(options_.faults.crashes_per_hour, [](Node& node) { node.Crash(); });
  PlanAccidents(options_.faults.freezes_per_hour,
                [this](Node& node) { node.Freeze(Between(absl::Seconds(1), absl::Minutes(1))); });
  while (clock_.Steady() < end) {
    StepNext(end);
    const CampaignState state = store_.GetCampaign(campaign_)->state;
    if (state == CampaignState::kCompleted || state == CampaignState::kCanceled) break;
  }
  Judge(limit);
  return broken_;
}

void World::Judge(absl::Duration limit) {
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
}

absl::Duration World::longest_gap() const {
  std::chrono::nanoseconds longest{};
  for (std::size_t i = 1; i < sends_.size(); ++i) {
    longest = std::max(longest, std::chrono::nanoseconds(sends_[i] - sends_[i - 1]));
  }
  return absl::FromChrono(longest);
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
