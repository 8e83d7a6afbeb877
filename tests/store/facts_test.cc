// Append, then fold.
#include <algorithm>

#include "tests/store/store_conformance.h"

namespace tocsin::testing {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

std::vector<Fact> WholeCall(absl::Time began) {
  return {Accepted(1, began),
          Event(FactKind::kAnswered, "answered", began + absl::Seconds(5)),
          PlayAccepted(1, began + absl::Seconds(6)),
          Tone('1', 1, began + absl::Seconds(12)),
          PlayEnded(1, 0, began + absl::Seconds(20)),
          Event(FactKind::kEnded, "ended", began + absl::Seconds(30))};
}

TEST_P(StoreTest, AFactAboutAnUnknownAttemptIsNotStored) {
  const CampaignId id = h_.Running(1);

  const AttemptChange change = h_.Record({id, AttemptId(424242)}, Accepted(1, h_.now));
  const AttemptChange nowhere = h_.Record({CampaignId(7), AttemptId(1)}, Accepted(1, h_.now));

  EXPECT_FALSE(change.known);
  EXPECT_FALSE(nowhere.known);
  EXPECT_EQ(change.attempt, (AttemptKey{id, AttemptId(424242)}));
}

TEST_P(StoreTest, TheSameFactToldTwiceIsOneFact) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;
  const Fact fact = Accepted(1, h_.now);

  const auto both = h_.dial.RecordFacts({{key, fact}, {key, fact}}, h_.now);
  const AttemptChange again = h_.Record(key, fact);

  ASSERT_TRUE(both.ok()) << both.status();
  ASSERT_THAT(*both, SizeIs(1));
  EXPECT_EQ(both->front().new_facts, 1);
  EXPECT_EQ(again.new_facts, 0);
  EXPECT_TRUE(again.known);
  EXPECT_EQ(again.view.sends, 1);
}

TEST_P(StoreTest, TheOutcomeDoesNotDependOnTheOrderOfTheFacts) {
  std::vector<int> order = {0, 1, 2, 3, 4, 5};
  const CampaignId id = h_.Running(720);
  std::vector<PlannedAttempt> planned = h_.Dial(id, 1000);
  ASSERT_THAT(planned, SizeIs(720));
  const std::vector<Fact> facts = WholeCall(h_.now);
  for (int step = 0; step < 6; ++step) {
    std::sort(order.begin(), order.end());
    std::vector<AttemptInput> inputs;
    for (const PlannedAttempt& attempt : planned) {
      inputs.push_back(
          {attempt.key, facts[static_cast<std::size_t>(order[static_cast<std::size_t>(step)])]});
      std::next_permutation(order.begin(), order.end());
    }
    const auto changes = h_.dial.RecordFacts(inputs, h_.now);
    ASSERT_TRUE(changes.ok()) << changes.status();
    EXPECT_THAT(*changes, SizeIs(720));
  }

  const CampaignProgress progress = h_.Progress(id);
  EXPECT_THAT(progress.outcomes, ElementsAre(Pair(Outcome::kConfirmed, 720)));
  EXPECT_THAT(progress.dispositions, ElementsAre(Pair(Disposition::kAnswered, 720)));
  EXPECT_EQ(progress.acknowledged, 720);
  EXPECT_EQ(progress.attempts, 720);
  EXPECT_EQ(progress.live, 0);
  EXPECT_EQ(progress.unheard_answers, 0);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AllOfACallInOneBatchIsTheSameAsOneByOne) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;
  std::vector<AttemptInput> inputs;
  for (const Fact& fact : WholeCall(h_.now)) inputs.push_back({key, fact});

  const auto changes = h_.dial.RecordFacts(inputs, h_.now);

  ASSERT_THAT(*changes, SizeIs(1));
  EXPECT_EQ(changes->front().new_facts, 6);
  EXPECT_TRUE(changes->front().ended_now);
  EXPECT_EQ(changes->front().disposition, Disposition::kAnswered);
  EXPECT_EQ(changes->front().trunk, h_.trunk.id);
  EXPECT_EQ(h_.Progress(id).acknowledged, 1);
}

