#include "dialer/fact_recorder.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/this_thread.h"
#include "core/attempt_name.h"

namespace tocsin::dialer {
namespace {

// A moment that two clocks agree on only nearly: looking a little later is
// cheaper than looking twice.
constexpr absl::Duration kClockSlack = absl::Milliseconds(1);
// Longer sleeps are cut: the wall clock may be set meanwhile.
constexpr absl::Duration kSleepMax = absl::Hours(1);
constexpr int kAbortedAtOnceMax = 10;

// Whether telling the same facts again may succeed soon.
bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsUnknown(status) || absl::IsAborted(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status) ||
         absl::IsCancelled(status);
}

// Whether the input is at fault, or what it would bring about. Anything else that
// does not pass is a mistake of ours, which must not cost a fact.
bool IsUnfit(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsOutOfRange(status) ||
         absl::IsAlreadyExists(status) || absl::IsFailedPrecondition(status);
}

// How a call that ended with 603 was read; empty for any other.
std::string_view ReadingOf603(const CallView& view) {
  const bool is_603 =
      view.cause == EndCause::kBlocked || view.cause == EndCause::kDeclinedOrLimited;
  if (!is_603 || view.disposition == Disposition::kAnswered) return {};
  if (view.ambiguous) return "ambiguous";
  return view.remedy == Remedy::kGiveBack ? "own_limit" : "blocked";
}

void RaiseTo(std::atomic<std::uint64_t>& largest, std::uint64_t value) {
  std::uint64_t before = largest.load(std::memory_order_relaxed);
  while (before < value && !largest.compare_exchange_weak(before, value)) {
  }
}

void Tell(const AttemptChange& change) {
  const bool lost = change.ended_now && change.disposition == Disposition::kLost;
  if (lost) {
    Log(LogLevel::kWarn, "attempt_lost", {{"attempt", Name(change.attempt)}});
  } else if (!LogIsOn(LogLevel::kDebug)) {
    return;
  } else if (change.ended_now) {
    Log(LogLevel::kDebug, "attempt_ended",
        {{"attempt", Name(change.attempt)},
         {"disposition", change.disposition ? Name(*change.disposition) : "none"}});
  } else if (change.given_back_now) {
    Log(LogLevel::kDebug, "attempt_given_back", {{"attempt", Name(change.attempt)}});
  } else if (change.new_facts > 0) {
    Log(LogLevel::kDebug, "facts_recorded",
        {{"attempt", Name(change.attempt)}, {"facts", change.new_facts}});
  }
}

}  // namespace

class FactRecorder::Receipt {
 public:
  // Counted in `waiting` until it is answered.
  Receipt(std::size_t inputs, Answer answer, std::atomic<int>& waiting)
      : undecided_(inputs), answer_(std::move(answer)), waiting_(waiting) {
    waiting_.fetch_add(1, std::memory_order_relaxed);
  }

  // One input's outcome. Enumerators are ordered from good to bad.
  void Decide(RecordOutcome outcome) {
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      worst_ = std::max(worst_, outcome);
      --undecided_;
      if (undecided_ != 0) return;
      answer = std::exchange(answer_, nullptr);
      outcome = worst_;
    }
    Tell(answer, outcome);
  }

  // Answers at once; later decisions are nobody's concern.
  void GiveUp() {
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      answer = std::exchange(answer_, nullptr);
    }
    Tell(answer, RecordOutcome::kUnavailable);
  }

 private:
  void Tell(const Answer& answer, RecordOutcome outcome) {
    if (!answer) return;
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    answer(outcome);
  }

  std::mutex mutex_;
  std::size_t undecided_;
  RecordOutcome worst_ = RecordOutcome::kCommitted;
  Answer answer_;
  std::atomic<int>& waiting_;
};

FactRecorder::FactRecorder(Options options, DialStore& store, const Clock& clock)
    : options_(std::move(options)),
      store_(store),
      clock_(clock),
      wakes_(clock, [this](const std::vector<AttemptKey>& attempts) {
        for (const AttemptKey& attempt : attempts) Record({attempt, std::nullopt});
      }) {
  TOCSIN_CHECK(options_.writers > 0 && options_.batch_max > 0);
  for (int i = 0; i < options_.writers; ++i) {
    Lane& lane = *lanes_.emplace_back(std::make_unique<Lane>());
    writers_.emplace_back([this, &lane](const std::stop_token& stop) { Write(lane, stop); });
  }
  bringer_back_ = std::jthread([this](const std::stop_token& stop) { BringBack(stop); });
}

FactRecorder::~FactRecorder() {
  Stop();
}

void FactRecorder::AddObserver(Observer observer) {
  observers_.push_back(std::move(observer));
}

