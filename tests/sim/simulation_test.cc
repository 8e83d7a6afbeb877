// The promises of the whole, under one seed. To replay: TOCSIN_SIM_SEED=N
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/sim/world.h"

namespace tocsin::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Faults Everything() {
  Faults faults;
  faults.answer_lost = 0.03;
  faults.request_lost = 0.02;
  faults.no_connection = 0.02;
  faults.not_sent = 0.02;
  faults.throttled = 0.02;
  faults.refused = 0.01;
  faults.event_lost = 0.03;
  faults.event_twice = 0.1;
  faults.event_late = 0.05;
  faults.action_lost = 0.03;
  faults.crashes_per_hour = 4;
  return faults;
}

CampaignSpec AnyHour() {
  CampaignSpec spec;
  spec.window = {0, 24 * 60};
  spec.expires_after = absl::Hours(24);
  return spec;
}

class Simulation : public testing::TestWithParam<std::uint64_t> {
 protected:
  Options Seeded() const {
    Options options;
    options.seed = GetParam();
    options.spec = AnyHour();
    return options;
  }
  std::string Replay() const { return "replay: TOCSIN_SIM_SEED=" + std::to_string(GetParam()); }
};

TEST_P(Simulation, KeepsItsPromisesOnACalmDay) {
  World world(Seeded());

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
}

TEST_P(Simulation, KeepsItsPromisesWhenEverythingGoesWrong) {
  Options options = Seeded();
  options.faults = Everything();
  World world(options);

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
}

// Long before the campaign expires.
TEST_P(Simulation, ComesToItsEndAlthoughConnectionsFailNowAndThen) {
  Options options = Seeded();
  options.faults.no_connection = 0.05;
  World world(options);

  EXPECT_THAT(world.Run(absl::Hours(12)), IsEmpty()) << Replay();
}

TEST_P(Simulation, KeepsItsPromisesInsideCallingWindows) {
  Options options = Seeded();
  options.faults = Everything();
  options.spec.window = {9 * 60, 20 * 60};
  options.spec.expires_after = absl::Hours(48);
  World world(options);

  EXPECT_THAT(world.Run(absl::Hours(96)), IsEmpty()) << Replay();
}

TEST_P(Simulation, CancelEndsEverybodyWithAnOutcome) {
  Options options = Seeded();
  options.faults = Everything();
  World world(options);
  world.At(absl::Seconds(70),
           [&] { world.Command(CampaignCommand::kCancel, CancelMode::kHangUp); });

  EXPECT_THAT(world.Run(absl::Hours(24)), IsEmpty()) << Replay();
  EXPECT_GT(world.Progress().outcomes[Outcome::kCanceled], 0) << Replay();
}

TEST_P(Simulation, NoCallLeavesWhilePaused) {
  Options options = Seeded();
  World world(options);
  int at_pause = 0;
  int at_resume = 0;
  world.At(absl::Seconds(20), [&] { world.Command(CampaignCommand::kPause); });
  world.At(absl::Seconds(21), [&] { at_pause = world.calls_placed(); });
  world.At(absl::Minutes(30), [&] {
    at_resume = world.calls_placed();
    world.Command(CampaignCommand::kResume);
  });

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_EQ(at_pause, at_resume) << Replay();
  EXPECT_GT(world.calls_placed(), at_resume) << Replay();
}

TEST_P(Simulation, FewerCallsLeaveWhileTheirEventsPileUp) {
  World world(Seeded());
  int placed[4] = {};
  world.At(absl::Seconds(10), [&] {
    placed[0] = world.calls_placed();
    world.SetStrain(0.9);
  });
  world.At(absl::Seconds(11), [&] {
    placed[1] = world.calls_placed();
    world.SetStrain(1);
  });
  // What was intended before still leaves.
  world.At(absl::Seconds(12), [&] { placed[2] = world.calls_placed(); });
  world.At(absl::Seconds(600), [&] {
    placed[3] = world.calls_placed();
    world.SetStrain(0);
  });

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_GT(placed[0], 0) << Replay();
  EXPECT_LE(placed[1] - placed[0], 2) << Replay();
  EXPECT_EQ(placed[2], placed[3]) << Replay();
  EXPECT_GT(world.calls_placed(), placed[3]) << Replay();
}

TEST_P(Simulation, WhoAsksForAnOperatorIsPutThroughOnceHoweverItGoes) {
  for (const Dialect dialect : {Dialect::kPreview202105, Dialect::kGa}) {
    Options options = Seeded();
    options.faults = Everything();
    options.dialect = dialect;
    options.spec.flow.operator_line = OperatorLine{*PhoneNumber::Parse("+12025550177"), "US"};
    World world(options);

    EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay() << " " << Name(dialect);
    EXPECT_GT(world.put_through(), 0) << Replay() << " " << Name(dialect);
  }
}

