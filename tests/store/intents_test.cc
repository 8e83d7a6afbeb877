// planned -> dialing, and what stops it.
#include "tests/store/store_conformance.h"

namespace tocsin::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

ImportRow TwoNumbers(const std::string& key, int first, int second) {
  ImportRow row = Person(key, first);
  row.numbers.push_back(Number(second));
  return row;
}

TEST_P(StoreTest, NothingIsIntendedForACampaignThatDoesNotRun) {
  const CampaignId id = h_.Running(1);
  const std::vector<PlannedAttempt> planned = h_.Claim(id);
  h_.Command(id, CampaignCommand::kPause);
  EXPECT_THAT(h_.Intend(planned), ElementsAre(IntentVerdict::kStopped));
  h_.Command(id, CampaignCommand::kResume);

  EXPECT_THAT(h_.Intend(planned), ElementsAre(IntentVerdict::kGo));
  EXPECT_THAT(h_.Intend(planned), ElementsAre(IntentVerdict::kWithdrawn));
}

TEST_P(StoreTest, NobodyIntendsWithAnEpochThatIsNotTheLeases) {
  const CampaignId id = h_.Running(1);
  const std::vector<PlannedAttempt> planned = h_.Claim(id);
  const std::vector<IntentRequest> requests = {
      {planned[0].key, h_.trunk.caller_numbers[0], std::nullopt}};

  const auto older =
      h_.dial.CommitIntents(h_.NewOperation(), "default", h_.epoch - 1, h_.trunk, requests, h_.now);
  const auto elsewhere =
      h_.dial.CommitIntents(h_.NewOperation(), "other group", h_.epoch, h_.trunk, requests, h_.now);

  EXPECT_THAT(*older, ElementsAre(IntentVerdict::kNotHolder));
  EXPECT_THAT(*elsewhere, ElementsAre(IntentVerdict::kNotHolder));
  EXPECT_THAT(h_.Intend(planned), ElementsAre(IntentVerdict::kGo));
}

TEST_P(StoreTest, IntentsOfUnknownFateAreRepeatedUnderTheirOwnId) {
  const CampaignId id = h_.Running(2);
  const std::vector<PlannedAttempt> planned = h_.Claim(id);
  const std::vector<IntentRequest> requests = {
      {planned[0].key, h_.trunk.caller_numbers[0], std::nullopt},
      {planned[1].key, h_.trunk.caller_numbers[0], "premium-rate number"}};
  const OperationId operation = h_.NewOperation();

  const auto first =
      h_.dial.CommitIntents(operation, "default", h_.epoch, h_.trunk, requests, h_.now);
  const auto second =
      h_.dial.CommitIntents(operation, "default", h_.epoch, h_.trunk, requests, h_.now);

  EXPECT_THAT(*first, ElementsAre(IntentVerdict::kGo, IntentVerdict::kWithdrawn));
  EXPECT_EQ(*second, *first);
  EXPECT_EQ(h_.dial.CountSlots(h_.trunk.id)->live, 1);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, NoNumberIsRungTwiceAtOnceOverAllCampaigns) {
  const CampaignId first = h_.Running(2);
  const CampaignId second = h_.Running(2);
  const std::vector<PlannedAttempt> ours = h_.Claim(first);
  const std::vector<PlannedAttempt> theirs = h_.Claim(second);
  EXPECT_THAT(h_.Intend({ours[0]}), ElementsAre(IntentVerdict::kGo));

  EXPECT_THAT(h_.Intend(theirs), ElementsAre(IntentVerdict::kNumberBusy, IntentVerdict::kGo));

  EXPECT_THAT(h_.Intend({ours[1]}), ElementsAre(IntentVerdict::kNumberBusy));
  h_.Answered(ours[0].key, '1');
  EXPECT_THAT(h_.Intend({theirs[0]}), ElementsAre(IntentVerdict::kGo));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, TheTrunkTakesAsManyCallsAsItMay) {
  h_.trunk.concurrent_max = 2;
  const CampaignId id = h_.Running(4);
  const std::vector<PlannedAttempt> planned = h_.Claim(id);

  EXPECT_THAT(h_.Intend(planned), ElementsAre(IntentVerdict::kGo, IntentVerdict::kGo,
                                              IntentVerdict::kNoSlot, IntentVerdict::kNoSlot));

  EXPECT_EQ(h_.dial.CountSlots(h_.trunk.id)->live, 2);
  h_.NoAnswer(planned[0].key);
  EXPECT_THAT(h_.Intend({planned[2], planned[3]}),
              ElementsAre(IntentVerdict::kGo, IntentVerdict::kNoSlot));
}

