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

}  // namespace
}  // namespace tocsin::dialer
