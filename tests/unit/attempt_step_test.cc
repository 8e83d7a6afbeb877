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
const Action kOperatorCancel{60, ActionKind::kCancelMedia};
const Action kTransfer{71, ActionKind::kTransfer};
const Action kLeave{101, ActionKind::kLeave};

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

class OperatorTest : public AttemptStepTest {
 protected:
  // 7 s into the first copy the person asks for an operator.
  OperatorTest() {
    campaign_.spec.flow.operator_line = OperatorLine{*PhoneNumber::Parse("+12025550177"), "US"};
    AddAnswered();
    Add(FactKind::kActionAccepted, 5, 1);
    AddTone(12, '0', 1);
  }
};

TEST_F(OperatorTest, WhoAsksIsPutThroughAndHearsNoMoreOfTheMessage) {
  EXPECT_THAT(At(12).actions, ElementsAre(kOperatorCancel, kTransfer));

  Add(FactKind::kPlayEnded, 12.2, 1, 400, 8508);
  Add(FactKind::kActionAccepted, 12.3, 71);
  EXPECT_THAT(At(60).actions, ElementsAre(kTransfer));
}

TEST_F(OperatorTest, ThatSomebodyAskedIsOnlyNotedWhereNobodyIsToBeRung) {
  campaign_.spec.flow.operator_line.reset();

  EXPECT_THAT(At(12).actions, ElementsAre(kPlay1));
  EXPECT_TRUE(At(12).view.asked_operator);
}

TEST_F(OperatorTest, OnceTheOperatorIsInTheCallWeLeaveIt) {
  Add(FactKind::kJoined, 21, 71);

  EXPECT_THAT(At(21).actions, ElementsAre(kLeave));
  EXPECT_EQ(At(21).view.put_through_at(), kStart + absl::Seconds(21));
}

TEST_F(OperatorTest, ACallThatWasHandedOverIsLeftAlone) {
  Add(FactKind::kTransferred, 21, 71);

  EXPECT_THAT(At(21).actions, IsEmpty());
  EXPECT_EQ(WakeOf(At(21)), 185);
  EXPECT_THAT(At(185).actions, ElementsAre(kLeave)) << "its end was never told";
}

TEST_F(OperatorTest, WhoCannotBePutThroughHearsTheMessageOnceMoreAndCanAnswer) {
  Add(FactKind::kPlayEnded, 12.2, 1, 400, 8508);
  Add(FactKind::kTransferFailed, 40, 71, 486, 560486);

  EXPECT_THAT(At(40).actions, ElementsAre(kPlay1, kPlay2));
  Add(FactKind::kActionAccepted, 40, 2);
  AddTone(50, '1', 2);
  EXPECT_THAT(At(50).actions, ElementsAre(kHangUp1));
  EXPECT_TRUE(At(50).view.acknowledged);
}

TEST_F(OperatorTest, ARefusedTransferIsAFailedOne) {
  Add(FactKind::kPlayEnded, 12.2, 1, 400, 8508);
  Add(FactKind::kActionRefused, 12.5, 71);

  EXPECT_THAT(At(12.5).actions, ElementsAre(kPlay1, kPlay2));
}

TEST_F(OperatorTest, IfTheLastCopyWasCutThereIsStillOneMore) {
  campaign_.spec.flow.plays = 1;
  Add(FactKind::kPlayEnded, 12.2, 1, 400, 8508);
  Add(FactKind::kTransferFailed, 40, 71);
  EXPECT_THAT(At(40).actions, ElementsAre(kPlay1, kPlay2));

  Add(FactKind::kActionAccepted, 40, 2);
  Add(FactKind::kPlayEnded, 52, 2, 200);
  EXPECT_EQ(WakeOf(At(52)), 57);
  EXPECT_THAT(At(57).actions, ElementsAre(kPlay1, kPlay2, kHangUp1));
}

TEST_F(OperatorTest, IfNobodyTellsWhatCameOfItTheCallIsLeft) {
  EXPECT_EQ(WakeOf(At(12)), 103);
  EXPECT_THAT(At(103).actions, ElementsAre(kOperatorCancel, kTransfer, kLeave));
}

TEST_F(OperatorTest, AnAnswerBeforeTheQuestionEndsTheCallAndOneAfterItWaits) {
  AddTone(13, '1', 2);
  EXPECT_THAT(At(13).actions, ElementsAre(kOperatorCancel, kTransfer));
  EXPECT_TRUE(At(13).view.acknowledged);

  AddTone(11, '2', 0);
  EXPECT_THAT(At(13).actions, ElementsAre(kHangUp1));
}

TEST_F(OperatorTest, NobodyIsPutThroughIntoACampaignThatIsHungUp) {
  Add(FactKind::kHangUpOrdered, 12);
  EXPECT_THAT(At(12).actions, ElementsAre(kHangUp1));

  Add(FactKind::kJoined, 12.5, 71);
  EXPECT_THAT(At(13).actions, ElementsAre(kLeave)) << "who talks to an operator is left talking";
}

}  // namespace
}  // namespace tocsin
