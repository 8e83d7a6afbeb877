#include "callserver/callback_faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "callserver/callback_line.h"
#include "wire/events.h"

namespace tocsin::callserver {
namespace {

using wire::CallState;

constexpr CallState kLife[] = {CallState::kEstablishing, CallState::kEstablished,
                               CallState::kTerminating, CallState::kTerminated};

Callback StateOf(const std::string& call, CallState state) {
  return {.callback_uri = "http://h/callbacks/1/2",
          .event = {.body = wire::CallStateChanged{.call_leg_id = call, .state = state}}};
}

std::vector<Callback> LifeOf(const std::string& call) {
  std::vector<Callback> life;
  for (const CallState state : kLife) life.push_back(StateOf(call, state));
  return life;
}

CallState StateIn(const Callback& callback) {
  return std::get<wire::CallStateChanged>(callback.event.body).state;
}

std::vector<CallState> StatesIn(const CallbackFaults::Fate& fate) {
  std::vector<CallState> states;
  for (const Posting& posting : fate.postings) states.push_back(StateIn(posting.callback));
  return states;
}

class CallbackFaultsTest : public testing::Test {
 protected:
  CallbackFaults::Fate Meet(const FaultPlan& plan, std::vector<Callback> callbacks) {
    faults_.Set(plan);
    return CallbackFaults(faults_, 60).Meet(std::move(callbacks));
  }
  CallbackFaults::Fate Meet(Fault fault, FaultRate rate, std::vector<Callback> callbacks) {
    FaultPlan plan;
    plan[fault] = rate;
    return Meet(plan, std::move(callbacks));
  }

