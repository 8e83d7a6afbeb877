#include "core/fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace tocsin {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'790'000'000);

Fact Make(FactKind kind, double at_s, int number = 0, int code = 0, int subcode = 0) {
  Fact fact;
  fact.kind = kind;
  fact.at = kStart + absl::Seconds(at_s);
  fact.received_at = fact.at + absl::Milliseconds(20);
  fact.number = number;
  fact.code = code;
  fact.subcode = subcode;
  fact.key = OwnFactKey(kind, number) + std::to_string(at_s);
  if (kind == FactKind::kCreateAccepted) fact.call = "leg";
  return fact;
}

Fact Tone(double at_s, char tone, int sequence) {
  Fact fact = Make(FactKind::kTone, at_s, sequence);
  fact.tone = tone;
  return fact;
}

// Answered at 5 s, the first copy from 5.1 to 17 s.
std::vector<Fact> AnsweredCall() {
  return {Make(FactKind::kCreateAccepted, 0, 1), Make(FactKind::kRinging, 0.5),
          Make(FactKind::kAnswered, 5), Make(FactKind::kActionAccepted, 5.1, 1),
          Make(FactKind::kPlayEnded, 17, 1, 200, 0)};
}

std::vector<Fact> With(std::vector<Fact> facts, std::initializer_list<Fact> more) {
  facts.insert(facts.end(), more);
  return facts;
}

CallView FoldAll(const std::vector<Fact>& facts) {
  return Fold(CallFlow(), facts);
}

