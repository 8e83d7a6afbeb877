#include "dialer/fact_recorder.h"

#include <future>
#include <thread>

#include "base/metrics.h"
#include "base/status_macros.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/recording_store.h"

namespace tocsin::dialer {
namespace {

using testing::HasSubstr;

AttemptKey Key(std::int64_t attempt) {
  return {CampaignId(1), AttemptId(attempt)};
}

AttemptInput Input(std::int64_t attempt, const std::string& key) {
  Fact fact;
  fact.kind = FactKind::kAnswered;
  fact.key = key;
  return {Key(attempt), fact};
}

// A gate that a store's commit waits at until the test opens it.
class Gate {
 public:
  absl::Status Pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    return absl::OkStatus();
  }
  void AwaitArrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return arrived_ > 0; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

// The answer to one Submit.
class Told {
 public:
  FactRecorder::Answer Answer() {
    return [this](RecordOutcome outcome) { promise_.set_value(outcome); };
  }
  RecordOutcome Wait() { return future_.get(); }
  bool Yet() const {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

 private:
  std::promise<RecordOutcome> promise_;
  std::future<RecordOutcome> future_ = promise_.get_future();
};

FactRecorder::Options Quick() {
  return {.backoff_min = absl::Milliseconds(1), .backoff_max = absl::Milliseconds(2)};
}

TEST(FactRecorder, NothingIsAcknowledgedBeforeItsCommit) {
  RecordingStore store;
  Gate gate;
  store.SetBefore([&](const auto&) { return gate.Pass(); });
  FactRecorder recorder(Quick(), store, SystemClock());
  Told told;
  ASSERT_TRUE(recorder.Submit({Input(1, "a")}, told.Answer()));
  gate.AwaitArrival();
  EXPECT_FALSE(told.Yet());

  gate.Open();
  EXPECT_EQ(told.Wait(), RecordOutcome::kCommitted);
  EXPECT_TRUE(store.Has(Key(1), "a"));
}

TEST(FactRecorder, WhatComesWhileABatchCommitsIsTheNextBatch) {
  RecordingStore store;
  Gate gate;
  store.SetBefore([&](const auto&) { return gate.Pass(); });
  FactRecorder recorder(Quick(), store, SystemClock());
  recorder.Record(Input(0, "first"));
  gate.AwaitArrival();
  for (int i = 1; i <= 1200; ++i) recorder.Record(Input(i, "a"));
  gate.Open();
  store.WaitForFacts(1201);

  std::vector<std::size_t> sizes;
  for (const auto& batch : store.batches()) sizes.push_back(batch.size());
  EXPECT_THAT(sizes, testing::ElementsAre(1, 500, 500, 200));
}

TEST(FactRecorder, ABodyIsAnsweredWhenItsLastFactIsDurable) {
  RecordingStore store;
  Gate gate;
  int calls = 0;
  store.SetBefore([&](const auto&) { return ++calls == 2 ? gate.Pass() : absl::OkStatus(); });
  FactRecorder::Options options = Quick();
  options.batch_max = 1;
  FactRecorder recorder(options, store, SystemClock());
  Told told;
  recorder.Submit({Input(1, "a"), Input(1, "b")}, told.Answer());
  gate.AwaitArrival();
  EXPECT_TRUE(store.Has(Key(1), "a"));
  EXPECT_FALSE(told.Yet());

  gate.Open();
  EXPECT_EQ(told.Wait(), RecordOutcome::kCommitted);
  EXPECT_TRUE(store.Has(Key(1), "b"));
}

TEST(FactRecorder, AnUnknownAttemptIsSaidToBeUnknown) {
  RecordingStore store;
  store.SetUnknown(CampaignId(1));
  FactRecorder recorder(Quick(), store, SystemClock());
  Told told;
  recorder.Submit({Input(1, "a")}, told.Answer());
  EXPECT_EQ(told.Wait(), RecordOutcome::kUnknownAttempt);
}

TEST(FactRecorder, WhileTheStoreIsAwayCallersAreToldAndFactsAreKept) {
  RecordingStore store;
  std::atomic<bool> away{true};
  store.SetBefore([&](const auto&) { return away ? Unavailable("away") : absl::OkStatus(); });
  FactRecorder recorder(Quick(), store, SystemClock());
  std::vector<std::unique_ptr<Told>> told;
  for (int i = 0; i < 20; ++i) {
    told.push_back(std::make_unique<Told>());
    ASSERT_TRUE(recorder.Submit({Input(i, "a")}, told.back()->Answer()));
  }
  recorder.Record(Input(99, "own"));
  for (const auto& t : told) EXPECT_EQ(t->Wait(), RecordOutcome::kUnavailable);
  EXPECT_EQ(store.facts(), 0U);

  away = false;
  store.WaitForFacts(21);
}

TEST(FactRecorder, TooMuchHeldTurnsCallbacksAwayButNotOurOwnFacts) {
  RecordingStore store;
  Gate gate;
  store.SetBefore([&](const auto&) { return gate.Pass(); });
  FactRecorder::Options options = Quick();
  options.held_max = 2;
  FactRecorder recorder(options, store, SystemClock());
  recorder.Record(Input(1, "a"));
  recorder.Record(Input(2, "a"));
  Told told;
  EXPECT_FALSE(recorder.Submit({Input(3, "a")}, told.Answer()));
  recorder.Record(Input(4, "a"));
  gate.Open();
  store.WaitForFacts(3);
  EXPECT_FALSE(store.Has(Key(3), "a"));
  EXPECT_EQ(recorder.counters().turned_away, 1U);
}

TEST(FactRecorder, CallbacksThatPileUpAreAStrain) {
  RecordingStore store;
  Gate gate;
  store.SetBefore([&](const auto&) { return gate.Pass(); });
  FactRecorder::Options options = Quick();
  options.waiting_strained = 2;
  options.waiting_max = 6;
  FactRecorder recorder(options, store, SystemClock());
  std::vector<Told> told(7);
  std::vector<double> strain;
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(recorder.Submit({Input(i, "a")}, told[static_cast<std::size_t>(i)].Answer()));
    strain.push_back(recorder.Strain(TrunkId(1)));
  }
  // Our own facts have nobody who waits.
  recorder.Record(Input(8, "a"));
  EXPECT_THAT(strain, testing::ElementsAre(0, 0, 0.25, 0.5, 0.75, 1, 1));

