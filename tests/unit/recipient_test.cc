#include "core/recipient.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

class RecipientTest : public testing::Test {
 protected:
  RecipientTest() {
    campaign_.state = CampaignState::kRunning;
    campaign_.spec.window = {0, 24 * 60};
    campaign_.expires_at = kNow + absl::Hours(12);
    history_.marks = {NumberMark::kUsable};
  }

  TriedCall& Tried(Disposition disposition, Delivery delivery = Delivery::kNone, int number = 0) {
    TriedCall call;
    call.attempt = AttemptId(static_cast<std::int64_t>(history_.tried.size()) + 1);
    call.number_index = number;
    call.disposition = disposition;
    call.delivery = delivery;
    call.ended_at = kNow;
    history_.tried.push_back(call);
    return history_.tried.back();
  }
  RecipientVerdict Decide() const { return DecideRecipient(campaign_, history_, kNow); }

  Campaign campaign_;
  RecipientHistory history_;
};

TEST_F(RecipientTest, BusyIsTriedAgainAndEachTimeLater) {
  Tried(Disposition::kBusy);
  EXPECT_EQ(Decide().next_at, kNow + absl::Minutes(3));
  Tried(Disposition::kBusy);
  EXPECT_EQ(Decide().next_at, kNow + absl::Minutes(6));
}

TEST_F(RecipientTest, TheLastAttemptDecides) {
  campaign_.spec.retry.attempts_max = 2;
  Tried(Disposition::kBusy);
  Tried(Disposition::kNoAnswer);

  EXPECT_EQ(Decide().outcome, Outcome::kNotReached);
  EXPECT_EQ(Decide().reason, "busy");
}

TEST_F(RecipientTest, AnAcknowledgementEndsEverything) {
  Tried(Disposition::kAnswered, Delivery::kPartial).acknowledged = true;

  EXPECT_EQ(Decide().outcome, Outcome::kConfirmed);
}

TEST_F(RecipientTest, AVoicemailIsTriedAgainAndNeverConfirmed) {
  Tried(Disposition::kAnswered, Delivery::kFull);
  EXPECT_EQ(Decide().next_at, kNow + absl::Minutes(30));
  Tried(Disposition::kAnswered, Delivery::kFull);

  EXPECT_EQ(Decide().outcome, Outcome::kDeliveredUnconfirmed);
}

TEST_F(RecipientTest, AnAlertIsContentWithOneFullDelivery) {
  campaign_.spec.ack.required = false;
  Tried(Disposition::kAnswered, Delivery::kPartial);
  EXPECT_TRUE(Decide().next_at);
  Tried(Disposition::kAnswered, Delivery::kFull);

  EXPECT_EQ(Decide().outcome, Outcome::kDeliveredUnconfirmed);
}

TEST_F(RecipientTest, NumbersAreTriedInTurnAndDeadOnesLeftOut) {
  history_.marks = {NumberMark::kUsable, NumberMark::kUsable, NumberMark::kUsable};
  Tried(Disposition::kInvalidNumber, Delivery::kNone, 0);
  EXPECT_EQ(Decide().number_index, 1);
  EXPECT_EQ(Decide().next_at, kNow);
  Tried(Disposition::kNoAnswer, Delivery::kNone, 1);
  EXPECT_EQ(Decide().number_index, 2);
  Tried(Disposition::kNoAnswer, Delivery::kNone, 2);
  EXPECT_EQ(Decide().number_index, 1);
}

TEST_F(RecipientTest, WithoutANumberLeftTheMarksSpeak) {
  history_.marks = {NumberMark::kSuppressed};
  EXPECT_EQ(Decide().outcome, Outcome::kSuppressed);
  history_.marks = {NumberMark::kRefusedByGuard};
  EXPECT_EQ(Decide().outcome, Outcome::kNoUsableNumber);
  history_.marks = {NumberMark::kUsable};
  Tried(Disposition::kInvalidNumber);
  EXPECT_EQ(Decide().outcome, Outcome::kNotReached);
  EXPECT_EQ(Decide().reason, "invalid");
}

TEST_F(RecipientTest, OnlyLostCallsLeaveTheOutcomeUnknown) {
  campaign_.spec.retry.attempts_max = 1;
  Tried(Disposition::kLost, Delivery::kUnknown);

  EXPECT_EQ(Decide().outcome, Outcome::kUnknown);
}

TEST_F(RecipientTest, NobodyIsRungAfterTheCampaignExpired) {
  campaign_.expires_at = kNow + absl::Minutes(2);
  Tried(Disposition::kBusy);

  EXPECT_EQ(Decide().outcome, Outcome::kExpired);
}

