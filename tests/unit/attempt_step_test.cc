#include "core/attempt_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kStart = absl::FromUnixSeconds(1'790'000'000);

class AttemptStepTest : public testing::Test {
 protected:
  AttemptStepTest() { campaign_.spec.flow.audio_uri = "http://127.0.0.1/a.wav"; }

  Fact& Add(FactKind kind, double at_s, int number = 0, int code = 0, int subcode = 0) {
    Fact fact;
    fact.kind = kind;
    fact.at = kStart + absl::Seconds(at_s);
    fact.received_at = fact.at;
    fact.number = number;
    fact.code = code;
    fact.subcode = subcode;
    fact.call = "leg";
    fact.key = OwnFactKey(kind, number) + std::to_string(at_s);
    facts_.push_back(fact);
    return facts_.back();
  }
  void AddTone(double at_s, char tone, int sequence) {
    Add(FactKind::kTone, at_s, sequence).tone = tone;
  }
  void AddAnswered() {
    Add(FactKind::kCreateAccepted, 0, 1);
    Add(FactKind::kAnswered, 5);
  }
  AttemptStep At(double s) const {
    return StepAttempt(campaign_, kStart, facts_, kStart + absl::Seconds(s));
  }
  static std::optional<double> WakeOf(const AttemptStep& step) {
    if (!step.wake) return std::nullopt;
    return absl::ToDoubleSeconds(*step.wake - kStart);
  }

  Campaign campaign_;
  std::vector<Fact> facts_;
};

const Action kPlay1{1, ActionKind::kPlay};
const Action kPlay2{2, ActionKind::kPlay};
const Action kCancel1{51, ActionKind::kCancelMedia};
const Action kHangUp1{101, ActionKind::kHangUp};

TEST_F(AttemptStepTest, ARingingCallIsHungUpAtTheRingLimit) {
  Add(FactKind::kCreateAccepted, 0, 1);

  EXPECT_THAT(At(29).actions, IsEmpty());
  EXPECT_EQ(WakeOf(At(29)), 30);
  EXPECT_THAT(At(30).actions, ElementsAre(kHangUp1));
}

TEST_F(AttemptStepTest, AnAnswerIsPlayedTo) {
  AddAnswered();

  EXPECT_THAT(At(5).actions, ElementsAre(kPlay1));
}

TEST_F(AttemptStepTest, TheSecondCopyFollowsAfterThePauseAndThenTheCallEnds) {
  AddAnswered();
  Add(FactKind::kActionAccepted, 5, 1);
  Add(FactKind::kPlayEnded, 17, 1, 200);

  EXPECT_THAT(At(18).actions, ElementsAre(kPlay1));
  EXPECT_EQ(WakeOf(At(18)), 19);
  EXPECT_THAT(At(19).actions, ElementsAre(kPlay1, kPlay2));

  Add(FactKind::kActionAccepted, 19, 2);
  Add(FactKind::kPlayEnded, 31, 2, 200);
  EXPECT_EQ(WakeOf(At(31)), 36);
  EXPECT_THAT(At(36).actions, ElementsAre(kPlay1, kPlay2, kHangUp1));
}

TEST_F(AttemptStepTest, AnAcknowledgementEndsTheCall) {
  AddAnswered();
  Add(FactKind::kActionAccepted, 5, 1);
  AddTone(12, '1', 1);

  EXPECT_THAT(At(12).actions, ElementsAre(kHangUp1));
}

TEST_F(AttemptStepTest, RepeatCutsTheCopyShortAndPlaysAnotherAtOnce) {
  AddAnswered();
  Add(FactKind::kActionAccepted, 5, 1);
  AddTone(12, '*', 1);
  EXPECT_THAT(At(12).actions, ElementsAre(kPlay1, kCancel1));

  Add(FactKind::kPlayEnded, 12.2, 1, 400, 8508);
  EXPECT_THAT(At(12.2).actions, ElementsAre(kPlay1, kPlay2, kCancel1));
}

TEST_F(AttemptStepTest, ACallThatIsTooLongIsHungUp) {
  AddAnswered();
  Add(FactKind::kActionAccepted, 5, 1);

  EXPECT_THAT(At(184.9).actions, ElementsAre(kPlay1));
  EXPECT_THAT(At(185).actions, ElementsAre(kPlay1, kHangUp1));
}

TEST_F(AttemptStepTest, WithoutAnySignOfLifeACallIsLostAfterTheBoundAndNotBefore) {
  Add(FactKind::kCreateUnknown, 0, 1);
  const double bound = absl::ToDoubleSeconds(LostAfter(campaign_));

  EXPECT_EQ(At(bound - 1).view.state, AttemptState::kUnresolved);
  EXPECT_EQ(WakeOf(At(bound - 1)), bound);
  const AttemptStep lost = At(bound);
  EXPECT_EQ(lost.view.disposition, Disposition::kLost);
  ASSERT_EQ(lost.verdicts.size(), 1U);
  EXPECT_EQ(lost.verdicts[0].kind, FactKind::kLost);
}

TEST_F(AttemptStepTest, WithASignOfLifeOnlyTheProviderOrAHangUpFreesThePerson) {
  Add(FactKind::kCreateAccepted, 0, 1);
  const double bound = absl::ToDoubleSeconds(LostAfter(campaign_));
  EXPECT_EQ(At(bound * 10).view.state, AttemptState::kDialing);

  Add(FactKind::kActionRefused, bound, 101, 404);
  EXPECT_EQ(At(bound + 1).view.state, AttemptState::kDialing);
  EXPECT_EQ(At(bound + 60).view.disposition, Disposition::kLost);
}

TEST_F(AttemptStepTest, AnOrderedHangUpIsCarriedOutAndACallNobodyAnsweredIsCanceled) {
  Add(FactKind::kCreateAccepted, 0, 1);
  Add(FactKind::kHangUpOrdered, 3);
  EXPECT_THAT(At(3).actions, ElementsAre(kHangUp1));

  Add(FactKind::kEnded, 4);
  EXPECT_EQ(At(4).view.disposition, Disposition::kCanceled);
}

TEST_F(AttemptStepTest, ARecordingThatCannotBeFetchedEndsTheCall) {
  AddAnswered();
  Add(FactKind::kActionAccepted, 5, 1);
  Add(FactKind::kPlayEnded, 5.2, 1, 400, 8536);

  EXPECT_THAT(At(5.2).actions, ElementsAre(kPlay1, kHangUp1));
}

TEST_F(AttemptStepTest, ATimeScaleDividesEveryDuration) {
  campaign_.time_scale = 60;
  Add(FactKind::kCreateAccepted, 0, 1);

  EXPECT_THAT(At(0.4).actions, IsEmpty());
  EXPECT_THAT(At(0.5).actions, ElementsAre(kHangUp1));
}

// Looking at any moment wants no more than looking later, and nothing after the end.
TEST_F(AttemptStepTest, ActionsOnlyGrowWithTime) {
  AddAnswered();
  Add(FactKind::kActionAccepted, 5, 1);
  Add(FactKind::kPlayEnded, 17, 1, 200);
  Add(FactKind::kActionAccepted, 19, 2);
  std::size_t wanted = 0;
  for (double s = 0; s < 500; s += 0.5) {
    const AttemptStep step = At(s);
    if (step.view.state == AttemptState::kEnded) break;
    EXPECT_GE(step.actions.size(), wanted) << s;
    wanted = step.actions.size();
  }
  Add(FactKind::kEnded, 600);
  EXPECT_THAT(At(601).actions, IsEmpty());
  EXPECT_FALSE(At(601).wake);
}

}  // namespace
}  // namespace tocsin