TEST_P(StoreTest, AnActionIsGivenToWhoeverInsertedIt) {
  const CampaignId id = h_.Running(1);
  const PlannedAttempt attempt = h_.Dial(id)[0];
  const AttemptKey key = attempt.key;
  h_.Record(key, Accepted(1, h_.now));

  const AttemptChange answered =
      h_.Record(key, Event(FactKind::kAnswered, "answered", h_.now + absl::Seconds(3)));
  const AttemptChange again =
      h_.Record(key, Event(FactKind::kAnswered, "answered", h_.now + absl::Seconds(3)));

  EXPECT_THAT(answered.new_actions, ElementsAre(Action{1, ActionKind::kPlay}));
  ASSERT_TRUE(answered.call.has_value());
  EXPECT_EQ(answered.call->attempt, key);
  EXPECT_EQ(answered.call->call, "call-1");
  EXPECT_EQ(answered.call->to, attempt.to);
  EXPECT_THAT(h_.trunk.caller_numbers, Contains(answered.call->from));
  EXPECT_THAT(again.new_actions, IsEmpty());
  EXPECT_FALSE(again.call.has_value());
  EXPECT_TRUE(answered.wake.has_value());
}

TEST_P(StoreTest, ASendOfUnknownFateIsListedUntilItIsSettled) {
  const CampaignId id = h_.Running(2);
  const PlannedAttempt attempt = h_.Dial(id)[0];
  const absl::Time intended_at = h_.now;
  const auto unresolved = [&] { return *h_.dial.ListUnresolved(h_.trunk.id, 10); };
  EXPECT_THAT(unresolved(), IsEmpty());
  h_.Record(attempt.key, Unknown(1, h_.now + absl::Milliseconds(100)));

  ASSERT_THAT(unresolved(), SizeIs(1));
  const UnresolvedSend send = unresolved()[0];
  EXPECT_EQ(send.attempt, attempt.key);
  EXPECT_EQ(send.to, attempt.to);
  EXPECT_THAT(h_.trunk.caller_numbers, Contains(send.from));
  EXPECT_EQ(send.send_no, 1);
  EXPECT_EQ(send.intended_at, intended_at);
  EXPECT_EQ(send.last_sent, h_.now + absl::Milliseconds(100));
  EXPECT_EQ(send.repetitions, 0);
  EXPECT_THAT(*h_.dial.ListUnresolved(TrunkId(4242), 10), IsEmpty());

  h_.Record(attempt.key, Repeated(1, h_.now + absl::Seconds(1)));
  ASSERT_THAT(unresolved(), SizeIs(1));
  EXPECT_EQ(unresolved()[0].last_sent, h_.now + absl::Seconds(1));
  EXPECT_EQ(unresolved()[0].repetitions, 1);

  h_.Command(id, CampaignCommand::kPause);
  EXPECT_THAT(unresolved(), IsEmpty());
  h_.Command(id, CampaignCommand::kResume);
  EXPECT_THAT(unresolved(), SizeIs(1));

  const AttemptChange settled =
      h_.Record(attempt.key, Repeated(2, h_.now + absl::Seconds(3), "call-1"));
  EXPECT_EQ(settled.view.call, "call-1");
  EXPECT_EQ(settled.view.state, AttemptState::kDialing);
  EXPECT_THAT(unresolved(), IsEmpty());
}

TEST_P(StoreTest, WhyACallEndedIsKept) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;
  h_.Record(key, Accepted(1, h_.now));
  Fact busy = Event(FactKind::kEnded, "ended", h_.now + absl::Seconds(5));
  busy.code = 486;
  busy.subcode = 560486;
  busy.sip = 486;
  busy.q850 = 17;
  busy.cause = EndCause::kBusy;

  const AttemptChange change = h_.Record(key, busy);

  EXPECT_EQ(change.view.disposition, Disposition::kBusy);
  EXPECT_EQ(change.view.source, DispositionSource::kObserved);
  EXPECT_EQ(change.view.sip, 486);
  EXPECT_EQ(change.view.q850, 17);
  EXPECT_EQ(change.view.cause, EndCause::kBusy);
  EXPECT_EQ(h_.Progress(id).dispositions[Disposition::kBusy], 1);
}