FactRecorder::Lane& FactRecorder::LaneOf(const AttemptKey& attempt) {
  return *lanes_[std::hash<AttemptKey>{}(attempt) % lanes_.size()];
}

bool FactRecorder::Push(Entry entry) {
  Lane& lane = LaneOf(entry.input.attempt);
  {
    const std::lock_guard lock(lane.mutex);
    if (lane.closed) return false;
    lane.queue.push_back(std::move(entry));
    held_.fetch_add(1, std::memory_order_relaxed);
    if (lane.queue.size() > 1) return true;
  }
  lane.filled.notify_one();
  return true;
}

void FactRecorder::Record(AttemptInput input) {
  Push({std::move(input), nullptr});
}

void FactRecorder::RecordAll(std::vector<AttemptInput> inputs) {
  for (AttemptInput& input : inputs) Push({std::move(input), nullptr});
}

bool FactRecorder::Submit(std::vector<AttemptInput> inputs, Answer answer) {
  if (held_.load(std::memory_order_relaxed) + inputs.size() > options_.held_max) {
    turned_away_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  const auto receipt = std::make_shared<Receipt>(inputs.size(), std::move(answer), waiting_);
  for (AttemptInput& input : inputs) {
    if (!Push({std::move(input), receipt})) receipt->GiveUp();
  }
  return true;
}

std::vector<FactRecorder::Entry> FactRecorder::Take(Lane& lane, const std::stop_token& stop) {
  std::unique_lock lock(lane.mutex);
  lane.filled.wait(lock, stop, [&lane] { return !lane.queue.empty(); });
  auto end = lane.queue.begin() +
             static_cast<std::ptrdiff_t>(std::min(lane.queue.size(), options_.batch_max));
  end = std::find_if(lane.queue.begin(), end, [](const Entry& entry) { return entry.alone; });
  if (end == lane.queue.begin() && !lane.queue.empty()) ++end;
  std::vector<Entry> entries(std::make_move_iterator(lane.queue.begin()),
                             std::make_move_iterator(end));
  lane.queue.erase(lane.queue.begin(), end);
  // Nothing came after the stop was asked for: nothing will.
  if (entries.empty()) lane.closed = true;
  return entries;
}

void FactRecorder::Write(Lane& lane, const std::stop_token& stop) {
  NameThisThread("record-facts");
  while (true) {
    std::vector<Entry> entries = Take(lane, stop);
    if (entries.empty()) return;
    const std::size_t size = entries.size();
    Commit(lane, BatchOf(std::move(entries)), stop);
    held_.fetch_sub(size, std::memory_order_relaxed);
  }
}

FactRecorder::Batch FactRecorder::BatchOf(std::vector<Entry> entries) {
  std::unordered_set<AttemptKey> looked_at;
  for (const Entry& entry : entries) {
    if (entry.input.fact) looked_at.insert(entry.input.attempt);
  }
  Batch batch;
  batch.inputs.reserve(entries.size());
  batch.receipts.reserve(entries.size());
  batch.was_aside = entries.front().alone;
  for (Entry& entry : entries) {
    // A look at the time is part of every fact.
    if (!entry.input.fact && !looked_at.insert(entry.input.attempt).second) continue;
    batch.inputs.push_back(std::move(entry.input));
    batch.receipts.push_back(std::move(entry.receipt));
  }
  return batch;
}

void FactRecorder::Commit(Lane& lane, Batch batch, const std::stop_token& stop) {
  absl::Duration backoff = options_.backoff_min;
  for (int failures = 1;; ++failures) {
    const absl::Status failed = CommitOnce(batch);
    if (failed.ok()) return;
    failures_.fetch_add(1, std::memory_order_relaxed);
    if (!MayPass(failed)) return Divide(lane, std::move(batch), failed, stop);
    // Lost a race, or nobody knows whether it was committed: repeating is harmless.
    const bool at_once = absl::IsAborted(failed) || (absl::IsUnknown(failed) && failures == 1);
    if (at_once && failures <= kAbortedAtOnceMax) continue;
    if (failures == 1) {
      Log(LogLevel::kWarn, "facts_not_recorded",
          {{"held", held_.load(std::memory_order_relaxed)}, {"error", Message(failed)}});
    }
    AnswerUnavailable(lane, batch);
    if (!clock_.SleepUntil(clock_.Steady() + absl::ToChronoNanoseconds(backoff), stop)) {
      Log(LogLevel::kWarn, "facts_left_behind", {{"inputs", batch.inputs.size()}});
      return;
    }
    backoff = std::min(2 * backoff, options_.backoff_max);
  }
}

absl::Status FactRecorder::CommitOnce(Batch& batch) {
  const SteadyTime began = clock_.Steady();
  TOCSIN_ASSIGN_OR_RETURN(const auto changes, store_.RecordFacts(batch.inputs, clock_.Now()));
  commits_.Observe(absl::FromChrono(clock_.Steady() - began));
  batches_.fetch_add(1, std::memory_order_relaxed);
  inputs_.fetch_add(batch.inputs.size(), std::memory_order_relaxed);
  RaiseTo(batch_largest_, batch.inputs.size());
  Finish(batch, changes);
  return absl::OkStatus();
}

// One bad input must not keep the others out: each is tried alone.
void FactRecorder::Divide(Lane& lane, Batch batch, const absl::Status& why,
                          const std::stop_token& stop) {
  if (batch.inputs.size() > 1) {
    for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
      Batch one;
      one.inputs.push_back(std::move(batch.inputs[i]));
      one.receipts.push_back(std::move(batch.receipts[i]));
      Commit(lane, std::move(one), stop);
    }
    return;
  }
  if (!IsUnfit(why)) return SetAside(std::move(batch), why);
  const AttemptInput& input = batch.inputs.front();
  unfit_.fetch_add(1, std::memory_order_relaxed);
  Log(LogLevel::kError, "fact_not_storable",
      {{"attempt", Name(input.attempt)},
       {"fact", input.fact ? Name(input.fact->kind) : "none"},
       {"code", static_cast<int>(why.code())}});
  const auto& receipt = batch.receipts.front();
  if (receipt != nullptr) receipt->Decide(RecordOutcome::kUnfit);
}

