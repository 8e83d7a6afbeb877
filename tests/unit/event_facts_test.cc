#include "dialer/event_facts.h"

#include "gtest/gtest.h"

namespace tocsin::dialer {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'620'000'000);

wire::Event EventOf(wire::EventBody body) {
  wire::Event event;
  event.type = wire::EventType(body);
  event.occurred_at = kNow - absl::Seconds(2);
  event.canonical = "{}";
  event.body = std::move(body);
  return event;
}

TEST(EventFacts, StatesBecomeStagesOfTheCall) {
  const struct {
    wire::CallState state;
    FactKind kind;
  } cases[] = {{wire::CallState::kEstablishing, FactKind::kRinging},
               {wire::CallState::kEstablished, FactKind::kAnswered},
               {wire::CallState::kTerminating, FactKind::kEnding},
               {wire::CallState::kTerminated, FactKind::kEnded},
               {wire::CallState::kHold, FactKind::kOtherEvent},
               {wire::CallState::kUnknown, FactKind::kOtherEvent}};
  for (const auto& c : cases) {
    const wire::Event event = EventOf(wire::CallStateChanged{"leg", "", c.state});
    const Fact fact = FactOf(event, kNow);
    EXPECT_EQ(fact.kind, c.kind);
    EXPECT_EQ(fact.call, "leg");
    EXPECT_EQ(fact.at, kNow - absl::Seconds(2));
    EXPECT_EQ(fact.received_at, kNow);
    EXPECT_EQ(fact.key, wire::EventKey(event));
    EXPECT_EQ(fact.raw, "{}");
  }
}

TEST(EventFacts, AToneKeepsItsPlaceInTheOrder) {
  const Fact fact = FactOf(EventOf(wire::DtmfReceived{"leg", 3, '#'}), kNow);
  EXPECT_EQ(fact.kind, FactKind::kTone);
  EXPECT_EQ(fact.number, 3);
  EXPECT_EQ(fact.tone, '#');
}

TEST(EventFacts, APlaysEndIsThatOfOurOrdinal) {
  const auto end = [](std::string context, wire::OperationStatus status,
                      std::optional<wire::ResultInfo> info) {
    return FactOf(EventOf(wire::PlayAudioResult{"leg", std::move(context), status, info}), kNow);
  };
  using wire::OperationStatus;
  const Fact whole = end("2", OperationStatus::kCompleted, wire::ResultInfo{200, 0, "done"});
  EXPECT_EQ(whole.kind, FactKind::kPlayEnded);
  EXPECT_EQ(whole.number, 2);
  EXPECT_EQ(whole.code, 200);

  // Says "completed", and was cut short.
  const Fact cut = end("1", OperationStatus::kCompleted, wire::ResultInfo{400, 8508, ""});
  EXPECT_EQ(cut.code, 400);
  EXPECT_EQ(cut.subcode, 8508);

  EXPECT_EQ(end("1", OperationStatus::kCompleted, std::nullopt).code, 200);
  EXPECT_EQ(end("1", OperationStatus::kFailed, std::nullopt).code, 500);
  EXPECT_EQ(end("1", OperationStatus::kFailed, wire::ResultInfo{200, 0, ""}).code, 500);
  EXPECT_EQ(end("1", OperationStatus::kRunning, std::nullopt).kind, FactKind::kOtherEvent);
  for (const char* context : {"", "x", "1x", "-1", "0", "99999999999"}) {
    EXPECT_EQ(end(context, OperationStatus::kCompleted, std::nullopt).kind, FactKind::kOtherEvent)
        << context;
  }
}

wire::ga::CallEvent GaEvent(wire::ga::EventType type, std::string context = "7/9",
                            std::optional<wire::ga::ResultInformation> result = std::nullopt) {
  wire::ga::CallEvent event{.type = type, .call_connection_id = "con"};
  event.operation_context = std::move(context);
  event.result = std::move(result);
  event.detail = wire::ga::EmptyDetail(type);
  return event;
}

Fact GaFact(wire::ga::CallEvent event) {
  return FactOf(EventOf(std::move(event)), kNow);
}

TEST(EventFacts, AGaCallIsConnectedAndEndsWithItsCodes) {
  using enum wire::ga::EventType;
  const Fact connected = GaFact(GaEvent(kCallConnected));
  EXPECT_EQ(connected.kind, FactKind::kAnswered);
  EXPECT_EQ(connected.call, "con");
  EXPECT_EQ(connected.text, "");

  const wire::ga::ResultInformation busy{.code = 486,
                                         .subcode = 560486,
                                         .message = "Busy: +1 425 555 0123",
                                         .sip = wire::ga::Cause{486, "Busy Here"},
                                         .q850 = wire::ga::Cause{17, "User busy"}};
  for (const auto type : {kCreateCallFailed, kCallDisconnected}) {
    const Fact ended = GaFact(GaEvent(type, "7/9", busy));
    EXPECT_EQ(ended.kind, FactKind::kEnded);
    EXPECT_EQ(ended.code, 486);
    EXPECT_EQ(ended.subcode, 560486);
    EXPECT_EQ(ended.sip, 486);
    EXPECT_EQ(ended.q850, 17);
    EXPECT_EQ(ended.cause, EndCause::kBusy);
    EXPECT_EQ(ended.text, "Busy: +***");
  }
  // An end without codes says no reason, and none is made up.
  EXPECT_EQ(GaFact(GaEvent(kCallDisconnected)).cause, std::nullopt);
}

TEST(EventFacts, AGaPlayStartsAndEndsUnderOurOrdinal) {
  using enum wire::ga::EventType;
  const Fact started = GaFact(GaEvent(kPlayStarted, "2"));
  EXPECT_EQ(started.kind, FactKind::kPlayStarted);
  EXPECT_EQ(started.number, 2);

  const struct {
    wire::ga::EventType type;
    std::optional<wire::ga::ResultInformation> result;
    int code;
    int subcode;
  } cases[] = {
      {kPlayCompleted, wire::ga::ResultInformation{.code = 200}, 200, 0},
      {kPlayCompleted, std::nullopt, 200, 0},
      {kPlayFailed, wire::ga::ResultInformation{.code = 400, .subcode = 8536}, 400, 8536},
      {kPlayFailed, wire::ga::ResultInformation{.code = 200}, 500, 0},
      {kPlayFailed, std::nullopt, 500, 0},
      {kPlayCanceled, wire::ga::ResultInformation{.code = 400, .subcode = 8508}, 400, 8508},
      {kPlayCanceled, std::nullopt, 400, 8508}};
  for (const auto& c : cases) {
    const Fact ended = GaFact(GaEvent(c.type, "1", c.result));
    EXPECT_EQ(ended.kind, FactKind::kPlayEnded);
    EXPECT_EQ(ended.number, 1);
    EXPECT_EQ(ended.code, c.code);
    EXPECT_EQ(ended.subcode, c.subcode);
  }
  for (const char* context : {"", "7/9", "0", "-1"}) {
    EXPECT_EQ(GaFact(GaEvent(kPlayCompleted, context)).kind, FactKind::kOtherEvent) << context;
    EXPECT_EQ(GaFact(GaEvent(kPlayStarted, context)).kind, FactKind::kOtherEvent) << context;
  }
}

TEST(EventFacts, AGaToneKeepsItsPlaceInTheOrder) {
  wire::ga::CallEvent event = GaEvent(wire::ga::EventType::kContinuousToneReceived);
  event.detail = wire::ga::ToneReceived{3, '#'};
  const Fact fact = GaFact(event);
  EXPECT_EQ(fact.kind, FactKind::kTone);
  EXPECT_EQ(fact.number, 3);
  EXPECT_EQ(fact.tone, '#');
}

TEST(EventFacts, EveryOtherEventOfGaIsKeptAndHasNoEffect) {
  using enum wire::ga::EventType;
  for (int type = 0; type <= static_cast<int>(kMediaStreamingFailed); ++type) {
    const auto known = static_cast<wire::ga::EventType>(type);
    const Fact fact = GaFact(GaEvent(known, "1"));
    const bool matters = known == kCallConnected || known == kCallDisconnected ||
                         known == kCreateCallFailed || known == kPlayStarted ||
                         known == kPlayCompleted || known == kPlayFailed ||
                         known == kPlayCanceled || known == kContinuousToneReceived ||
                         known == kCallTransferAccepted || known == kCallTransferFailed ||
                         known == kAddParticipantSucceeded || known == kAddParticipantFailed;
    EXPECT_EQ(fact.kind != FactKind::kOtherEvent, matters) << wire::ga::Name(known);
    if (!matters) {
      EXPECT_EQ(fact.text, "Microsoft.Communication." + std::string(wire::ga::Name(known)));
    }
  }
}

TEST(EventFacts, WhatSaysNothingToUsIsKeptWithItsType) {
  wire::Event event = EventOf(wire::UnknownEvent{});
  event.type = "Microsoft.Communication.Something";
  const Fact fact = FactOf(event, kNow);
  EXPECT_EQ(fact.kind, FactKind::kOtherEvent);
  EXPECT_EQ(fact.text, "Microsoft.Communication.Something");
}

TEST(EventFacts, AMissingOrAbsurdTimeIsTheArrival) {
  wire::Event event = EventOf(wire::DtmfReceived{"leg", 1, '1'});
  event.occurred_at.reset();
  EXPECT_EQ(FactOf(event, kNow).at, kNow);
  event.occurred_at = absl::InfiniteFuture();
  EXPECT_EQ(FactOf(event, kNow).at, kNow);
  event.occurred_at = absl::UnixEpoch();
  EXPECT_EQ(FactOf(event, kNow).at, kNow);
}

TEST(EventFacts, WhatCameOfATransferIsThatOfOurOrdinal) {
  using wire::OperationStatus;
  const auto invited = [](std::string context, OperationStatus status,
                          std::optional<wire::ResultInfo> info) {
    return FactOf(
        EventOf(wire::InviteParticipantResult{"leg", std::move(context), status, info, {}}), kNow);
  };
  const Fact joined = invited("71", OperationStatus::kCompleted, std::nullopt);
  EXPECT_EQ(joined.kind, FactKind::kJoined);
  EXPECT_EQ(joined.number, 71);
  const Fact busy = invited("71", OperationStatus::kCompleted, wire::ResultInfo{486, 0, "busy"});
  EXPECT_EQ(busy.kind, FactKind::kTransferFailed);
  EXPECT_EQ(busy.code, 486);
  EXPECT_EQ(invited("71", OperationStatus::kFailed, std::nullopt).kind, FactKind::kTransferFailed);
  EXPECT_EQ(invited("71", OperationStatus::kRunning, std::nullopt).kind, FactKind::kOtherEvent);
  EXPECT_EQ(invited("x", OperationStatus::kCompleted, std::nullopt).kind, FactKind::kOtherEvent);

  using enum wire::ga::EventType;
  const std::pair<wire::ga::EventType, FactKind> of_ga[] = {
      {kCallTransferAccepted, FactKind::kTransferred},
      {kCallTransferFailed, FactKind::kTransferFailed},
      {kAddParticipantSucceeded, FactKind::kJoined},
      {kAddParticipantFailed, FactKind::kTransferFailed}};
  for (const auto& [type, kind] : of_ga) {
    const Fact fact = FactOf(
        EventOf(GaEvent(type, "71", wire::ga::ResultInformation{.code = 603, .subcode = 560603})),
        kNow);
    EXPECT_EQ(fact.kind, kind);
    EXPECT_EQ(fact.number, 71);
    EXPECT_EQ(fact.subcode, 560603);
    EXPECT_EQ(FactOf(EventOf(GaEvent(type, "")), kNow).kind, FactKind::kOtherEvent);
  }
}

}  // namespace
}  // namespace tocsin::dialer
