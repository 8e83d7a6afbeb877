#include "core/completion_fact.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

const absl::Time kSent = absl::FromUnixSeconds(1'790'000'000);

CreateCallCompletion Completion(CreateCallResult result, int repetition = 0) {
  return {.attempt = {CampaignId(1), AttemptId(2)},
          .send_no = 3,
          .repetition = repetition,
          .result = std::move(result),
          .sent_at = kSent,
          .answered_at = kSent + absl::Seconds(1)};
}

TEST(CompletionFact, ASendIsKnownByItsNumber) {
  const auto fact = FactOf(Completion(CallAccepted{"leg"}));

  ASSERT_TRUE(fact.has_value());
  EXPECT_EQ(fact->kind, FactKind::kCreateAccepted);
  EXPECT_EQ(fact->key, OwnFactKey(FactKind::kCreateAccepted, 3));
  EXPECT_EQ(fact->call, "leg");
  EXPECT_EQ(fact->at, kSent);
  EXPECT_EQ(fact->subcode, 0);
}

TEST(CompletionFact, ItRemembersThatTheCallerNumberWasFull) {
  CreateCallCompletion completion = Completion(CallAccepted{"leg"});
  completion.caller_full = true;

  EXPECT_EQ(FactOf(completion)->subcode, 1);
}

TEST(CompletionFact, ARepetitionIsOneOfItsOwnAndSaysWhatItFoundOut) {
  const auto accepted = FactOf(Completion(CallAccepted{"leg"}, 2));
  EXPECT_EQ(accepted->kind, FactKind::kCreateRepeated);
  EXPECT_EQ(accepted->key, OwnFactKey(FactKind::kCreateRepeated, 2));
  EXPECT_EQ(accepted->call, "leg");
  EXPECT_EQ(accepted->code, 0);

  EXPECT_EQ(FactOf(Completion(CallRefused{400, "bad"}, 2))->code, 400);
  EXPECT_EQ(FactOf(Completion(CallOutcomeUnknown{"timeout"}, 2))->code, 0);
}

// These speak of the asking, not of the call that may have been placed before.
TEST(CompletionFact, ARepetitionThatIsPutOffOrTurnedAwaySettlesNothing) {
  EXPECT_EQ(FactOf(Completion(CallThrottled{}, 1))->code, 0);
  for (const int status : {401, 403, 407, 408, 409, 412, 425, 429}) {
    EXPECT_EQ(FactOf(Completion(CallRefused{status, "no"}, 1))->code, 0) << status;
  }
}

TEST(CompletionFact, ARepetitionThatNeverLeftIsNoFact) {
  EXPECT_EQ(FactOf(Completion(CallNotSent{"connection refused"}, 1)), std::nullopt);
  EXPECT_TRUE(FactOf(Completion(CallNotSent{"connection refused"})).has_value());
}

}  // namespace
}  // namespace tocsin