// The answer is lost, and the call was placed or was not: GA knows the send again.
TEST_P(Simulation, InGaASendOfUnknownFateIsSettledByAskingAgain) {
  Options options = Seeded();
  options.faults.answer_lost = 0.1;
  options.faults.request_lost = 0.1;
  World waits(options);
  options.dialect = Dialect::kGa;
  World asks(options);

  EXPECT_THAT(waits.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_THAT(asks.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_GT(waits.Progress().dispositions[Disposition::kLost], 5) << Replay();
  EXPECT_EQ(asks.Progress().dispositions[Disposition::kLost], 0) << Replay();
}

// A crash between a send and its answer leaves it unknown too.
TEST_P(Simulation, InGaTheSuccessorAsksForWhatACrashLeftUnknown) {
  Options options = Seeded();
  options.dialect = Dialect::kGa;
  options.people = 400;
  options.faults.crashes_per_hour = 60;
  options.faults.provider_tries_again = true;
  World world(options);

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_EQ(world.Progress().dispositions[Disposition::kLost], 0) << Replay();
}

TEST_P(Simulation, InGaNothingIsAskedForAgainWhilePaused) {
  Options options = Seeded();
  options.dialect = Dialect::kGa;
  options.faults.answer_lost = 0.3;
  World world(options);
  int at_pause = 0;
  int at_resume = 0;
  world.At(absl::Seconds(20), [&] { world.Command(CampaignCommand::kPause); });
  world.At(absl::Seconds(21), [&] { at_pause = world.requests(); });
  world.At(absl::Minutes(30), [&] {
    at_resume = world.requests();
    world.Command(CampaignCommand::kResume);
  });

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_GT(at_pause, 0) << Replay();
  EXPECT_EQ(at_pause, at_resume) << Replay();
}

TEST_P(Simulation, InGaItKeepsItsPromisesWhenEverythingGoesWrong) {
  Options options = Seeded();
  options.dialect = Dialect::kGa;
  options.faults = Everything();
  World world(options);

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
}

// --- Several nodes ---

Options Threefold(Options options) {
  options.nodes = 3;
  options.clock_skew = absl::Hours(2);
  return options;
}

TEST_P(Simulation, ThreeNodesKeepTheirPromisesOnACalmDay) {
  World world(Threefold(Seeded()));

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_EQ(world.leases_taken(), 1) << Replay();
}

TEST_P(Simulation, ThreeNodesKeepTheirPromisesWhenEverythingGoesWrong) {
  Options options = Threefold(Seeded());
  options.faults = Everything();
  options.faults.crashes_per_hour = 30;
  options.faults.freezes_per_hour = 30;
  World world(options);

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_GT(world.leases_taken(), 3) << Replay();
}

TEST_P(Simulation, InGaTwoNodesKeepTheirPromisesWhenEverythingGoesWrong) {
  Options options = Threefold(Seeded());
  options.nodes = 2;
  options.dialect = Dialect::kGa;
  options.faults = Everything();
  options.faults.crashes_per_hour = 30;
  options.faults.freezes_per_hour = 30;
  World world(options);

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
}

// A node alone, too, is succeeded by nobody but itself.
TEST_P(Simulation, ANodeThatFreezesAndThawsGoesOn) {
  Options options = Seeded();
  options.faults = Everything();
  options.faults.freezes_per_hour = 60;
  World world(options);

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
}

// It froze before it learnt that nobody was rung. When it thaws and says so, its
// successor has nobody to claim, and must look for what came back even so: the
// campaign is over hours before it would expire.
TEST_P(Simulation, WhatAThawedNodeGivesBackIsTriedAgain) {
  Options options = Threefold(Seeded());
  options.people = 1;
  options.faults.not_sent = 1;
  World world(options);
  world.At(absl::Milliseconds(1002), [&] { world.FreezePacer(absl::Seconds(30)); });
  world.At(absl::Milliseconds(1003), [&] { world.EndFaults(); });

  EXPECT_THAT(world.Run(absl::Hours(12)), IsEmpty()) << Replay();
  EXPECT_EQ(world.leases_taken(), 2) << Replay();
}

class Succession : public Simulation {
 protected:
  // Sends for a minute and a half while everybody is due.
  Options Busy() const {
    Options options = Threefold(Seeded());
    options.people = 450;
    options.concurrent_max = 1000;
    return options;
  }
  // What is seen of a gap besides: the slot before it, and the time of an answer.
  static constexpr absl::Duration kSlot = absl::Milliseconds(400);
};

TEST_P(Succession, AfterADeathCostsTheLeaseAndASecond) {
  World world(Busy());
  absl::Duration gap;
  world.At(absl::Seconds(20), [&] { world.CrashPacer(); });
  world.At(absl::Seconds(45), [&] { gap = world.longest_gap(); });

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_EQ(world.leases_taken(), 2) << Replay();
  EXPECT_LE(gap, kLease + absl::Seconds(1) + kSlot) << Replay();
  EXPECT_GE(gap, absl::Seconds(7)) << Replay();
}

TEST_P(Succession, AfterAFreezeCostsTheSame) {
  World world(Busy());
  absl::Duration gap;
  world.At(absl::Seconds(20), [&] { world.FreezePacer(absl::Seconds(20)); });
  world.At(absl::Seconds(45), [&] { gap = world.longest_gap(); });

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_EQ(world.leases_taken(), 2) << Replay();
  EXPECT_LE(gap, kLease + absl::Seconds(1) + kSlot) << Replay();
}

TEST_P(Succession, AfterAFreezeThatTheLeaseOutlastsIsNone) {
  World world(Busy());
  world.At(absl::Seconds(20), [&] { world.FreezePacer(absl::Seconds(5)); });

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_EQ(world.leases_taken(), 1) << Replay();
}

// As in an upgrade.
TEST_P(Succession, AfterAStopCostsASecond) {
  World world(Busy());
  absl::Duration gap;
  world.At(absl::Seconds(20), [&] { world.StopPacer(); });
  world.At(absl::Seconds(45), [&] { gap = world.longest_gap(); });

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_EQ(world.leases_taken(), 2) << Replay();
  EXPECT_LE(gap, absl::Seconds(1) + kSlot) << Replay();
}

// --- Of the provider ---

TEST_P(Simulation, TheLimitOfAMonthPausesATrunkUntilSomebodyHasLooked) {
  Options options = Seeded();
  options.monthly_limit = 40;
  World world(options);
  std::string reason;
  world.At(absl::Minutes(30), [&] {
    const Campaign campaign = *world.store().GetCampaign(world.campaign());
    EXPECT_EQ(campaign.state, CampaignState::kPaused) << Replay();
    EXPECT_EQ(world.calls_placed(), 40) << Replay();
    reason = campaign.state_reason;
    world.LiftMonthlyLimit();
    world.Command(CampaignCommand::kResume);
  });

  EXPECT_THAT(world.Run(absl::Hours(72)), IsEmpty()) << Replay();
  EXPECT_THAT(reason, HasSubstr("8529")) << Replay();
}

TEST_P(Simulation, TheSameSeedGivesTheSameRun) {
  Options options = Threefold(Seeded());
  options.faults = Everything();
  options.faults.freezes_per_hour = 30;
  options.people = 60;
  World first(options);
  World second(options);
  first.Run(absl::Hours(72));
  second.Run(absl::Hours(72));

  EXPECT_EQ(first.Digest(), second.Digest()) << Replay();
}

std::vector<std::uint64_t> Seeds() {
  if (const char* seed = std::getenv("TOCSIN_SIM_SEED")) return {std::stoull(seed)};
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) seeds.push_back(seed);
  return seeds;
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, testing::ValuesIn(Seeds()),
                         [](const auto& seed) { return "Seed" + std::to_string(seed.param); });

INSTANTIATE_TEST_SUITE_P(Seeds, Succession, testing::ValuesIn(Seeds()),
                         [](const auto& seed) { return "Seed" + std::to_string(seed.param); });

TEST(SimulatedDay, OfAThousandPeopleKeepsItsPromises) {
  Options options;
  options.seed = 20261121;
  options.people = 1000;
  options.rate = 20;
  options.concurrent_max = 300;
  options.spec = AnyHour();
  options.spec.window = {8 * 60, 21 * 60};
  options.faults = Everything();
  World world(options);

  EXPECT_THAT(world.Run(absl::Hours(48)), IsEmpty());
}

// A simulation that cannot fail proves nothing.
TEST(Canary, ABrokenPaceIsSeen) {
  Options options;
  options.spec = AnyHour();
  options.break_pacing = true;
  World world(options);

  EXPECT_THAT(world.Run(absl::Hours(24)), testing::Contains(HasSubstr("P3")));
}

}  // namespace
}  // namespace tocsin::sim