void ExpectInEveryOrder(const std::vector<Fact>& facts, const CallView& expected) {
  std::vector<std::size_t> order(facts.size());
  std::iota(order.begin(), order.end(), 0);
  do {
    std::vector<Fact> shuffled;
    for (const std::size_t index : order) shuffled.push_back(facts[index]);
    ASSERT_EQ(FoldAll(shuffled), expected);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Fold, NothingKnownIsDialing) {
  const CallView view = FoldAll({});

  EXPECT_EQ(view.state, AttemptState::kDialing);
  EXPECT_FALSE(view.seen_alive);
}

TEST(Fold, AnAcknowledgedCallIsConfirmedByItsKeyNotByItsAnswer) {
  const CallView view =
      FoldAll(With(AnsweredCall(), {Tone(18, '1', 1), Make(FactKind::kEnded, 19)}));

  EXPECT_EQ(view.state, AttemptState::kEnded);
  EXPECT_EQ(view.disposition, Disposition::kAnswered);
  EXPECT_EQ(view.delivery, Delivery::kFull);
  EXPECT_EQ(view.answered_by, AnsweredBy::kHuman);
  ASSERT_TRUE(view.acknowledged);
  // From when the play was answered, at 5.12 s.
  EXPECT_EQ(view.acknowledged->offset, absl::Seconds(12.88));
}

TEST(Fold, VoicemailIsNeverAcknowledged) {
  const CallView view = FoldAll(With(AnsweredCall(), {Make(FactKind::kEnded, 60)}));

  EXPECT_EQ(view.delivery, Delivery::kFull);
  EXPECT_EQ(view.answered_by, AnsweredBy::kUnknown);
  EXPECT_FALSE(view.acknowledged);
}

TEST(Fold, AKeyBeforeTheMessageSaidWhoCallsDoesNotCount) {
  const CallView early = FoldAll(With(AnsweredCall(), {Tone(9.0, '1', 1)}));
  const CallView late = FoldAll(With(AnsweredCall(), {Tone(9.2, '1', 1)}));

  EXPECT_FALSE(early.acknowledged);
  EXPECT_EQ(early.answered_by, AnsweredBy::kHuman);
  EXPECT_TRUE(late.acknowledged);
}

TEST(Fold, ACopyThatBeganLateIsHeardLate) {
  // Asked for at 5.1 s, and not answered before 8 s: the message may have begun
  // only then, and says who calls by 12 s.
  std::vector<Fact> facts = AnsweredCall();
  facts[3].received_at = kStart + absl::Seconds(8);

  EXPECT_FALSE(FoldAll(With(facts, {Tone(11.9, '1', 1)})).acknowledged);
  EXPECT_TRUE(FoldAll(With(facts, {Tone(12.1, '1', 1)})).acknowledged);
}

Fact OfCall(Fact fact, const char* call) {
  fact.call = call;
  return fact;
}

TEST(Fold, AnEventOfAnotherCallSaysNothingOfThisOne) {
  const std::vector<Fact> ringing = {Make(FactKind::kCreateAccepted, 0, 1),
                                     OfCall(Make(FactKind::kRinging, 0.5), "leg")};
  const CallView before = FoldAll(ringing);
  for (const FactKind kind :
       {FactKind::kAnswered, FactKind::kEnded, FactKind::kTone, FactKind::kOtherEvent}) {
    const Fact stranger = OfCall(Make(kind, -1, 1), "another");
    EXPECT_EQ(FoldAll(With(ringing, {stranger})), before) << Name(kind);
  }
  // Its own in other letters, and one that names no call.
  EXPECT_EQ(FoldAll(With(ringing,
                         {OfCall(Make(FactKind::kAnswered, 5), "LEG"), Make(FactKind::kEnded, 9)}))
                .disposition,
            Disposition::kAnswered);
}

TEST(Fold, WhereNoAnswerNamedTheCallItsEventsDo) {
  const CallView view = FoldAll(
      {Make(FactKind::kCreateUnknown, 0, 1), OfCall(Make(FactKind::kAnswered, 5), "some leg")});
  EXPECT_EQ(view.call, "some leg");
  EXPECT_TRUE(view.answered_at);
}

TEST(Fold, OptingOutNeedsASecondPress) {
  const CallView once = FoldAll(With(AnsweredCall(), {Tone(18, '9', 1)}));
  const CallView told_twice = FoldAll(With(AnsweredCall(), {Tone(18, '9', 1), Tone(18.5, '9', 1)}));
  const CallView twice = FoldAll(With(AnsweredCall(), {Tone(18, '9', 1), Tone(19, '9', 2)}));

  EXPECT_FALSE(once.opted_out);
  EXPECT_FALSE(told_twice.opted_out) << "one press with two events is one press";
  EXPECT_TRUE(twice.opted_out);
}

TEST(Fold, APlayThatCompletedWithACancelCodeWasCutShort) {
  const CallView view =
      FoldAll({Make(FactKind::kCreateAccepted, 0, 1), Make(FactKind::kAnswered, 5),
               Make(FactKind::kActionAccepted, 5.1, 1), Make(FactKind::kPlayEnded, 8, 1, 400, 8508),
               Make(FactKind::kEnded, 9)});

  EXPECT_EQ(view.delivery, Delivery::kPartial);
  EXPECT_EQ(view.heard, absl::Seconds(2.9));
}

TEST(Fold, ARecordingThatCannotBeFetchedIsNoDelivery) {
  const CallView view =
      FoldAll({Make(FactKind::kCreateAccepted, 0, 1), Make(FactKind::kAnswered, 5),
               Make(FactKind::kActionAccepted, 5.1, 1),
               Make(FactKind::kPlayEnded, 5.2, 1, 400, 8536), Make(FactKind::kEnded, 9)});

  EXPECT_EQ(view.disposition, Disposition::kAnswered);
  EXPECT_EQ(view.delivery, Delivery::kNone);
}

TEST(Fold, AnEndWithoutAnAnswerIsInferred) {
  const CallView view = FoldAll({Make(FactKind::kCreateAccepted, 0, 1), Make(FactKind::kEnded, 4)});

  EXPECT_EQ(view.disposition, Disposition::kNoAnswer);
  EXPECT_EQ(view.source, DispositionSource::kInferred);
}

TEST(Fold, ALostAnswerIsUnresolvedAndAnEventResolvesIt) {
  const std::vector<Fact> lost = {Make(FactKind::kCreateUnknown, 0, 1)};

  EXPECT_EQ(FoldAll(lost).state, AttemptState::kUnresolved);
  EXPECT_EQ(FoldAll(With(lost, {Make(FactKind::kRinging, 1)})).state, AttemptState::kDialing);
}

TEST(Fold, AThrottledSendIsGivenBackUntilThereWereTooMany) {
  std::vector<Fact> facts;
  for (int send = 1; send < kSendsMax; ++send) {
    facts.push_back(Make(FactKind::kCreateThrottled, send, send, 429));
    EXPECT_EQ(FoldAll(facts).state, AttemptState::kPlanned) << send;
  }
  facts.push_back(Make(FactKind::kCreateThrottled, 9, kSendsMax, 429));

  EXPECT_EQ(FoldAll(facts).disposition, Disposition::kCongestion);
}

TEST(Fold, ASendHeldBackAtTheGateIsNotOneThatFailed) {
  std::vector<Fact> facts;
  for (int send = 1; send <= 2 * kSendsMax; ++send) {
    facts.push_back(Make(FactKind::kCreateNotSent, send, send));
    facts.back().text = kNoPermit;
  }

  EXPECT_EQ(FoldAll(facts).state, AttemptState::kPlanned);
}

TEST(Fold, ALateEventIsStrongerThanTheVerdictOfLoss) {
  const std::vector<Fact> lost = {Make(FactKind::kCreateUnknown, 0, 1), Make(FactKind::kLost, 400)};
  EXPECT_EQ(FoldAll(lost).disposition, Disposition::kLost);
  EXPECT_EQ(FoldAll(lost).delivery, Delivery::kUnknown);

  const CallView revised =
      FoldAll(With(lost, {Make(FactKind::kAnswered, 5), Make(FactKind::kEnded, 30)}));
  EXPECT_EQ(revised.disposition, Disposition::kAnswered);
}

TEST(Fold, WrongCredentialsAreAConfigurationErrorAndABadRequestIsNot) {
  EXPECT_EQ(FoldAll({Make(FactKind::kCreateRefused, 0, 1, 401)}).disposition,
            Disposition::kConfigError);
  EXPECT_EQ(FoldAll({Make(FactKind::kCreateRefused, 0, 1, 400)}).disposition,
            Disposition::kProviderError);
}

// --- What GA tells besides --------------------------------------------------

Fact Ended(double at_s, EndCause cause, int code, int subcode) {
  Fact fact = Make(FactKind::kEnded, at_s, 0, code, subcode);
  fact.cause = cause;
  return fact;
}

std::vector<Fact> Unanswered(std::initializer_list<Fact> more) {
  return With({Make(FactKind::kCreateAccepted, 0, 1)}, more);
}

TEST(Fold, AnEndWithAReasonIsObservedAndKeepsItsCodes) {
  Fact busy = Ended(4, EndCause::kBusy, 486, 560486);
  busy.sip = 486;
  busy.q850 = 17;
  busy.text = "Busy here";
  const CallView view = FoldAll(Unanswered({busy}));

  EXPECT_EQ(view.disposition, Disposition::kBusy);
  EXPECT_EQ(view.source, DispositionSource::kObserved);
  EXPECT_EQ(view.code, 486);
  EXPECT_EQ(view.subcode, 560486);
  EXPECT_EQ(view.sip, 486);
  EXPECT_EQ(view.q850, 17);
  EXPECT_EQ(view.cause, EndCause::kBusy);
  EXPECT_EQ(view.reason, "Busy here");
}

TEST(Fold, OfTwoEndsTheFirstIsTheTimeAndTheTellingOneTheReason) {
  const Fact disconnected = Ended(4, EndCause::kNormal, 200, 0);
  const Fact failed = Ended(4.2, EndCause::kDeclinedOrLimited, 603, 560603);
  const CallView view = FoldAll(Unanswered({failed, disconnected}));

  EXPECT_EQ(view, FoldAll(Unanswered({disconnected, failed})));
  EXPECT_EQ(view.disposition, Disposition::kDeclined);
  EXPECT_EQ(view.ended_at, kStart + absl::Seconds(4));
}

TEST(Fold, ANormalEndWithoutATraceOfAnAnswerIsNoAnswer) {
  const CallView view = FoldAll(Unanswered({Ended(4, EndCause::kNormal, 0, 560000)}));

  EXPECT_EQ(view.disposition, Disposition::kNoAnswer);
  EXPECT_EQ(view.source, DispositionSource::kInferred);
  EXPECT_EQ(view.subcode, 560000);
  // Its answer was only late.
  EXPECT_EQ(
      FoldAll(Unanswered({Ended(4, EndCause::kNormal, 0, 560000), Make(FactKind::kAnswered, 2)}))
          .disposition,
      Disposition::kAnswered);
}

TEST(Fold, WhatWasAnsweredStaysSoWhateverEndsIt) {
  const CallView view =
      FoldAll(With(AnsweredCall(), {Ended(19, EndCause::kUnreachable, 410, 3100)}));

  EXPECT_EQ(view.disposition, Disposition::kAnswered);
  EXPECT_EQ(view.subcode, 3100);
}

TEST(Fold, AnEndThatAnOperatorOrderedIsACancellationAndOurRingLimitIsNone) {
  const Fact cancelled = Ended(31, EndCause::kCancelled, 487, 560487);
  const Fact ordered = Make(FactKind::kHangUpOrdered, 30);

  EXPECT_EQ(FoldAll(Unanswered({ordered, cancelled})).disposition, Disposition::kCanceled);
  EXPECT_EQ(FoldAll(Unanswered({cancelled})).disposition, Disposition::kNoAnswer);
  const Fact ours = Ended(31, EndCause::kEndedByApplication, 200, 7000);
  EXPECT_EQ(FoldAll(Unanswered({ordered, ours})).disposition, Disposition::kCanceled);
  EXPECT_EQ(FoldAll(Unanswered({ours})).disposition, Disposition::kNoAnswer);
}

TEST(Fold, A603IsCongestionIfOurCallerNumberHadItsLimitOfCalls) {
  const Fact declined = Ended(4, EndCause::kDeclinedOrLimited, 603, 560603);
  std::vector<Fact> facts = Unanswered({declined});
  EXPECT_EQ(FoldAll(facts).disposition, Disposition::kDeclined);
  facts[0].subcode = 1;
  EXPECT_EQ(FoldAll(facts).disposition, Disposition::kCongestion);
}

TEST(Fold, AKeyCountsFromWhenThePlayReallyBegan) {
  // Taken at once and begun 3 s later: the message had not yet said who calls.
  std::vector<Fact> facts = With(AnsweredCall(), {Tone(11, '1', 1)});
  EXPECT_TRUE(FoldAll(facts).acknowledged);
  facts.push_back(Make(FactKind::kPlayStarted, 8, 1));
  EXPECT_FALSE(FoldAll(facts).acknowledged);
  facts.push_back(Tone(13, '1', 2));
  const CallView view = FoldAll(facts);
  ASSERT_TRUE(view.acknowledged);
  EXPECT_EQ(view.acknowledged->offset, absl::Seconds(5));
  EXPECT_EQ(view.heard, absl::Seconds(9));
}

TEST(Fold, APlayThatWasRefusedBecauseItIsPlayingHasNotFailed) {
  const auto refused = [](int code, int subcode) {
    const CallView view =
        FoldAll({Make(FactKind::kCreateAccepted, 0, 1), Make(FactKind::kAnswered, 5),
                 Make(FactKind::kActionRefused, 5.1, 1, code, subcode)});
    return view.plays.at(0).failed;
  };
  EXPECT_FALSE(refused(400, 8500));
  EXPECT_FALSE(refused(412, 8583));
  EXPECT_TRUE(refused(400, 8501));
  EXPECT_TRUE(refused(404, 8522));
  const CallView late =
      FoldAll({Make(FactKind::kAnswered, 5), Make(FactKind::kActionRefused, 5.1, 1, 400, 8501),
               Make(FactKind::kPlayStarted, 5.3, 1)});
  EXPECT_FALSE(late.plays.at(0).failed);
}

TEST(Fold, ARepetitionSettlesASendOfUnknownFateOrLeavesItUnknown) {
  const std::vector<Fact> unknown = {Make(FactKind::kCreateUnknown, 0, 1)};
  Fact again = Make(FactKind::kCreateRepeated, 12, 1);
  CallView view = FoldAll(With(unknown, {again}));
  EXPECT_EQ(view.state, AttemptState::kUnresolved);
  EXPECT_EQ(view.asked_again, 1);
  EXPECT_EQ(view.sends, 1);
  // It may have been this one that placed the call.
  EXPECT_EQ(view.sent_at, kStart + absl::Seconds(12));

  again.call = "leg";
  view = FoldAll(With(unknown, {again}));
  EXPECT_EQ(view.state, AttemptState::kDialing);
  EXPECT_EQ(view.call, "leg");

  again.call.clear();
  again.code = 400;
  view = FoldAll(With(unknown, {again}));
  EXPECT_EQ(view.disposition, Disposition::kProviderError);
  EXPECT_EQ(view.code, 400);
  // Any event of the call knows better.
  EXPECT_EQ(FoldAll(With(unknown, {again, Make(FactKind::kAnswered, 14)})).state,
            AttemptState::kDialing);
}

// The outcome is a function of the set: every order of the facts of one call,
// with one of them told twice, gives the same view.
TEST(Fold, EveryOrderOfTheSameFactsGivesTheSameView) {
  const std::vector<Fact> facts = {Make(FactKind::kCreateAccepted, 0, 1),
                                   Make(FactKind::kAnswered, 5),
                                   Make(FactKind::kActionAccepted, 5.1, 1),
                                   Make(FactKind::kPlayEnded, 17, 1, 200, 0),
                                   Tone(18, '*', 1),
                                   Tone(20, '1', 2),
                                   Make(FactKind::kEnded, 21)};
  const CallView expected = FoldAll(facts);
  ExpectInEveryOrder(facts, expected);
}

// Losing events never makes an outcome stronger.
TEST(Fold, EverySubsetOfTheFactsSaysNoMoreThanAll) {
  const std::vector<Fact> facts = {Make(FactKind::kCreateAccepted, 0, 1),
                                   Make(FactKind::kRinging, 1),
                                   Make(FactKind::kAnswered, 5),
                                   Make(FactKind::kActionAccepted, 5.1, 1),
                                   Make(FactKind::kPlayEnded, 8, 1, 400, 8508),
                                   Make(FactKind::kEnded, 21)};
  for (unsigned subset = 0; subset < (1U << facts.size()); ++subset) {
    std::vector<Fact> some;
    for (std::size_t i = 0; i < facts.size(); ++i) {
      if ((subset >> i) & 1U) some.push_back(facts[i]);
    }
    const CallView view = FoldAll(some);
    EXPECT_FALSE(view.acknowledged);
    EXPECT_NE(view.delivery, Delivery::kFull);
    EXPECT_EQ(view.state == AttemptState::kEnded, view.ended_at.has_value());
  }
}

TEST(Fold, WhoWasPutThroughIsSoWhateverElseIsSaidOfIt) {
  const std::vector<Fact> facts = {Make(FactKind::kCreateAccepted, 0, 1),
                                   Make(FactKind::kActionAccepted, 5.1, 1),
                                   Tone(18, '0', 1),
                                   Make(FactKind::kTransferFailed, 20, 71, 400, 8508),
                                   Make(FactKind::kJoined, 25, 71),
                                   Make(FactKind::kEnded, 26)};
  const CallView expected = FoldAll(facts);
  EXPECT_EQ(expected.put_through_at(), kStart + absl::Seconds(25));
  EXPECT_FALSE(expected.transfer_failed_at);
  EXPECT_EQ(expected.disposition, Disposition::kAnswered) << "though its answer was never told";
  ExpectInEveryOrder(facts, expected);
}

}  // namespace
}  // namespace tocsin