TEST_P(StoreTest, ACallerNumberTakesAsManyCallsAsItMay) {
  h_.trunk.concurrent_max_per_caller = 1;
  const CampaignId id = h_.Running(3);
  const std::vector<PlannedAttempt> planned = h_.Claim(id);
  const PhoneNumber one = h_.trunk.caller_numbers[0];
  const PhoneNumber two = h_.trunk.caller_numbers[1];

  const auto verdicts = h_.dial.CommitIntents(
      h_.NewOperation(), "default", h_.epoch, h_.trunk,
      {{planned[0].key, one, {}}, {planned[1].key, one, {}}, {planned[2].key, two, {}}}, h_.now);

  EXPECT_THAT(*verdicts,
              ElementsAre(IntentVerdict::kGo, IntentVerdict::kNoSlot, IntentVerdict::kGo));
  const SlotCount slots = *h_.dial.CountSlots(h_.trunk.id);
  EXPECT_EQ(slots.live, 2);
  EXPECT_EQ(slots.live_by_caller.at(one.e164()), 1);
  EXPECT_EQ(slots.live_by_caller.at(two.e164()), 1);
  EXPECT_EQ(slots.sends >= 0, true);
}

TEST_P(StoreTest, ACampaignTakesAsManyCallsAsItMay) {
  CampaignSpec spec = SomeSpec();
  spec.concurrent_max = 1;
  const CampaignId id = h_.Running(2, spec);

  EXPECT_THAT(h_.Intend(h_.Claim(id)), ElementsAre(IntentVerdict::kGo, IntentVerdict::kNoSlot));
}

TEST_P(StoreTest, ASuppressedNumberIsNotRungAndTheNextOneIs) {
  const CampaignId id = h_.Create(SomeSpec());
  h_.Import(id, {TwoNumbers("a", 1, 2), Person("b", 3)});
  h_.Command(id, CampaignCommand::kStart);
  ASSERT_TRUE(h_.campaigns.AddSuppressions(kTenant, "outage", {Number(1)}, "list", h_.now).ok());
  ASSERT_TRUE(h_.campaigns.AddSuppressions(kTenant, "*", {Number(3)}, "list", h_.now).ok());

  EXPECT_THAT(h_.Intend(h_.Claim(id)), Each(IntentVerdict::kWithdrawn));

  EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kSuppressed, 1)));
  const std::vector<PlannedAttempt> next = h_.Claim(id);
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].to, Number(2));
  EXPECT_THAT(h_.Intend(next), ElementsAre(IntentVerdict::kGo));
  EXPECT_EQ(h_.Progress(id).attempts, 0);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, ASuppressionForAnotherPurposeIsNone) {
  const CampaignId id = h_.Running(1);
  ASSERT_TRUE(h_.campaigns.AddSuppressions(kTenant, "marketing", {Number(1)}, "list", h_.now).ok());
  ASSERT_TRUE(
      h_.campaigns.AddSuppressions(kTenant, "marketing", {Number(1)}, "again", h_.now).ok());

  EXPECT_THAT(h_.Intend(h_.Claim(id)), ElementsAre(IntentVerdict::kGo));
}

TEST_P(StoreTest, ANumberThatTheGuardRefusesIsMarkedAndTheNextOneIsRung) {
  const CampaignId id = h_.Create(SomeSpec());
  h_.Import(id, {TwoNumbers("a", 1, 2), Person("b", 3)});
  h_.Command(id, CampaignCommand::kStart);
  std::vector<IntentRequest> requests;
  for (const PlannedAttempt& attempt : h_.Claim(id)) {
    requests.push_back({attempt.key, h_.trunk.caller_numbers[0], "premium-rate number"});
  }

  const auto verdicts =
      h_.dial.CommitIntents(h_.NewOperation(), "default", h_.epoch, h_.trunk, requests, h_.now);

  EXPECT_THAT(*verdicts, ElementsAre(IntentVerdict::kWithdrawn, IntentVerdict::kWithdrawn));
  EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kNoUsableNumber, 1)));
  const std::vector<PlannedAttempt> next = h_.Claim(id);
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].to, Number(2));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, LiveAttemptsAreListedInKeyOrder) {
  const CampaignId first = h_.Running(3);
  const std::vector<PlannedAttempt> planned = h_.Dial(first);
  EXPECT_THAT(h_.Claim(first), IsEmpty());

  const auto page = h_.dial.ListLiveAttempts({}, 2);
  ASSERT_THAT(*page, SizeIs(2));
  const auto rest = h_.dial.ListLiveAttempts(page->back(), 2);

  EXPECT_THAT(*page, ElementsAre(planned[0].key, planned[1].key));
  EXPECT_THAT(*rest, ElementsAre(planned[2].key));
}

}  // namespace
}  // namespace tocsin::testing