  Faults faults_{FaultPlan(), 1};
};

TEST_F(CallbackFaultsTest, WithoutFaultsTheyGoAsTheyCome) {
  const auto fate = Meet(FaultPlan(), LifeOf("a"));
  EXPECT_THAT(StatesIn(fate), testing::ElementsAreArray(kLife));
  EXPECT_TRUE(fate.lost.empty());
  for (const Posting& posting : fate.postings) {
    EXPECT_EQ(posting.queue, "a");
    EXPECT_EQ(posting.fault, "");
    EXPECT_FALSE(posting.body);
  }
}

TEST_F(CallbackFaultsTest, ALostOneIsNotPostedAndSaid) {
  const auto fate = Meet(Fault::kLost, {.every = 2}, LifeOf("a"));
  EXPECT_THAT(StatesIn(fate),
              testing::ElementsAre(CallState::kEstablishing, CallState::kTerminating));
  ASSERT_EQ(fate.lost.size(), 2U);
  EXPECT_EQ(StateIn(fate.lost[0]), CallState::kEstablished);
}

TEST_F(CallbackFaultsTest, ADelayedOneHoldsNobodyUp) {
  FaultPlan plan;
  plan[Fault::kDelayed] = {.every = 1};
  plan.delay_min = plan.delay_max = absl::Hours(2);
  const auto fate = Meet(plan, LifeOf("a"));
  ASSERT_EQ(fate.postings.size(), 4U);
  std::vector<std::string> queues;
  for (const Posting& posting : fate.postings) {
    EXPECT_EQ(posting.delay, absl::Minutes(2));  // At 60 times the speed of life.
    EXPECT_EQ(posting.fault, "delayed");
    queues.push_back(posting.queue);
  }
  EXPECT_THAT(queues, testing::ElementsAre("a/1", "a/2", "a/3", "a/4"));
}

TEST_F(CallbackFaultsTest, AReorderedOneChangesPlacesWithTheNextOfItsCall) {
  std::vector<Callback> both;
  for (const CallState state : kLife) {
    both.push_back(StateOf("a", state));
    both.push_back(StateOf("b", state));
  }
  // The first of each call, and then the third.
  const auto fate = Meet(Fault::kReordered, {.probability = 1}, both);
  std::vector<CallState> of_a;
  for (const Posting& posting : fate.postings) {
    if (posting.queue == "a") of_a.push_back(StateIn(posting.callback));
  }
  EXPECT_THAT(of_a, testing::ElementsAre(CallState::kEstablished, CallState::kEstablishing,
                                         CallState::kTerminated, CallState::kTerminating));
  EXPECT_EQ(fate.postings.size(), 8U);
}

TEST_F(CallbackFaultsTest, TheLastOfACallWaitsForNoOther) {
  const auto fate = Meet(Fault::kReordered, {.every = 1}, {StateOf("a", CallState::kTerminated)});
  EXPECT_EQ(fate.postings.size(), 1U);
}

TEST_F(CallbackFaultsTest, ADuplicatedOneComesTwice) {
  const auto fate = Meet(Fault::kDuplicated, {.every = 4}, LifeOf("a"));
  ASSERT_EQ(fate.postings.size(), 5U);
  EXPECT_EQ(wire::EncodeEvent(fate.postings[3].callback.event),
            wire::EncodeEvent(fate.postings[4].callback.event));
  EXPECT_EQ(fate.postings[3].fault, "");
  EXPECT_EQ(fate.postings[4].fault, "duplicated");
}

TEST_F(CallbackFaultsTest, AnUnknownTypeComesBesidesAndAsAnEventOfItsOwn) {
  Callback of_ga{.event = {.id = "x",
                           .body = wire::ga::CallEvent{.type = wire::ga::EventType::kCallConnected,
                                                       .call_connection_id = "g",
                                                       .server_call_id = "s",
                                                       .correlation_id = "c"}}};
  for (const Callback& callback : {StateOf("a", CallState::kEstablished), of_ga}) {
    const auto fate = Meet(Fault::kUnknown, {.every = 1}, {callback});
    ASSERT_EQ(fate.postings.size(), 2U);
    const auto strange = wire::DecodeEvents(fate.postings[0].body.value());
    ASSERT_TRUE(strange.ok()) << strange.status();
    EXPECT_TRUE(std::holds_alternative<wire::UnknownEvent>(strange->at(0).body));
    const auto known = wire::DecodeEvents(wire::EncodeEvent(fate.postings[1].callback.event));
    EXPECT_NE(wire::EventKey(strange->at(0)), wire::EventKey(known->at(0)));
    EXPECT_FALSE(fate.postings[1].body);
  }
}

TEST_F(CallbackFaultsTest, GarbageIsNoEventAndIsNotTriedAgain) {
  std::vector<Callback> many;
  for (int i = 0; i < 64; ++i) many.push_back(StateOf("a", CallState::kEstablished));
  const auto fate = Meet(Fault::kGarbage, {.every = 1}, many);
  ASSERT_EQ(fate.postings.size(), 128U);
  for (std::size_t i = 0; i < fate.postings.size(); i += 2) {
    EXPECT_FALSE(wire::DecodeEvents(fate.postings[i].body.value()).ok()) << *fate.postings[i].body;
    EXPECT_EQ(fate.postings[i].tries_max, 1);
    EXPECT_FALSE(fate.postings[i + 1].body);
  }
}

TEST(CallbackLineTest, TellsWhatAnOutcomeCanHangOn) {
  const auto line = [](wire::EventBody body) {
    const Posting posting{.callback = {.event = {.body = std::move(body)}}};
    return std::get<CallbackDone>(
        CallbackLine(absl::UnixEpoch(), posting, {.status = 200, .tries = 1}).entry);
  };
  EXPECT_EQ(line(wire::CallStateChanged{.state = CallState::kEstablished}),
            (CallbackDone{
                .type = "CallLegStateChanged", .state = "Established", .status = 200, .tries = 1}));
  EXPECT_EQ(line(wire::DtmfReceived{.tone = '#'}).tone, "#");
  const auto played = line(wire::PlayAudioResult{.operation_context = "3",
                                                 .result_info = wire::ResultInfo{400, 8508, ""}});
  EXPECT_EQ(played.operation_context, "3");
  EXPECT_EQ(played.code, 400);
  EXPECT_EQ(played.subcode, 8508);
  EXPECT_EQ(line(wire::ga::CallEvent{.type = wire::ga::EventType::kContinuousToneReceived,
                                     .detail = wire::ga::ToneReceived{.tone = '5'}})
                .tone,
            "5");
  const Posting garbage{
      .callback = StateOf("a", CallState::kEstablished), .fault = "garbage", .body = "x"};
  const LedgerLine of_garbage = CallbackLine(absl::UnixEpoch(), garbage, {.dropped = true});
  EXPECT_EQ(of_garbage.entry,
            LedgerEntry(CallbackDone{.type = "garbage", .fault = "garbage", .dropped = true}));
}

}  // namespace
}  // namespace tocsin::callserver
