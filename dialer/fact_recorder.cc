#include "dialer/fact_recorder.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace tocsin::dialer {
namespace {

// A moment that two clocks agree on only nearly: looking a little later is
// cheaper than looking twice.
constexpr absl::Duration kClockSlack = absl::Milliseconds(1);
// Longer sleeps are cut: the wall clock may be set meanwhile.
constexpr absl::Duration kSleepMax = absl::Hours(1);
constexpr int kAbortedAtOnceMax = 10;

// Whether telling the same facts again may succeed. Everything else is the
// input's fault.
bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsUnknown(status) || absl::IsAborted(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status) ||
         absl::IsCancelled(status);
}

void RaiseTo(std::atomic<std::uint64_t>& largest, std::uint64_t value) {
  std::uint64_t before = largest.load(std::memory_order_relaxed);
  while (before < value && !largest.compare_exchange_weak(before, value)) {
  }
}

}  // namespace

class FactRecorder::Receipt {
 public:
  Receipt(std::size_t inputs, Answer answer) : undecided_(inputs), answer_(std::move(answer)) {}

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
    if (answer) answer(outcome);
  }

  // Answers at once; later decisions are nobody's concern.
  void GiveUp() {
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      answer = std::exchange(answer_, nullptr);
    }
    if (answer) answer(RecordOutcome::kUnavailable);
  }

 private:
  std::mutex mutex_;
  std::size_t undecided_;
  RecordOutcome worst_ = RecordOutcome::kCommitted;
  Answer answer_;
};

FactRecorder::FactRecorder(Options options, DialStore& store, const Clock& clock)
    : options_(options), store_(store), clock_(clock), wakes_(clock, [this](auto attempts) {
        for (const AttemptKey& attempt : attempts) Record({attempt, std::nullopt});
      }) {
  TOCSIN_CHECK(options_.writers > 0 && options_.batch_max > 0);
  for (int i = 0; i < options_.writers; ++i) {
    Lane& lane = *lanes_.emplace_back(std::make_unique<Lane>());
    writers_.emplace_back([this, &lane](std::stop_token stop) { Write(lane, stop); });
  }
}

FactRecorder::~FactRecorder() { Stop(); }

void FactRecorder::AddObserver(Observer observer) { observers_.push_back(std::move(observer)); }

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

void FactRecorder::Record(AttemptInput input) { Push({std::move(input), nullptr}); }

void FactRecorder::RecordAll(std::vector<AttemptInput> inputs) {
  for (AttemptInput& input : inputs) Push({std::move(input), nullptr});
}

bool FactRecorder::Submit(std::vector<AttemptInput> inputs, Answer answer) {
  if (held_.load(std::memory_order_relaxed) + inputs.size() > options_.held_max) {
    turned_away_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  const auto receipt = std::make_shared<Receipt>(inputs.size(), std::move(answer));
  for (AttemptInput& input : inputs) {
    if (!Push({std::move(input), receipt})) receipt->GiveUp();
  }
  return true;
}

std::vector<FactRecorder::Entry> FactRecorder::Take(Lane& lane, std::stop_token stop) {
  std::unique_lock lock(lane.mutex);
  lane.filled.wait(lock, stop, [&lane] { return !lane.queue.empty(); });
  const std::size_t size = std::min(lane.queue.size(), options_.batch_max);
  const auto end = lane.queue.begin() + static_cast<std::ptrdiff_t>(size);
  std::vector<Entry> batch(std::make_move_iterator(lane.queue.begin()),
                           std::make_move_iterator(end));
  lane.queue.erase(lane.queue.begin(), end);
  // Nothing came after the stop was asked for: nothing will.
  if (batch.empty()) lane.closed = true;
  return batch;
}

void FactRecorder::Write(Lane& lane, std::stop_token stop) {
  while (true) {
    std::vector<Entry> batch = Take(lane, stop);
    if (batch.empty()) return;
    const std::size_t size = batch.size();
    Commit(lane, std::move(batch), stop);
    held_.fetch_sub(size, std::memory_order_relaxed);
  }
}

void FactRecorder::Commit(Lane& lane, std::vector<Entry> batch, std::stop_token stop) {
  absl::Duration backoff = options_.backoff_min;
  for (int failures = 1;; ++failures) {
    absl::Status failed;
    if (CommitOnce(batch, failed)) return;
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
      Log(LogLevel::kWarn, "facts_left_behind", {{"inputs", batch.size()}});
      return;
    }
    backoff = std::min(2 * backoff, options_.backoff_max);
  }
}

