#pragma once
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "core/fact_sink.h"
#include "core/store.h"
#include "dialer/lag_gauge.h"
#include "dialer/wake_heap.h"

namespace tocsin::dialer {

// What became of a callback's facts.
enum class RecordOutcome {
  kCommitted,       // Durable.
  kUnknownAttempt,  // Nothing stored: no such attempt.
  kUnavailable,     // Not durable yet, perhaps never: tell it again later.
  kUnfit,           // The store will not take it, however often it is told.
};

struct RecorderCounters {
  std::uint64_t batches = 0;  // Committed.
  std::uint64_t inputs = 0;   // In them.
  std::uint64_t new_facts = 0;
  std::uint64_t batch_largest = 0;
  std::uint64_t failures = 0;     // Calls of the store that failed.
  std::uint64_t unfit = 0;        // Inputs dropped because the store will not take them.
  std::uint64_t aside = 0;        // Inputs that wait for a mistake of ours to be mended.
  std::uint64_t turned_away = 0;  // Callbacks refused because too much is held.
  std::uint64_t held = 0;         // Inputs waiting now.
};

// The one door to DialStore::RecordFacts. Writers drain whatever is queued into
// one call, without a timer: a batch is what came while the last one committed.
// Nothing is acknowledged before its commit. While the store is away, everything
// is kept and told again; a fact is one fact however often it is told.
//
// An input that the store refuses for what it is (a value that no column takes)
// is dropped, with an error in the log. One that the store fails over for reasons
// of its own (a mistaken statement, a missing grant) is set aside, lets the others
// pass, and is told again by itself from time to time.
//
// After a commit: actions that were decided are handed on, the moment to look
// again is armed, observers are told, and whoever waits is answered.
//
// Thread-safe. Facts of one attempt are always written by the same writer.
class FactRecorder final : public FactSink {
 public:
  struct Options {
    int writers = 1;
    std::size_t batch_max = 500;
    // Beyond so many waiting inputs new callbacks are turned away; our own facts
    // are taken always, being bounded by the calls in progress.
    std::size_t held_max = 50'000;
    // So many callbacks that wait for their commit at once are a strain that
    // begins, and so many one that must not grow.
    int waiting_strained = 300;
    int waiting_max = 400;
    absl::Duration backoff_min = absl::Milliseconds(50);
    absl::Duration backoff_max = absl::Seconds(1);
    // Between two tries of what was set aside.
    absl::Duration aside_pause = absl::Seconds(10);
    // False while nothing that a trunk's calls tell can be believed, which is the
    // greatest strain. Called on any thread; must not block. Unset: always true.
    std::function<bool(TrunkId)> hears;
  };

  // Called on a writer's thread for every change that was committed, before
  // anybody is answered. Must not block.
  using Observer = std::function<void(const AttemptChange&)>;
  using Answer = std::function<void(RecordOutcome)>;

  FactRecorder(Options options, DialStore& store, const Clock& clock);
  ~FactRecorder() override;

  // Before the first fact.
  void AddObserver(Observer observer);

  void Record(AttemptInput input) override;
  void RecordAll(std::vector<AttemptInput> inputs) override;

  // The facts of one callback. False if too much is held: nothing was taken and
  // `answer` is not called. Otherwise `answer` is called once, on a writer's
  // thread: with the worst outcome of the inputs once all are decided, or with
  // kUnavailable as soon as a write fails. The facts stay either way.
  bool Submit(std::vector<AttemptInput> inputs, Answer answer);

  // Whether somebody will look at the attempt when its time comes.
  bool IsArmed(AttemptKey attempt) const { return wakes_.IsArmed(attempt); }

  // By the callbacks that wait for their commit, by how late they came, and by
  // whether they can be believed.
  double Strain(TrunkId trunk) const override;

  // How late events come now, of the trunk where they come latest, in the life of
  // whom is called.
  absl::Duration Lateness() const;

  RecorderCounters counters() const;

  // How late callbacks come, and what attempts ended as.
  void WriteMetrics(MetricsPage& page, const std::function<std::string(TrunkId)>& name_of) const;

  // Writes what is held, unless the store is away; answers whoever waits; then
  // takes nothing more. May be called twice.
  void Stop();

 private:
  // A callback whose facts are waiting. Shared by its inputs, which may be
  // written in several batches.
  class Receipt;
  struct Entry {
    AttemptInput input;
    std::shared_ptr<Receipt> receipt;  // Null: nobody waits.
    bool alone = false;                // Was set aside: in a batch of its own.
  };
  // What goes into one call of the store.
  struct Batch {
    std::vector<AttemptInput> inputs;
    std::vector<std::shared_ptr<Receipt>> receipts;  // One for each input, perhaps null.
    bool was_aside = false;
  };
  // One writer's queue.
  struct Lane {
    std::mutex mutex;
    std::condition_variable_any filled;
    std::deque<Entry> queue;
    bool closed = false;
  };

  Lane& LaneOf(const AttemptKey& attempt);
  bool Push(Entry entry);
  void Write(Lane& lane, const std::stop_token& stop);
  std::vector<Entry> Take(Lane& lane, const std::stop_token& stop);
  static Batch BatchOf(std::vector<Entry> entries);
  void Commit(Lane& lane, Batch batch, const std::stop_token& stop);
  absl::Status CommitOnce(Batch& batch);
  void Divide(Lane& lane, Batch batch, const absl::Status& why, const std::stop_token& stop);
  void SetAside(Batch batch, const absl::Status& why);
  void BringBack(const std::stop_token& stop);
  void Finish(Batch& batch, const std::vector<AttemptChange>& changes);
  void Tally(const Batch& batch, const std::vector<AttemptChange>& changes);
  void Arm(const AttemptChange& change, absl::Time now);
  void AnswerUnavailable(Lane& lane, Batch& batch);

  const Options options_;
  DialStore& store_;
  const Clock& clock_;
  std::vector<Observer> observers_;
  std::atomic<std::uint64_t> batches_{0};
  std::atomic<std::uint64_t> inputs_{0};
  std::atomic<std::uint64_t> new_facts_{0};
  std::atomic<std::uint64_t> batch_largest_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> unfit_{0};
  std::atomic<std::uint64_t> turned_away_{0};
  std::atomic<std::uint64_t> held_{0};
  std::atomic<int> waiting_{0};  // Callbacks that nobody has answered.
  DurationHistogram lateness_;   // Of callbacks, by the provider's clock.
  DurationHistogram commits_;
  mutable std::mutex tallies_mutex_;
  std::map<TrunkId, LagGauge> lags_;
  std::map<std::pair<TrunkId, Disposition>, std::uint64_t> ended_;
  std::map<std::pair<TrunkId, std::string_view>, std::uint64_t> refused_603_;  // By reason.
  std::vector<std::unique_ptr<Lane>> lanes_;
  WakeHeap wakes_;

  mutable std::mutex aside_mutex_;  // Guards the next two.
  std::condition_variable_any aside_filled_;
  // By attempt and key of the fact: whoever is told "later" tells it again.
  std::map<std::pair<AttemptKey, std::string>, AttemptInput> aside_;

  std::vector<std::jthread> writers_;
  std::jthread bringer_back_;
};

}  // namespace tocsin::dialer