TEST_P(StoreTest, AnActionWithoutAResultIsOfferedAgainToOneCaller) {
  const CampaignId id = h_.Running(1);
  const PlannedAttempt attempt = h_.Dial(id)[0];
  const AttemptKey key = attempt.key;
  h_.Record(key, Accepted(1, h_.now));
  h_.Record(key, Event(FactKind::kAnswered, "answered", h_.now));
  EXPECT_THAT(*h_.dial.ClaimPendingActions(h_.now, 10, h_.now), IsEmpty());
  h_.now += absl::Seconds(10);
  const absl::Time before = h_.now - absl::Seconds(5);

  const auto offered = h_.dial.ClaimPendingActions(before, 10, h_.now);
  const auto twice = h_.dial.ClaimPendingActions(before, 10, h_.now);

  ASSERT_THAT(*offered, SizeIs(1));
  const LiveCall& call = offered->front().call;
  EXPECT_EQ(call.attempt, key);
  EXPECT_EQ(offered->front().action, (Action{1, ActionKind::kPlay}));
  EXPECT_EQ(call.call, "call-1");
  EXPECT_EQ(call.trunk, h_.trunk.id);
  EXPECT_EQ(call.to, attempt.to);
  EXPECT_THAT(h_.trunk.caller_numbers, Contains(call.from));
  EXPECT_THAT(*twice, IsEmpty());
  h_.now += absl::Seconds(10);
  EXPECT_THAT(*h_.dial.ClaimPendingActions(h_.now - absl::Seconds(5), 10, h_.now), SizeIs(1));
  h_.Record(key, PlayAccepted(1, h_.now));
  h_.now += absl::Seconds(10);
  EXPECT_THAT(*h_.dial.ClaimPendingActions(h_.now - absl::Seconds(5), 10, h_.now), IsEmpty());
}

// Somebody who may ask for an operator has heard the message for 10 s.
AttemptKey TenSecondsIntoAMessageWithOperator(StoreHarness& h) {
  CampaignSpec spec = SomeSpec();
  spec.flow.operator_line = OperatorLine{*PhoneNumber::Parse("+12025550177"), "US"};
  const AttemptKey key = h.Dial(h.Running(1, spec))[0].key;
  h.Record(key, Accepted(1, h.now));
  h.Record(key, Event(FactKind::kAnswered, "answered", h.now));
  h.Record(key, PlayAccepted(1, h.now));
  h.now += absl::Seconds(10);
  return key;
}

// The key that asks for one.
Fact AskedForOperator(absl::Time at) {
  Fact key = Event(FactKind::kTone, "operator", at);
  key.tone = '0';
  key.number = 1;
  return key;
}

TEST_P(StoreTest, ATransferIsGivenOutOnceAndNeverAgain) {
  const AttemptKey key = TenSecondsIntoAMessageWithOperator(h_);

  const AttemptChange asked = h_.Record(key, AskedForOperator(h_.now));

  EXPECT_THAT(asked.new_actions,
              ElementsAre(Action{60, ActionKind::kCancelMedia}, Action{71, ActionKind::kTransfer}));
  h_.now += absl::Minutes(1);
  const auto again = h_.dial.ClaimPendingActions(h_.now, 10, h_.now);
  ASSERT_THAT(*again, SizeIs(1));
  EXPECT_EQ(again->front().action, (Action{60, ActionKind::kCancelMedia}));
}