void FactRecorder::SetAside(Batch batch, const absl::Status& why) {
  AttemptInput& input = batch.inputs.front();
  if (!batch.was_aside) {
    Log(LogLevel::kError, "fact_set_aside",
        {{"attempt", Name(input.attempt)},
         {"fact", input.fact ? Name(input.fact->kind) : "none"},
         {"error", Message(why)}});
  }
  if (batch.receipts.front() != nullptr) batch.receipts.front()->GiveUp();
  {
    const std::lock_guard lock(aside_mutex_);
    std::pair key{input.attempt, input.fact ? input.fact->key : std::string()};
    const bool is_new = aside_.emplace(std::move(key), std::move(input)).second;
    // As long as it waits it is held.
    if (is_new) held_.fetch_add(1, std::memory_order_relaxed);
  }
  aside_filled_.notify_one();
}

void FactRecorder::BringBack(const std::stop_token& stop) {
  NameThisThread("retry-facts");
  const auto pause = absl::ToChronoNanoseconds(options_.aside_pause);
  while (true) {
    {
      std::unique_lock lock(aside_mutex_);
      if (!aside_filled_.wait(lock, stop, [this] { return !aside_.empty(); })) return;
    }
    if (!clock_.SleepUntil(clock_.Steady() + pause, stop)) return;
    decltype(aside_) back;
    {
      const std::lock_guard lock(aside_mutex_);
      back.swap(aside_);
    }
    held_.fetch_sub(back.size(), std::memory_order_relaxed);
    Log(LogLevel::kWarn, "facts_brought_back", {{"inputs", back.size()}});
    for (auto& [key, input] : back) Push({std::move(input), nullptr, true});
  }
}

void FactRecorder::Finish(Batch& batch, const std::vector<AttemptChange>& changes) {
  const absl::Time now = clock_.Now();
  Tally(batch, changes);
  std::unordered_set<AttemptKey> unknown;
  for (const AttemptChange& change : changes) {
    if (!change.known) {
      unknown.insert(change.attempt);
      wakes_.Disarm(change.attempt);
      continue;
    }
    new_facts_.fetch_add(static_cast<std::uint64_t>(change.new_facts), std::memory_order_relaxed);
    Tell(change);
    Arm(change, now);
    for (const Observer& observer : observers_) observer(change);
  }
  for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
    if (batch.receipts[i] == nullptr) continue;
    batch.receipts[i]->Decide(unknown.contains(batch.inputs[i].attempt)
                                  ? RecordOutcome::kUnknownAttempt
                                  : RecordOutcome::kCommitted);
  }
}

void FactRecorder::Arm(const AttemptChange& change, absl::Time now) {
  if (!change.wake) return wakes_.Disarm(change.attempt);
  const absl::Duration wait =
      std::clamp(*change.wake - now, absl::ZeroDuration(), kSleepMax) + kClockSlack;
  wakes_.Arm(change.attempt, clock_.Steady() + absl::ToChronoNanoseconds(wait));
}