bool FactRecorder::CommitOnce(std::vector<Entry>& batch, absl::Status& failed) {
  std::vector<AttemptInput> inputs;
  inputs.reserve(batch.size());
  std::unordered_set<AttemptKey> with_fact;
  for (const Entry& entry : batch) {
    if (!entry.input.fact) continue;
    with_fact.insert(entry.input.attempt);
    inputs.push_back(entry.input);
  }
  // A look at the time is part of every fact.
  for (const Entry& entry : batch) {
    if (!entry.input.fact && with_fact.insert(entry.input.attempt).second) {
      inputs.push_back(entry.input);
    }
  }
  const auto changes = store_.RecordFacts(inputs, clock_.Now());
  if (!changes.ok()) {
    failed = changes.status();
    return false;
  }
  batches_.fetch_add(1, std::memory_order_relaxed);
  inputs_.fetch_add(inputs.size(), std::memory_order_relaxed);
  RaiseTo(batch_largest_, inputs.size());
  Finish(batch, *changes);
  return true;
}

// One bad input must not keep the others out: each is tried alone.
void FactRecorder::Divide(Lane& lane, std::vector<Entry> batch, const absl::Status& why,
                          std::stop_token stop) {
  if (batch.size() > 1) {
    for (Entry& entry : batch) {
      std::vector<Entry> one;
      one.push_back(std::move(entry));
      Commit(lane, std::move(one), stop);
    }
    return;
  }
  Entry& entry = batch.front();
  unfit_.fetch_add(1, std::memory_order_relaxed);
  Log(LogLevel::kError, "fact_not_storable",
      {{"campaign", entry.input.attempt.campaign.value()},
       {"attempt", entry.input.attempt.attempt.value()},
       {"fact", entry.input.fact ? Name(entry.input.fact->kind) : "none"},
       {"code", static_cast<int>(why.code())}});
  if (entry.receipt != nullptr) entry.receipt->Decide(RecordOutcome::kUnfit);
}

void FactRecorder::Finish(std::vector<Entry>& batch, const std::vector<AttemptChange>& changes) {
  const absl::Time now = clock_.Now();
  std::unordered_set<AttemptKey> unknown;
  for (const AttemptChange& change : changes) {
    if (!change.known) {
      unknown.insert(change.attempt);
      wakes_.Disarm(change.attempt);
      continue;
    }
    new_facts_.fetch_add(static_cast<std::uint64_t>(change.new_facts), std::memory_order_relaxed);
    Arm(change, now);
    for (const Observer& observer : observers_) observer(change);
  }
  for (Entry& entry : batch) {
    if (entry.receipt == nullptr) continue;
    entry.receipt->Decide(unknown.contains(entry.input.attempt) ? RecordOutcome::kUnknownAttempt
                                                                : RecordOutcome::kCommitted);
  }
}

void FactRecorder::Arm(const AttemptChange& change, absl::Time now) {
  if (!change.wake) return wakes_.Disarm(change.attempt);
  const absl::Duration wait =
      std::clamp(*change.wake - now, absl::ZeroDuration(), kSleepMax) + kClockSlack;
  wakes_.Arm(change.attempt, clock_.Steady() + absl::ToChronoNanoseconds(wait));
}

// Also those who wait behind the batch that cannot be written: a thread that
// waits for the database is one that serves nobody.
void FactRecorder::AnswerUnavailable(Lane& lane, std::vector<Entry>& batch) {
  std::vector<std::shared_ptr<Receipt>> receipts;
  for (Entry& entry : batch) {
    if (entry.receipt != nullptr) receipts.push_back(std::exchange(entry.receipt, nullptr));
  }
  {
    const std::lock_guard lock(lane.mutex);
    for (Entry& entry : lane.queue) {
      if (entry.receipt != nullptr) receipts.push_back(std::exchange(entry.receipt, nullptr));
    }
  }
  for (const auto& receipt : receipts) receipt->GiveUp();
}

RecorderCounters FactRecorder::counters() const {
  return {.batches = batches_.load(),
          .inputs = inputs_.load(),
          .new_facts = new_facts_.load(),
          .batch_largest = batch_largest_.load(),
          .failures = failures_.load(),
          .unfit = unfit_.load(),
          .turned_away = turned_away_.load(),
          .held = held_.load()};
}

void FactRecorder::Stop() {
  wakes_.Stop();
  for (std::jthread& writer : writers_) writer.request_stop();
  for (std::jthread& writer : writers_) {
    if (writer.joinable()) writer.join();
  }
}

}  // namespace tocsin::dialer
