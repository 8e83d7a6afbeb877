// What the scheduler asks of the store, and how often. What it does with the answers
// is the simulation's to judge.
#include "scheduler/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "core/fact_sink.h"
#include "core/phone_number.h"
#include "fmt/format.h"
#include "scheduler/pace_gate.h"
#include "tests/support/fake_clock.h"
#include "tests/support/in_memory_store.h"

namespace tocsin::scheduler {
namespace {

class CountingStore final : public InMemoryStore {
 public:
  absl::StatusOr<std::vector<ActiveCampaign>> ListActiveCampaigns() override {
    ++lists;
    return InMemoryStore::ListActiveCampaigns();
  }
  absl::StatusOr<std::vector<PlannedAttempt>> AdoptPlanned(OperationId operation,
                                                           CampaignId campaign, std::int64_t epoch,
                                                           int limit, absl::Time now) override {
    ++adoptions;
    return InMemoryStore::AdoptPlanned(operation, campaign, epoch, limit, now);
  }
  absl::StatusOr<SlotCount> CountSlots(TrunkId trunk) override {
    ++counts;
    return InMemoryStore::CountSlots(trunk);
  }

  int lists = 0;
  int adoptions = 0;
  int counts = 0;
};

// Sends what its permit lets go, and has it taken at once.
class EagerGateway final : public CallGateway {
 public:
  explicit EagerGateway(const Clock& clock) : clock_(clock) {}

  void Send(const Trunk&, CreateCallRequest request, SendPermit& permit, Done done) override {
    waiting_.push_back({std::move(request), dynamic_cast<PaceGate*>(&permit), std::move(done)});
  }
  int capacity() const override { return 10'000; }
  absl::Status Probe(const Trunk&) override { return absl::OkStatus(); }

  void SendWhatMayGo() {
    std::erase_if(waiting_, [this](const Waiting& waiting) {
      const auto answer = waiting.gate->TryAcquire(waiting.request, clock_.Steady());
      if (std::holds_alternative<PaceGate::WaitUntil>(answer)) return false;
      const bool denied = std::holds_alternative<PaceGate::Denied>(answer);
      if (!denied) ++sent;
      waiting.done({.attempt = waiting.request.attempt,
                    .send_no = waiting.request.send_no,
                    .result = denied ? CreateCallResult(CallNotSent{kNoPermit})
                                     : CreateCallResult(CallAccepted{"call"}),
                    .sent_at = clock_.Now(),
                    .answered_at = clock_.Now()});
      return true;
    });
  }

  int sent = 0;

 private:
  struct Waiting {
    CreateCallRequest request;
    PaceGate* gate;
    Done done;
  };

  const Clock& clock_;
  std::vector<Waiting> waiting_;
};

class NoFacts final : public FactSink {
 public:
  void Record(AttemptInput) override {}
  void RecordAll(std::vector<AttemptInput>) override {}
  double Strain(TrunkId) const override { return 0; }
};

class Reader final : public PhoneNumberReader {
 public:
  absl::StatusOr<PhoneNumber> Read(std::string_view text, std::string_view) const override {
    return PhoneNumber::Parse(text);
  }
  std::string RegionOf(const PhoneNumber&) const override { return "US"; }
};

PhoneNumber Number(std::string_view exchange, int n) {
  return *PhoneNumber::Parse(fmt::format("+1{:03}{}01{:02}", 202 + n / 100, exchange, n % 100));
}

class SchedulerTest : public testing::Test {
 protected:
  SchedulerTest() {
    store_.SetLeaseClock(clock_.Now());
    trunk_.name = "local";
    trunk_.endpoint = "http://127.0.0.1:1";
    trunk_.calls_per_second = 100;
    trunk_.concurrent_max = trunk_.concurrent_max_per_caller = 100'000;
    trunk_.caller_numbers = {Number("555", 9000)};
    spec_.name = "test";
    spec_.purpose = "test";
    spec_.trunk = "local";
    spec_.synthetic = true;
    spec_.window = {0, 24 * 60};
    spec_.time_zone = "America/New_York";
    spec_.flow.audio_uri = "http://127.0.0.1:1/outage.wav";
  }

