// The counts that intents go by between two looks at the rows.
#include "db/live_tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace tocsin::db {
namespace {

constexpr TrunkId kTrunk(7);
constexpr SteadyTime kThen{std::chrono::seconds(100)};

LiveCount Count(std::int64_t live) {
  LiveCount count;
  count.all = live;
  count.by_caller["+12085550100"] = live;
  count.by_campaign[CampaignId(1)] = live;
  return count;
}

TEST(LiveTally, KnowsNothingBeforeTheRowsWereCounted) {
  LiveTally tally;
  EXPECT_FALSE(tally.Find(kTrunk, 1, kThen));
  tally.Raised(kTrunk, 1, Count(3));
  EXPECT_FALSE(tally.Find(kTrunk, 1, kThen));
}

TEST(LiveTally, HoldsWhatIntentsAdded) {
  LiveTally tally;
  tally.Counted(kTrunk, 1, kThen, Count(3));
  tally.Raised(kTrunk, 1, Count(5));
  const auto found = tally.Find(kTrunk, 1, kThen + std::chrono::milliseconds(999));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->all, 5);
  EXPECT_EQ(found->by_caller.at("+12085550100"), 5);
  EXPECT_EQ(found->by_campaign.at(CampaignId(1)), 5);
  EXPECT_FALSE(tally.Find(TrunkId(8), 1, kThen));
}

TEST(LiveTally, AddingDoesNotMakeACountYounger) {
  LiveTally tally;
  tally.Counted(kTrunk, 1, kThen, Count(3));
  tally.Raised(kTrunk, 1, Count(4));
  EXPECT_FALSE(tally.Find(kTrunk, 1, kThen + std::chrono::seconds(1)));
}

TEST(LiveTally, IsOfOnePacerAlone) {
  LiveTally tally;
  tally.Counted(kTrunk, 1, kThen, Count(3));
  // Whoever led in between made attempts live that we never saw.
  EXPECT_FALSE(tally.Find(kTrunk, 2, kThen));
  tally.Counted(kTrunk, 2, kThen, Count(9));
  tally.Raised(kTrunk, 1, Count(4));
  EXPECT_EQ(tally.Find(kTrunk, 2, kThen)->all, 9);
}

}  // namespace
}  // namespace tocsin::db