// Also those who wait behind the batch that cannot be written: whoever is not told
// for long asks again anyway, and holds his connection meanwhile.
void FactRecorder::AnswerUnavailable(Lane& lane, Batch& batch) {
  std::vector<std::shared_ptr<Receipt>> receipts;
  for (auto& receipt : batch.receipts) {
    if (receipt != nullptr) receipts.push_back(std::exchange(receipt, nullptr));
  }
  {
    const std::lock_guard lock(lane.mutex);
    for (Entry& entry : lane.queue) {
      if (entry.receipt != nullptr) receipts.push_back(std::exchange(entry.receipt, nullptr));
    }
  }
  for (const auto& receipt : receipts) receipt->GiveUp();
}

void FactRecorder::Tally(const Batch& batch, const std::vector<AttemptChange>& changes) {
  std::unordered_map<AttemptKey, const AttemptChange*> by_attempt;
  for (const AttemptChange& change : changes) by_attempt.emplace(change.attempt, &change);
  const std::lock_guard lock(tallies_mutex_);
  for (const AttemptChange& change : changes) {
    if (!change.ended_now || !change.disposition) continue;
    ++ended_[{change.trunk, *change.disposition}];
    const std::string_view reading = ReadingOf603(change.view);
    if (!reading.empty()) ++refused_603_[{change.trunk, reading}];
  }
  for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
    const AttemptInput& input = batch.inputs[i];
    // What we know ourselves is never late.
    if (batch.receipts[i] == nullptr || !input.fact) continue;
    lateness_.Observe(input.fact->received_at - input.fact->at);
    const AttemptChange& change = *by_attempt.at(input.attempt);
    if (!change.known) continue;
    lags_[change.trunk].Note(input.fact->received_at, input.fact->at, change.time_scale);
  }
}

double FactRecorder::Strain(TrunkId trunk) const {
  const int waiting = waiting_.load(std::memory_order_relaxed);
  const int span = std::max(options_.waiting_max - options_.waiting_strained, 1);
  const double crowd =
      std::clamp(static_cast<double>(waiting - options_.waiting_strained) / span, 0.0, 1.0);
  if (options_.hears && !options_.hears(trunk)) return 1;
  const std::lock_guard lock(tallies_mutex_);
  const auto lag = lags_.find(trunk);
  return lag == lags_.end() ? crowd : std::max(crowd, lag->second.Strain(clock_.Now()));
}

absl::Duration FactRecorder::Lateness() const {
  const std::lock_guard lock(tallies_mutex_);
  const absl::Time now = clock_.Now();
  absl::Duration latest;
  for (const auto& [trunk, lag] : lags_) latest = std::max(latest, lag.Lateness(now));
  return latest;
}

RecorderCounters FactRecorder::counters() const {
  const std::lock_guard lock(aside_mutex_);
  return {.batches = batches_.load(),
          .inputs = inputs_.load(),
          .new_facts = new_facts_.load(),
          .batch_largest = batch_largest_.load(),
          .failures = failures_.load(),
          .unfit = unfit_.load(),
          .aside = aside_.size(),
          .turned_away = turned_away_.load(),
          .held = held_.load()};
}

void FactRecorder::WriteMetrics(MetricsPage& page,
                                const std::function<std::string(TrunkId)>& name_of) const {
  page.Histogram("tocsin_callback_lag_seconds",
                 "From what a callback tells of, by the provider's clock, to its arrival.",
                 lateness_);
  page.Histogram("tocsin_fact_commit_seconds", "How long a batch of facts takes to be durable.",
                 commits_);
  const std::lock_guard lock(tallies_mutex_);
  for (const auto& [key, attempts] : ended_) {
    page.Counter("tocsin_attempts_ended_total", "Attempts that ended, by disposition.",
                 static_cast<double>(attempts),
                 {{"trunk", name_of(key.first)}, {"disposition", std::string(Name(key.second))}});
  }
  for (const auto& [key, attempts] : refused_603_) {
    page.Counter("tocsin_attempts_refused_603_total",
                 "Attempts that ended with 603, by how it was read. By caller number: "
                 "reporting.caller_numbers.",
                 static_cast<double>(attempts),
                 {{"trunk", name_of(key.first)}, {"reason", std::string(key.second)}});
  }
}

void FactRecorder::Stop() {
  wakes_.Stop();
  bringer_back_.request_stop();
  if (bringer_back_.joinable()) bringer_back_.join();
  for (std::jthread& writer : writers_) writer.request_stop();
  for (std::jthread& writer : writers_) {
    if (writer.joinable()) writer.join();
  }
  const std::lock_guard lock(aside_mutex_);
  if (!aside_.empty()) Log(LogLevel::kError, "facts_left_behind", {{"inputs", aside_.size()}});
  aside_.clear();
}

}  // namespace tocsin::dialer