TEST_P(StoreTest, WhoSpokeToAnOperatorIsDone) {
  const AttemptKey key = TenSecondsIntoAMessageWithOperator(h_);
  h_.Record(key, AskedForOperator(h_.now));
  Fact joined = Event(FactKind::kJoined, "joined", h_.now + absl::Seconds(9));
  joined.number = kTransferOrdinal;

  const AttemptChange change = h_.Record(key, joined);
  EXPECT_THAT(change.new_actions, ElementsAre(Action{101, ActionKind::kLeave}));
  h_.now += absl::Seconds(10);
  h_.Record(key, Event(FactKind::kEnded, "ended", h_.now));

  EXPECT_EQ(h_.Progress(key.campaign).outcomes[Outcome::kPartial], 1);
  EXPECT_EQ(h_.Progress(key.campaign).due, 0);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, ARefusedSendEndsTheAttempt) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;

  const AttemptChange change = h_.Record(key, Refused(1, 400, h_.now));

  EXPECT_TRUE(change.ended_now);
  EXPECT_EQ(change.disposition, Disposition::kProviderError);
  EXPECT_EQ(h_.dial.CountSlots(h_.trunk.id)->live, 0);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AThrottledSendIsGivenBackAndSentAgain) {
  const CampaignId id = h_.Running(1);
  const PlannedAttempt attempt = h_.Dial(id)[0];

  const AttemptChange change = h_.Record(attempt.key, Throttled(1, h_.now));

  EXPECT_TRUE(change.given_back_now);
  EXPECT_FALSE(change.ended_now);
  EXPECT_GT(change.retry_send_at, h_.now);
  EXPECT_EQ(h_.dial.CountSlots(h_.trunk.id)->live, 0);
  EXPECT_EQ(h_.dial.ListActiveCampaigns()->front().planned, 1);
  h_.ExpectNoFindings();
  EXPECT_FALSE(h_.Record(attempt.key, Throttled(1, h_.now)).given_back_now);
  EXPECT_THAT(h_.Intend({attempt}), ElementsAre(IntentVerdict::kGo));
  EXPECT_TRUE(h_.Record(attempt.key, Refused(2, 400, h_.now)).ended_now);
  EXPECT_EQ(h_.Progress(id).sends, 2);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, ASendHeldBackAtTheGateIsTriedAgainHoweverOften) {
  const CampaignId id = h_.Running(1);
  const PlannedAttempt attempt = h_.Dial(id)[0];
  for (int send = 1; send <= kSendsMax + 2; ++send) {
    Fact held_back = NotSent(send, h_.now);
    held_back.text = kNoPermit;
    EXPECT_TRUE(h_.Record(attempt.key, held_back).given_back_now) << send;
    EXPECT_THAT(h_.Intend({attempt}), ElementsAre(IntentVerdict::kGo)) << send;
  }

  h_.Record(attempt.key, Accepted(kSendsMax + 3, h_.now));

  EXPECT_EQ(h_.dial.CountSlots(h_.trunk.id)->live, 1);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, ASendInFlightIsNotGivenBackByAnEarlierOne) {
  const CampaignId id = h_.Running(1);
  const PlannedAttempt attempt = h_.Dial(id)[0];
  h_.Record(attempt.key, Throttled(1, h_.now));
  h_.Intend({attempt});

  const AttemptChange look = h_.Record(attempt.key, std::nullopt);
  const AttemptChange told_again = h_.Record(attempt.key, Throttled(1, h_.now));

  EXPECT_FALSE(look.given_back_now);
  EXPECT_FALSE(told_again.given_back_now);
  EXPECT_EQ(h_.dial.CountSlots(h_.trunk.id)->live, 1);
  h_.ExpectNoFindings();
  EXPECT_TRUE(h_.Record(attempt.key, Throttled(2, h_.now)).given_back_now);
}