  gate.Open();
  for (Told& each : told) each.Wait();
  EXPECT_EQ(recorder.Strain(TrunkId(1)), 0);
}

TEST(FactRecorder, ATrunkWhoseCallbacksCannotBeBelievedIsStrained) {
  RecordingStore store;
  FactRecorder::Options options = Quick();
  options.hears = [](TrunkId trunk) { return trunk != TrunkId(1); };
  const FactRecorder recorder(options, store, SystemClock());

  EXPECT_EQ(recorder.Strain(TrunkId(1)), 1);
  EXPECT_EQ(recorder.Strain(TrunkId(2)), 0);
}

TEST(FactRecorder, ACommitOfUnknownFateIsRepeatedAndIsOneFact) {
  RecordingStore store;
  int calls = 0;
  store.SetBefore([&](const auto&) {
    ++calls;
    if (calls == 1) return absl::UnknownError("broke during COMMIT");
    if (calls == 2) return absl::AbortedError("deadlock");
    return absl::OkStatus();
  });
  FactRecorder recorder(Quick(), store, SystemClock());
  Told told;
  recorder.Submit({Input(1, "a")}, told.Answer());
  EXPECT_EQ(told.Wait(), RecordOutcome::kCommitted);
  EXPECT_EQ(store.facts(), 1U);
}

TEST(FactRecorder, OneUnfitFactDoesNotKeepTheOthersOut) {
  RecordingStore store;
  Gate gate;
  store.SetBefore([&](const std::vector<AttemptInput>& inputs) {
    gate.Pass().IgnoreError();
    for (const AttemptInput& input : inputs) {
      if (input.fact->key == "bad") return absl::InvalidArgumentError("data exception");
    }
    return absl::OkStatus();
  });
  FactRecorder recorder(Quick(), store, SystemClock());
  recorder.Record(Input(0, "first"));
  gate.AwaitArrival();
  Told good;
  Told bad;
  Told good_too;
  recorder.Submit({Input(1, "a")}, good.Answer());
  recorder.Submit({Input(2, "bad")}, bad.Answer());
  recorder.Submit({Input(3, "a")}, good_too.Answer());
  gate.Open();

  EXPECT_EQ(good.Wait(), RecordOutcome::kCommitted);
  EXPECT_EQ(bad.Wait(), RecordOutcome::kUnfit);
  EXPECT_EQ(good_too.Wait(), RecordOutcome::kCommitted);
  EXPECT_EQ(store.facts(), 3U);
}

TEST(FactRecorder, AMistakeOfOursCostsNoFactAndKeepsNobodyOut) {
  FakeClock clock(absl::FromUnixSeconds(1'000));
  RecordingStore store;
  std::atomic<bool> mended{false};
  store.SetBefore([&](const std::vector<AttemptInput>& inputs) {
    for (const AttemptInput& input : inputs) {
      if (input.fact->key == "grieved" && !mended) return absl::InternalError("no such column");
    }
    return absl::OkStatus();
  });
  FactRecorder recorder(Quick(), store, clock);
  Told grieved, again, good;
  recorder.Submit({Input(1, "grieved")}, grieved.Answer());
  EXPECT_EQ(grieved.Wait(), RecordOutcome::kUnavailable);
  recorder.Submit({Input(1, "grieved")}, again.Answer());
  EXPECT_EQ(again.Wait(), RecordOutcome::kUnavailable);
  recorder.Submit({Input(2, "a")}, good.Answer());
  EXPECT_EQ(good.Wait(), RecordOutcome::kCommitted);

  mended = true;
  // Until it sleeps, the clock may be turned in vain.
  while (!store.Has(Key(1), "grieved")) {
    clock.Advance(absl::Seconds(10));
    std::this_thread::yield();
  }

  recorder.Stop();
  EXPECT_EQ(recorder.counters().unfit, 0U);
  EXPECT_EQ(recorder.counters().aside, 0U);
  EXPECT_EQ(recorder.counters().held, 0U);
}

TEST(FactRecorder, AnAttemptIsLookedAtAgainWhenItsTimeHasCome) {
  FakeClock clock(absl::FromUnixSeconds(1'000));
  RecordingStore store;
  // The second look says that there is nothing to wait for.
  int looks = 0;
  store.SetAfter([&looks](AttemptChange& change) {
    if (++looks == 1) change.wake = absl::FromUnixSeconds(1'010);
  });
  FactRecorder recorder(Quick(), store, clock);
  Told told;
  recorder.Submit({Input(1, "a")}, told.Answer());
  told.Wait();
  EXPECT_TRUE(recorder.IsArmed(Key(1)));

  clock.Advance(absl::Seconds(11));
  store.WaitForBatches(2);
  ASSERT_EQ(store.batches()[1].size(), 1U);
  EXPECT_FALSE(store.batches()[1][0].fact.has_value());
  recorder.Stop();
  EXPECT_FALSE(recorder.IsArmed(Key(1)));
}

TEST(FactRecorder, ALookAtTheTimeIsPartOfAFact) {
  RecordingStore store;
  Gate gate;
  store.SetBefore([&](const auto&) { return gate.Pass(); });
  FactRecorder recorder(Quick(), store, SystemClock());
  recorder.Record(Input(0, "first"));
  gate.AwaitArrival();
  recorder.RecordAll(
      {{Key(1), std::nullopt}, Input(1, "a"), {Key(2), std::nullopt}, {Key(2), std::nullopt}});
  gate.Open();
  store.WaitForBatches(2);
  EXPECT_EQ(store.batches()[1].size(), 2U);
}

TEST(FactRecorder, ObserversAreToldBeforeTheCaller) {
  RecordingStore store;
  store.SetAfter([](AttemptChange& change) { change.ended_now = true; });
  FactRecorder recorder(Quick(), store, SystemClock());
  std::atomic<bool> seen{false};
  recorder.AddObserver([&](const AttemptChange& change) { seen = change.ended_now; });
  Told told;
  recorder.Submit({Input(1, "a")}, told.Answer());
  told.Wait();
  EXPECT_TRUE(seen);
}

TEST(FactRecorder, Refusals603AreCountedByHowTheyWereRead) {
  RecordingStore store;
  std::atomic<int> ended{0};
  store.SetAfter([&ended](AttemptChange& change) {
    change.trunk = TrunkId(5);
    change.ended_now = true;
    CallView& view = change.view;
    view.cause = EndCause::kDeclinedOrLimited;
    view.disposition = Disposition::kDeclined;
    const int kind = ended++;
    view.ambiguous = kind < 2;
    if (kind == 2) view.remedy = Remedy::kGiveBack;
    if (kind == 3) view.cause = EndCause::kBlocked;
    if (kind == 4) view.cause = EndCause::kBusy;
    if (kind == 5) view.disposition = Disposition::kAnswered;
    change.disposition = view.disposition;
  });
  FactRecorder recorder(Quick(), store, SystemClock());
  for (int i = 0; i < 6; ++i) {
    Told told;
    recorder.Submit({Input(i, "a")}, told.Answer());
    told.Wait();
  }

  MetricsPage page;
  recorder.WriteMetrics(page, [](TrunkId) { return std::string("local"); });
  const auto line = [](const char* reason, int count) {
    return fmt::format("tocsin_attempts_refused_603_total{{trunk=\"local\",reason=\"{}\"}} {}",
                       reason, count);
  };
  EXPECT_THAT(page.Text(), HasSubstr(line("ambiguous", 2)));
  EXPECT_THAT(page.Text(), HasSubstr(line("own_limit", 1)));
  EXPECT_THAT(page.Text(), HasSubstr(line("blocked", 1)));
}

TEST(FactRecorder, StoppingWritesWhatIsHeldAndAnswersEverybody) {
  RecordingStore store;
  FactRecorder::Options options = Quick();
  options.writers = 3;
  options.batch_max = 7;
  FactRecorder recorder(options, store, SystemClock());
  std::atomic<int> answered{0};
  std::atomic<int> committed{0};
  std::vector<std::jthread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&, c] {
      for (int i = 0; i < 500; ++i) {
        recorder.Submit({Input(c * 500 + i, "a"), Input(c * 500 + i, "b")},
                        [&](RecordOutcome outcome) {
                          if (outcome == RecordOutcome::kCommitted) ++committed;
                          ++answered;
                        });
      }
    });
  }
  store.WaitForFacts(100);
  recorder.Stop();
  callers.clear();

  EXPECT_EQ(answered, 2000);
  EXPECT_GE(store.facts(), static_cast<std::size_t>(2 * committed));
}

TEST(FactRecorder, StoppingWhileTheStoreIsAwayDoesNotHang) {
  RecordingStore store;
  store.SetBefore([](const auto&) { return Unavailable("away"); });
  FactRecorder::Options options;
  options.backoff_min = absl::Hours(1);
  options.backoff_max = absl::Hours(1);
  FactRecorder recorder(options, store, SystemClock());
  Told told;
  recorder.Submit({Input(1, "a")}, told.Answer());
  EXPECT_EQ(told.Wait(), RecordOutcome::kUnavailable);
  recorder.Stop();
}

}  // namespace
}  // namespace tocsin::dialer
