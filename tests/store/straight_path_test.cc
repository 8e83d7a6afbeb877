#include "tests/store/store_conformance.h"

namespace tocsin::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST_P(StoreTest, ACampaignIsCarriedFromTheListToItsEnd) {
  const CampaignId id = h_.Running(3);
  const std::vector<PlannedAttempt> planned = h_.Dial(id);
  ASSERT_THAT(planned, SizeIs(3));

  EXPECT_TRUE(h_.Answered(planned[0].key, '1').ended_now);
  EXPECT_TRUE(h_.Answered(planned[1].key, '2').ended_now);
  EXPECT_TRUE(h_.Answered(planned[2].key, '1').ended_now);

  const auto done = h_.dial.CompleteIfDone(id, h_.now);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  const CampaignProgress progress = h_.Progress(id);
  EXPECT_EQ(progress.state, CampaignState::kCompleted);
  EXPECT_EQ(progress.people, 3);
  EXPECT_EQ(progress.due, 0);
  EXPECT_EQ(progress.live, 0);
  EXPECT_EQ(progress.sends, 3);
  EXPECT_EQ(progress.attempts, 3);
  EXPECT_EQ(progress.acknowledged, 2);
  EXPECT_THAT(progress.outcomes,
              UnorderedElementsAre(Pair(Outcome::kConfirmed, 2), Pair(Outcome::kRefused, 1)));
  EXPECT_THAT(progress.dispositions, UnorderedElementsAre(Pair(Disposition::kAnswered, 3)));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, SomebodyWhoDoesNotAnswerIsRungAgainAfterTheDelay) {
  const CampaignId id = h_.Running(1);
  const PlannedAttempt first = h_.Dial(id).at(0);
  h_.NoAnswer(first.key);

  EXPECT_THAT(h_.Claim(id), IsEmpty());
  h_.now += absl::Seconds(30) + SomeSpec().retry.no_answer;
  const std::vector<PlannedAttempt> again = h_.Dial(id);

  ASSERT_THAT(again, SizeIs(1));
  EXPECT_NE(again[0].key, first.key);
  EXPECT_EQ(again[0].to, first.to);
  EXPECT_EQ(again[0].caller, h_.trunk.caller_numbers.front());
  h_.ExpectNoFindings();
}

}  // namespace
}  // namespace tocsin::testing
