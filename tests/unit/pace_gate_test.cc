#include "scheduler/pace_gate.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"

namespace tocsin::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const CampaignId kCampaign(7);

CreateCallRequest Request(std::int64_t attempt) {
  return {{kCampaign, AttemptId(attempt)},
          *PhoneNumber::Parse("+12025550100"),
          *PhoneNumber::Parse("+12025550199"),
          1};
}

class PaceGateTest : public testing::Test {
 protected:
  PaceGateTest() {
    gate_.SetRunning({kCampaign});
    gate_.SetLeaseValidUntil(clock_.Steady() + seconds(60));
  }
  bool Try(std::int64_t attempt) {
    return std::holds_alternative<PaceGate::Granted>(
        gate_.TryAcquire(Request(attempt), clock_.Steady()));
  }
  bool Denied(std::int64_t attempt) {
    return std::holds_alternative<PaceGate::Denied>(
        gate_.TryAcquire(Request(attempt), clock_.Steady()));
  }
  void Admit(std::int64_t attempt) {
    gate_.Admit({kCampaign, AttemptId(attempt)}, clock_.Steady());
  }

  FakeClock clock_{absl::FromUnixSeconds(1'790'000'000)};
  PaceGate gate_{10, milliseconds(2), clock_};
};

TEST_F(PaceGateTest, OnlyAnAdmittedIntentPassesAndOnlyOnce) {
  EXPECT_TRUE(Denied(1));
  Admit(1);
  EXPECT_TRUE(Try(1));
  EXPECT_TRUE(Denied(1));
}

TEST_F(PaceGateTest, AnIntentThatHasGrownOldDoesNotPass) {
  Admit(1);
  clock_.Advance(absl::Milliseconds(251));

  EXPECT_TRUE(Denied(1));
}

// Else those that found no connection would keep their slots, and nobody would
// be let near the gate any more.
TEST_F(PaceGateTest, WhatHasBeenWithdrawnIsNotWaitedFor) {
  Admit(1);
  Admit(2);
  gate_.Withdraw({kCampaign, AttemptId(1)});

  EXPECT_EQ(gate_.admitted(), 1);
  EXPECT_TRUE(Denied(1));
  EXPECT_TRUE(Try(2));
  gate_.Withdraw({kCampaign, AttemptId(2)});
  EXPECT_EQ(gate_.admitted(), 0);
}

// The clock is corrected by a few milliseconds at each renewal of the lease, as by
// measuring the database's again. The rows must not show more than the rate for it.
TEST_F(PaceGateTest, CorrectionsOfTheClockPutNoMoreIntoASecond) {
  constexpr int kSeed = 20261127, kRate = 10, kSends = 600;
  std::mt19937 random(kSeed);
  std::uniform_int_distribution<int> error_us(-15'000, 15'000);
  const absl::Time began = clock_.Now();
  const SteadyTime steady_began = clock_.Steady();
  std::vector<absl::Time> sent;
  for (int i = 0; i < kSends; ++i) {
    if (i % 7 == 0) {
      clock_.SetNow(began + absl::FromChrono(clock_.Steady() - steady_began) +
                    absl::Microseconds(error_us(random)));
      gate_.SetLeaseValidUntil(clock_.Steady() + seconds(5));
    }
    Admit(i);
    while (true) {
      const auto answer = gate_.TryAcquire(Request(i), clock_.Steady());
      const auto* wait = std::get_if<PaceGate::WaitUntil>(&answer);
      if (wait == nullptr) break;
      clock_.Advance(absl::FromChrono(wait->at - clock_.Steady()));
      Admit(i);
    }
    sent.push_back(gate_.WallTimeOf(clock_.Steady()));
  }
  for (std::size_t i = kRate; i < sent.size(); ++i) {
    EXPECT_GE(sent[i] - sent[i - kRate], absl::Seconds(1)) << i << " of seed " << kSeed;
  }
  // And it is followed all the same.
  EXPECT_LT(absl::AbsDuration(sent.back() - clock_.Now()), absl::Milliseconds(40));
}

TEST_F(PaceGateTest, AClockThatIsSetBackIsFollowedAfterASecondOfRest) {
  Admit(1);
  ASSERT_TRUE(Try(1));
  clock_.SetNow(clock_.Now() - absl::Minutes(5));
  gate_.SetLeaseValidUntil(clock_.Steady() + seconds(60));
  EXPECT_EQ(gate_.WallTimeOf(clock_.Steady()), clock_.Now());

  clock_.Advance(absl::Milliseconds(1000));
  Admit(2);
  EXPECT_FALSE(Try(2));
  clock_.Advance(absl::Milliseconds(2));
  EXPECT_TRUE(Try(2));
}

TEST_F(PaceGateTest, WithoutALeaseNothingPasses) {
  Admit(1);
  gate_.SetLeaseValidUntil(clock_.Steady());

  EXPECT_TRUE(Denied(1));
}

TEST_F(PaceGateTest, AStoppedCampaignDoesNotPass) {
  Admit(1);
  gate_.Stop(kCampaign);

  EXPECT_TRUE(Denied(1));
}

TEST_F(PaceGateTest, ACampaignsOwnRateHoldsBesideTheTrunks) {
  gate_.SetCampaignRate(kCampaign, 1);
  Admit(1);
  Admit(2);
  EXPECT_TRUE(Try(1));

  EXPECT_FALSE(Try(2));
  EXPECT_EQ(gate_.SlotsUntil(kCampaign, clock_.Steady(), clock_.Steady() + milliseconds(500), 0, 9),
            0);
}

TEST_F(PaceGateTest, SlotsAreThoseOfTheHorizonLessThoseAhead) {
  const SteadyTime now = clock_.Steady();
  EXPECT_EQ(gate_.SlotsUntil(kCampaign, now, now + milliseconds(450), 0, 99), 5);
  EXPECT_EQ(gate_.SlotsUntil(kCampaign, now, now + milliseconds(450), 3, 99), 2);
  EXPECT_EQ(gate_.SlotsUntil(kCampaign, now, now + milliseconds(450), 0, 2), 2);
}

// Sleeps on for a while after it was woken.
class OversleepingClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'790'000'000); }
  SteadyTime Steady() const override { return steady_; }
  bool SleepUntil(SteadyTime deadline, std::stop_token) const override {
    steady_ = deadline + milliseconds(120);
    return true;
  }

 private:
  mutable SteadyTime steady_{seconds(1000)};
};

TEST(PaceGateMeasures, WaitsAndSlotsThatWentByMeanwhile) {
  OversleepingClock clock;
  PaceGate gate(10, milliseconds(2), clock);
  PaceMeasures measures;
  gate.MeasureInto(&measures);
  gate.SetRunning({kCampaign});
  gate.SetLeaseValidUntil(clock.Steady() + seconds(60));
  const auto send = [&](std::int64_t attempt) {
    gate.Admit({kCampaign, AttemptId(attempt)}, clock.Steady());
    return gate.Acquire(Request(attempt));
  };

  ASSERT_TRUE(send(1));  // At once.
  EXPECT_EQ(measures.waits.SumSeconds(), 0);
  EXPECT_EQ(measures.slots_missed, 0U);
  ASSERT_TRUE(send(2));

  // A slot each 100 ms; it left 120 ms after its own.
  EXPECT_NEAR(measures.waits.SumSeconds(), 0.220, 0.005);
  EXPECT_NEAR(measures.late.SumSeconds(), 0.120, 0.001);
  EXPECT_EQ(measures.slots_missed, 1U);
}

// Many workers at one gate on the machine's own clock: what passes keeps the law.
TEST(PaceGateThreads, ManyWorkersKeepTheRate) {
  PaceGate gate(200, milliseconds(1), SystemClock());
  gate.SetRunning({kCampaign});
  gate.SetLeaseValidUntil(SystemClock().Steady() + seconds(60));
  std::mutex mutex;
  std::vector<SteadyTime> passed;
  std::atomic<std::int64_t> next = 0;
  std::vector<std::jthread> workers;
  for (int w = 0; w < 8; ++w) {
    workers.emplace_back([&] {
      for (std::int64_t attempt = ++next; attempt <= 500; attempt = ++next) {
        gate.Admit({kCampaign, AttemptId(attempt)}, SystemClock().Steady());
        if (!gate.Acquire(Request(attempt))) continue;
        const SteadyTime at = SystemClock().Steady();
        std::lock_guard lock(mutex);
        passed.push_back(at);
      }
    });
  }
  workers.clear();
  gate.Close();
  std::sort(passed.begin(), passed.end());
  ASSERT_GT(passed.size(), 300U);
  // The stamp is taken after the gate, so a preempted worker's is late and its
  // successor's is not: allow for that, not for a broken law.
  for (std::size_t i = 200; i < passed.size(); ++i) {
    EXPECT_GE(passed[i] - passed[i - 200], milliseconds(900)) << i;
  }
}

}  // namespace
}  // namespace tocsin::scheduler