  // Of so many people, `household` of whom share a number each.
  void StartCampaign(int people, int household = 1) {
    TOCSIN_CHECK(store_.SaveTrunk(trunk_, clock_.Now()).ok());
    const ApiRequest request{TenantId(1), "", "", "test"};
    const CampaignId campaign = store_.CreateCampaign(request, spec_, clock_.Now())->id;
    const ImportId import = store_.BeginImport(request, campaign, clock_.Now())->id;
    std::vector<ImportRow> rows;
    for (int i = 0; i < people; ++i) {
      ImportRow row;
      row.line = i + 1;
      row.person_key = fmt::format("p{}", i);
      row.numbers = {Number(spec_.synthetic ? "555" : "444", i / household)};
      rows.push_back(std::move(row));
    }
    TOCSIN_CHECK(store_.ImportBatch(import, 1, rows, {}, clock_.Now()).ok());
    TOCSIN_CHECK(store_.FinishImport(import, clock_.Now()).ok());
    TOCSIN_CHECK(store_
                     .CommandCampaign(request, campaign, CampaignCommand::kStart,
                                      CancelMode::kDrain, "test", clock_.Now())
                     .ok());
  }

  // Steps as its runner would, and tells it of people who fall due all the time.
  void RunFor(absl::Duration length) {
    const absl::Time end = clock_.Now() + length;
    while (clock_.Now() < end) {
      clock_.Advance(absl::Milliseconds(10));
      store_.SetLeaseClock(clock_.Now());
      scheduler_.OnChange("due");
      scheduler_.Step();
      gateway_.SendWhatMayGo();
    }
  }

  FakeClock clock_{absl::FromCivil(absl::CivilSecond(2026, 3, 3, 18, 0, 0), absl::UTCTimeZone())};
  Trunk trunk_;
  CampaignSpec spec_;
  CountingStore store_;
  EagerGateway gateway_{clock_};
  NoFacts facts_;
  const Reader numbers_;
  Scheduler scheduler_{{.node = "node"}, store_, gateway_, facts_, numbers_, clock_};
};

// A claim of households brings fewer attempts than it was to take people. That is
// not the end of the list, and need not be looked up as if it were.
TEST_F(SchedulerTest, AListOfHouseholdsIsClaimedInOneGo) {
  spec_.ack.scope = AckScope::kNumber;
  StartCampaign(2000, /*household=*/2);

  RunFor(absl::Seconds(6));

  // From the moment that a successor waits for: four seconds at a hundred a second.
  EXPECT_GT(gateway_.sent, 400);
  EXPECT_LE(store_.lists, 6 * 2 + 4);
}

TEST_F(SchedulerTest, WhatOlderEpochsLeftIsLookedForOnce) {
  StartCampaign(2000);

  RunFor(absl::Seconds(5));

  EXPECT_GT(gateway_.sent, 300);
  EXPECT_LE(store_.adoptions, 2);
}

TEST_F(SchedulerTest, RowsAreCountedSeldomWhileThereIsRoom) {
  StartCampaign(2000);
  RunFor(absl::Seconds(10));
  EXPECT_GT(gateway_.sent, 700);
  EXPECT_LE(store_.counts, 6);
}

TEST_F(SchedulerTest, RowsAreCountedOftenWhereACapIsNear) {
  trunk_.concurrent_max = 300;
  StartCampaign(2000);
  RunFor(absl::Seconds(10));
  EXPECT_EQ(gateway_.sent, 300);
  EXPECT_GT(store_.counts, 20);
}

TEST_F(SchedulerTest, TheSpendCeilingHoldsForWhatIsBeingCommittedToo) {
  trunk_.endpoint = "https://contoso.communication.azure.com";
  trunk_.live_dialing = true;
  trunk_.allowed_regions = {"US"};
  trunk_.spend_ceiling_calls = 137;
  spec_.synthetic = false;
  StartCampaign(2000);

  RunFor(absl::Seconds(10));

  // The campaign is paused before its last intents leave.
  EXPECT_LE(gateway_.sent, 137);
  EXPECT_GT(gateway_.sent, 100);
}

}  // namespace
}  // namespace tocsin::scheduler