TEST_P(StoreTest, AfterTooManySendsThatReachedNobodyTheAttemptEnds) {
  const CampaignId id = h_.Running(1);
  const PlannedAttempt attempt = h_.Dial(id)[0];
  for (int send = 1; send < kSendsMax; ++send) {
    EXPECT_TRUE(h_.Record(attempt.key, Throttled(send, h_.now)).given_back_now);
    EXPECT_THAT(h_.Intend({attempt}), ElementsAre(IntentVerdict::kGo));
  }

  const AttemptChange last = h_.Record(attempt.key, Throttled(kSendsMax, h_.now));

  EXPECT_TRUE(last.ended_now);
  EXPECT_EQ(last.disposition, Disposition::kCongestion);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AnAttemptGivenBackAndReturnedIsOverAndItsPersonIsNot) {
  const CampaignId id = h_.Running(1);
  const PlannedAttempt attempt = h_.Dial(id)[0];
  h_.Record(attempt.key, NotSent(1, h_.now));
  ASSERT_TRUE(h_.dial.ReturnToQueue({{attempt.key, h_.now}}, h_.now).ok());

  const std::vector<PlannedAttempt> again = h_.Dial(id);

  ASSERT_THAT(again, SizeIs(1));
  EXPECT_NE(again[0].key, attempt.key);
  EXPECT_FALSE(h_.Record(attempt.key, std::nullopt).ended_now);
  EXPECT_TRUE(h_.Answered(again[0].key, '1').ended_now);
  EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kConfirmed, 1)));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AnAttemptOfWhichNobodyKnowsAnythingIsLostInTheEnd) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;
  Fact unknown = Accepted(1, h_.now);
  unknown.kind = FactKind::kCreateUnknown;
  unknown.key = OwnFactKey(unknown.kind, 1);
  unknown.call.clear();
  const AttemptChange unresolved = h_.Record(key, unknown);
  EXPECT_EQ(unresolved.view.state, AttemptState::kUnresolved);
  EXPECT_EQ(h_.dial.CountSlots(h_.trunk.id)->live, 1);
  ASSERT_TRUE(unresolved.wake.has_value());

  h_.now = *unresolved.wake;
  const AttemptChange lost = h_.Record(key, std::nullopt);

  EXPECT_TRUE(lost.ended_now);
  EXPECT_EQ(lost.disposition, Disposition::kLost);
  EXPECT_EQ(h_.dial.CountSlots(h_.trunk.id)->live, 0);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AnAnswerThatCameLateRevisesWhatWasConcluded) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;
  EXPECT_TRUE(h_.NoAnswer(key).ended_now);
  const absl::Time began = h_.now;
  h_.now += absl::Minutes(1);

  h_.Record(key, Event(FactKind::kAnswered, "answered", began + absl::Seconds(5)));
  h_.Record(key, PlayAccepted(1, began + absl::Seconds(6)));
  const AttemptChange change = h_.Record(key, Tone('1', 1, began + absl::Seconds(12)));

  EXPECT_FALSE(change.ended_now);
  const CampaignProgress progress = h_.Progress(id);
  EXPECT_THAT(progress.outcomes, ElementsAre(Pair(Outcome::kConfirmed, 1)));
  EXPECT_THAT(progress.dispositions, ElementsAre(Pair(Disposition::kAnswered, 1)));
  EXPECT_EQ(progress.attempts, 1);
  EXPECT_EQ(progress.acknowledged, 1);
  h_.now += absl::Hours(2);
  EXPECT_THAT(h_.Claim(id), IsEmpty());
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, ALateAcknowledgementStopsTheNextAttempt) {
  const CampaignId id = h_.Running(1);
  const AttemptKey first = h_.Dial(id)[0].key;
  const absl::Time began = h_.now;
  h_.NoAnswer(first);
  h_.now += absl::Hours(1);
  const std::vector<PlannedAttempt> second = h_.Claim(id);
  ASSERT_THAT(second, SizeIs(1));
  h_.Record(first, Event(FactKind::kAnswered, "answered", began + absl::Seconds(5)));
  h_.Record(first, PlayAccepted(1, began + absl::Seconds(6)));
  h_.Record(first, Tone('1', 1, began + absl::Seconds(12)));

  EXPECT_THAT(h_.Intend(second), ElementsAre(IntentVerdict::kWithdrawn));

  EXPECT_TRUE(*h_.dial.CompleteIfDone(id, h_.now));
  EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kConfirmed, 1)));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AKeyThatCountsIsKnownBeforeTheCallEnds) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;
  h_.Record(key, Accepted(1, h_.now));
  h_.Record(key, Event(FactKind::kAnswered, "answered", h_.now + absl::Seconds(5)));
  h_.Record(key, PlayAccepted(1, h_.now + absl::Seconds(6)));
  EXPECT_EQ(h_.Progress(id).acknowledged, 0);
  const AttemptChange pressed = h_.Record(key, Tone('1', 1, h_.now + absl::Seconds(12)));

  EXPECT_THAT(pressed.new_actions, ElementsAre(Field(&Action::kind, ActionKind::kHangUp)));
  EXPECT_EQ(h_.Progress(id).acknowledged, 1);
  EXPECT_THAT(h_.Progress(id).outcomes, IsEmpty());
}

TEST_P(StoreTest, AKeyPressedBeforeTheMessageSaidWhoCallsDoesNotCount) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;
  h_.Record(key, Accepted(1, h_.now));
  h_.Record(key, Event(FactKind::kAnswered, "answered", h_.now + absl::Seconds(5)));
  h_.Record(key, PlayAccepted(1, h_.now + absl::Seconds(6)));

  h_.Record(key, Tone('1', 1, h_.now + absl::Seconds(7)));

  EXPECT_EQ(h_.Progress(id).acknowledged, 0);
}