TEST_F(RecipientTest, ARetryAtNightWaitsForTheMorningOfThePerson) {
  campaign_.spec.window = {8 * 60, 21 * 60};
  campaign_.expires_at = kNow + absl::Hours(48);
  history_.time_zone = "America/Denver";
  absl::TimeZone denver;
  ASSERT_TRUE(absl::LoadTimeZone("America/Denver", &denver));
  const absl::Time evening = absl::FromCivil(absl::CivilSecond(2026, 9, 21, 20, 59, 0), denver);
  Tried(Disposition::kBusy).ended_at = evening;

  EXPECT_EQ(DecideRecipient(campaign_, history_, evening).next_at,
            absl::FromCivil(absl::CivilSecond(2026, 9, 22, 8, 0, 0), denver));
}

TEST_F(RecipientTest, HistoryEntriesSurviveTheDatabase) {
  TriedCall& call = Tried(Disposition::kAnswered, Delivery::kFull, 2);
  call.acknowledged = true;
  call.opted_out = true;
  call.given_back = true;
  call.ambiguous = true;
  call.put_through = true;

  EXPECT_EQ(*DecodeTriedCall(EncodeTriedCall(call)), call);
  const std::string text = EncodeTriedCall(call);
  for (std::size_t size = 0; size < text.size() - 16; ++size) {
    EXPECT_FALSE(DecodeTriedCall(std::string_view(text).substr(0, size)).ok()) << size;
  }
}

TEST_F(RecipientTest, AClearNoIsOneAndWhatMayBeSomethingElseIsTriedOnceMore) {
  Tried(Disposition::kDeclined);
  EXPECT_EQ(Decide().outcome, Outcome::kNotReached);
  history_.tried.back().ambiguous = true;
  EXPECT_EQ(Decide().next_at, kNow + absl::Minutes(30));
  Tried(Disposition::kDeclined).ambiguous = true;
  EXPECT_EQ(Decide().outcome, Outcome::kNotReached);
}

TEST_F(RecipientTest, ABlockedCallIsTriedOnceMore) {
  Tried(Disposition::kNetworkBlocked);
  EXPECT_EQ(Decide().next_at, kNow + absl::Minutes(30));
  Tried(Disposition::kNetworkBlocked);
  EXPECT_EQ(Decide().outcome, Outcome::kNotReached);
  EXPECT_EQ(Decide().reason, "blocked");
}

TEST_F(RecipientTest, WhatOurOwnLimitKeptFromRingingIsNoAttemptButHasAnEnd) {
  campaign_.spec.retry.attempts_max = 2;
  Tried(Disposition::kCongestion).given_back = true;
  Tried(Disposition::kBusy);
  EXPECT_TRUE(Decide().next_at.has_value());
  Tried(Disposition::kCongestion).given_back = true;
  EXPECT_EQ(Decide().outcome, Outcome::kNotReached);
  history_.tried.pop_back();
  Tried(Disposition::kBusy);
  EXPECT_EQ(Decide().outcome, Outcome::kNotReached);
}

// Every history of up to four calls ends somewhere or goes on later, never both,
// and never with more attempts than allowed.
TEST_F(RecipientTest, EveryShortHistoryHasExactlyOneAnswer) {
  const Disposition kAll[] = {
      Disposition::kAnswered,       Disposition::kBusy,          Disposition::kNoAnswer,
      Disposition::kDeclined,       Disposition::kInvalidNumber, Disposition::kUnreachable,
      Disposition::kNetworkBlocked, Disposition::kCongestion,    Disposition::kConfigError,
      Disposition::kProviderError,  Disposition::kCanceled,      Disposition::kLost};
  for (const Disposition a : kAll) {
    for (const Disposition b : kAll) {
      for (const Disposition c : kAll) {
        for (const Disposition d : kAll) {
          history_.tried.clear();
          for (const Disposition each : {a, b, c, d}) Tried(each);
          const RecipientVerdict verdict = Decide();
          ASSERT_NE(verdict.outcome.has_value(), verdict.next_at.has_value());
          const bool one_uncounted = a == Disposition::kCanceled || b == Disposition::kCanceled ||
                                     c == Disposition::kCanceled || d == Disposition::kCanceled;
          ASSERT_TRUE(one_uncounted || verdict.outcome);
        }
      }
    }
  }
}

TEST_F(RecipientTest, WhoSpokeToAnOperatorIsNotRungAgain) {
  Tried(Disposition::kAnswered, Delivery::kPartial).put_through = true;
  EXPECT_EQ(Decide().outcome, Outcome::kPartial);
  EXPECT_EQ(Decide().reason, "spoke_to_operator");

  Tried(Disposition::kAnswered, Delivery::kFull);
  EXPECT_EQ(Decide().outcome, Outcome::kDeliveredUnconfirmed);
  history_.tried.front().acknowledged = true;
  EXPECT_EQ(Decide().outcome, Outcome::kConfirmed);
}

}  // namespace
}  // namespace tocsin