TEST_P(StoreTest, WhoOptsOutIsNotRungForThatPurposeAnyMore) {
  const CampaignId id = h_.Running(1);
  const AttemptKey key = h_.Dial(id)[0].key;
  h_.Record(key, Accepted(1, h_.now));
  h_.Record(key, Event(FactKind::kAnswered, "answered", h_.now + absl::Seconds(5)));
  h_.Record(key, PlayAccepted(1, h_.now + absl::Seconds(6)));
  h_.Record(key, Tone('9', 1, h_.now + absl::Seconds(12)));
  h_.Record(key, Tone('9', 2, h_.now + absl::Seconds(14)));
  h_.Record(key, Event(FactKind::kEnded, "ended", h_.now + absl::Seconds(20)));
  EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kOptedOut, 1)));
  EXPECT_EQ(h_.Progress(id).opt_outs, 1);
  CampaignSpec other = SomeSpec();
  other.purpose = "something else";

  EXPECT_THAT(h_.Intend(h_.Claim(h_.Running(1))), ElementsAre(IntentVerdict::kWithdrawn));
  EXPECT_THAT(h_.Intend(h_.Claim(h_.Running(1, other))), ElementsAre(IntentVerdict::kGo));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AnswersWithoutAKeyAreCountedForTheBreaker) {
  const CampaignId id = h_.Running(2);
  const std::vector<PlannedAttempt> planned = h_.Dial(id);
  // Hung up at once: nothing was played.
  h_.Record(planned[0].key, Accepted(1, h_.now));
  h_.Record(planned[0].key, Event(FactKind::kAnswered, "answered", h_.now + absl::Seconds(5)));
  h_.Record(planned[0].key, Event(FactKind::kEnded, "ended", h_.now + absl::Seconds(7)));
  h_.Answered(planned[1].key, std::nullopt);

  const CampaignProgress progress = h_.Progress(id);

  EXPECT_EQ(progress.unheard_answers, 1);
  EXPECT_EQ(progress.short_calls, 1);
  EXPECT_EQ(progress.due, 2);
  EXPECT_THAT(progress.outcomes, IsEmpty());
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AnsweredTwiceWithoutAKeyIsDeliveredUnconfirmed) {
  const CampaignId id = h_.Running(1);
  h_.Answered(h_.Dial(id)[0].key, std::nullopt);
  h_.now += absl::Hours(1);
  h_.Answered(h_.Dial(id).at(0).key, std::nullopt);

  EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kDeliveredUnconfirmed, 1)));
  EXPECT_TRUE(*h_.dial.CompleteIfDone(id, h_.now));
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, AfterAllAttemptsThePersonIsNotReached) {
  const CampaignId id = h_.Running(1);
  for (int i = 0; i < SomeSpec().retry.attempts_max; ++i) {
    const std::vector<PlannedAttempt> planned = h_.Dial(id);
    ASSERT_THAT(planned, SizeIs(1)) << i;
    h_.NoAnswer(planned[0].key);
    h_.now += absl::Hours(2);
  }

  EXPECT_THAT(h_.Progress(id).outcomes, ElementsAre(Pair(Outcome::kNotReached, 1)));
  EXPECT_EQ(h_.Progress(id).attempts, SomeSpec().retry.attempts_max);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, ATakeOverLeavesNothingThatNobodyWaitsFor) {
  const CampaignId id = h_.Running(4);
  const std::vector<PlannedAttempt> planned = h_.Dial(id);
  h_.Record(planned[0].key, Accepted(1, h_.now));
  h_.Record(planned[1].key, Event(FactKind::kRinging, "ringing", h_.now));
  h_.Record(planned[2].key, Throttled(1, h_.now));
  h_.Intend({planned[2]});

  const auto same_epoch = h_.dial.TakeOver("default", h_.epoch, h_.now);
  const auto taken = h_.dial.TakeOver("default", h_.epoch + 1, h_.now);
  const auto again = h_.dial.TakeOver("default", h_.epoch + 1, h_.now);

  EXPECT_EQ(*same_epoch, 0);
  EXPECT_EQ(*taken, 2);
  EXPECT_EQ(*again, 0);
  EXPECT_EQ(h_.Record(planned[2].key, std::nullopt).view.state, AttemptState::kUnresolved);
  EXPECT_EQ(h_.Record(planned[3].key, std::nullopt).view.state, AttemptState::kUnresolved);
  EXPECT_EQ(h_.Record(planned[3].key, Accepted(1, h_.now)).view.state, AttemptState::kDialing);
  h_.ExpectNoFindings();
}

TEST_P(StoreTest, ALookAtAPlannedAttemptChangesNothing) {
  const CampaignId id = h_.Running(1);
  const std::vector<PlannedAttempt> planned = h_.Claim(id);

  const AttemptChange change = h_.Record(planned[0].key, std::nullopt);

  EXPECT_TRUE(change.known);
  EXPECT_FALSE(change.ended_now);
  EXPECT_FALSE(change.wake.has_value());
  EXPECT_THAT(h_.Intend(planned), ElementsAre(IntentVerdict::kGo));
}

}  // namespace
}  // namespace tocsin::testing
