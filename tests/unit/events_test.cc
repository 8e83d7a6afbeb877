#include "wire/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tocsin::wire {
namespace {

using testing::HasSubstr;

constexpr char kLeg[] = "491f0b00-9a3c-4e2b-8d11-0123456789ab";
const absl::Time kWhen = absl::FromUnixMicros(1'620'245'319'123'456);

// One event of every kind that is ever sent.
std::vector<Event> EveryEvent() {
  const auto event = [](EventBody body) {
    return Event{.occurred_at = kWhen, .body = std::move(body)};
  };
  return {
      event(CallStateChanged{.call_leg_id = kLeg, .state = CallState::kEstablishing}),
      event(CallStateChanged{
          .call_leg_id = kLeg, .conversation_id = "aGVsbG8", .state = CallState::kTerminated}),
      event(DtmfReceived{.call_leg_id = kLeg, .sequence_id = 2, .tone = '#'}),
      event(PlayAudioResult{.call_leg_id = kLeg,
                            .operation_context = "1",
                            .status = OperationStatus::kCompleted,
                            .result_info = ResultInfo{400, 8508, "Action falied."}}),
      event(InviteParticipantResult{.call_leg_id = kLeg,
                                    .operation_context = "2",
                                    .status = OperationStatus::kFailed,
                                    .participants = {Identifier::PhoneNumber("+14255550123")}}),
      event(ParticipantsUpdated{
          .call_leg_id = kLeg,
          .participants = {{.identifier = Identifier::CommunicationUser("8:acs:x"),
                            .participant_id = "p",
                            .is_muted = true}}}),
  };
}

absl::StatusOr<Event> DecodeOne(std::string_view body) {
  auto events = DecodeEvents(body);
  if (!events.ok()) return events.status();
  EXPECT_EQ(events->size(), 1U);
  return events->at(0);
}

std::string Envelope(std::string_view type, std::string_view data) {
  return std::string(R"({"id":null,"eventType":"Microsoft.Communication.)") + std::string(type) +
         R"(","eventTime":"2021-05-05T20:08:39.1234567Z","data":)" + std::string(data) + "}";
}

std::string MessageOf(std::string_view body) {
  const auto events = DecodeEvents(body);
  EXPECT_EQ(events.status().code(), absl::StatusCode::kInvalidArgument) << body;
  return std::string(events.status().message());
}

TEST(Events, EveryKindGoesThereAndBack) {
  for (const Event& event : EveryEvent()) {
    const std::string body = EncodeEvent(event);
    const auto decoded = DecodeOne(body);
    ASSERT_TRUE(decoded.ok()) << body << decoded.status();
    EXPECT_EQ(decoded->body, event.body) << body;
    EXPECT_EQ(decoded->occurred_at, event.occurred_at);
    EXPECT_EQ(decoded->type, EventType(event.body));
    EXPECT_EQ(CallLegId(*decoded), kLeg);
  }
}

// As the published samples have it.
TEST(Events, AStateChangeIsReadInTheDocumentedForm) {
  const auto event = DecodeOne(
      R"({"id":null,"topic":null,"subject":"callLeg/48000000-0000/callState",)"
      R"("data":{"ConversationId":null,"CallLegId":"48000000-0000","CallState":"Establishing"},)"
      R"("eventType":"Microsoft.Communication.CallLegStateChanged",)"
      R"("eventTime":"2021-05-05T20:08:39.0157964Z","metadataVersion":null,"dataVersion":null})");

  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->body, (EventBody(CallStateChanged{.call_leg_id = "48000000-0000",
                                                     .state = CallState::kEstablishing})));
  EXPECT_EQ(event->id, "");
}

TEST(Events, AreReadInEverySpelling) {
  const std::string bodies[] = {
      R"([{"type":"Microsoft.Communication.CallLegStateChanged","specversion":"1.0",)"
      R"("time":"2021-05-05T20:08:39.1234567+00:00",)"
      R"("data":{"callLegId":"x","callState":"terminated"}}])",
      R"({"eventType":"microsoft.communication.CallConnectionStateChanged",)"
      R"("data":{"callConnectionId":"x","callConnectionState":"disconnected"}})",
      R"({"eventType":"Microsoft.Communication.CallLegStateChanged",)"
      R"("subject":"callLeg/x/callState","data":{"CallState":"Terminated"}})",
  };
  for (const std::string& body : bodies) {
    const auto event = DecodeOne(body);
    ASSERT_TRUE(event.ok()) << body << event.status();
    EXPECT_EQ(event->body,
              (EventBody(CallStateChanged{.call_leg_id = "x", .state = CallState::kTerminated})));
  }
}

TEST(Events, EveryToneIsRead) {
  const std::pair<const char*, char> tones[] = {
      {"Tone0", '0'},    {"Tone9", '9'}, {"tone5", '5'},     {"Star", '*'},
      {"ToneStar", '*'}, {"pound", '#'}, {"TonePound", '#'}, {"A", 'a'},
      {"ToneD", 'd'},    {"one", '1'},   {"asterisk", '*'},  {"7", '7'}};
  for (const auto& [name, tone] : tones) {
    const auto event =
        DecodeOne(Envelope("DtmfReceived", std::string(R"({"ToneInfo":{"SequenceId":3,"Tone":")") +
                                               name + R"("},"CallLegId":"x"})"));
    ASSERT_TRUE(event.ok()) << name;
    EXPECT_EQ(event->body,
              (EventBody(DtmfReceived{.call_leg_id = "x", .sequence_id = 3, .tone = tone})));
  }
}

TEST(Events, EveryToneIsWritten) {
  for (const char tone : std::string("0123456789*#abcd")) {
    const Event event{.body = DtmfReceived{.call_leg_id = "x", .sequence_id = 1, .tone = tone}};
    EXPECT_EQ(DecodeOne(EncodeEvent(event))->body, event.body) << tone;
  }
}

TEST(Events, WhatWeDoNotKnowIsNoError) {
  for (const std::string& body :
       {Envelope("DtmfReceived", R"({"ToneInfo":{"Tone":"Flash"},"CallLegId":"x"})"),
        Envelope("CallRecordingStateChanged", R"({"CallLegId":"x"})"),
        std::string(R"({"type":"Other.Thing","subject":"callLeg/x/y","data":[]})")}) {
    const auto event = DecodeOne(body);
    ASSERT_TRUE(event.ok()) << body << event.status();
    EXPECT_EQ(event->body, EventBody(UnknownEvent{.call_leg_id = "x"})) << body;
  }
  EXPECT_EQ(DecodeOne(R"({"type":"t"})")->body, EventBody(UnknownEvent{}));
  EXPECT_EQ(std::get<CallStateChanged>(
                DecodeOne(Envelope("CallLegStateChanged", R"({"CallLegId":"x","CallState":"New"})"))
                    ->body)
                .state,
            CallState::kUnknown);
}

TEST(Events, AnUnreadableTimeIsNoError) {
  for (const char* time : {"null", "3", R"("")", R"("soon")", R"("infinite-future")",
                           R"("9999-01-01T00:00:00Z")", R"("0001-01-01T00:00:00Z")"}) {
    const auto event = DecodeOne(
        std::string(R"({"eventType":"Microsoft.Communication.CallLegStateChanged","eventTime":)") +
        time + R"(,"data":{"CallLegId":"x","CallState":"Terminated"}})");
    ASSERT_TRUE(event.ok()) << time;
    EXPECT_EQ(event->occurred_at, std::nullopt) << time;
  }
}

TEST(Events, ComplaintsNameThePlace) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "events: not JSON"},
      {"3", "event must be an object"},
      {"null", "event must be an object"},
      {"[3]", "events[0] must be an object"},
      {"{}", "event.eventType must be a string"},
      {R"([{"type":"t"},{"type":3}])", "events[1].type must be a string"},
      {R"({"type":"t","id":3})", "event.id must be a string"},
      {Envelope("CallLegStateChanged", "null"), "event.data must be an object"},
      {Envelope("CallLegStateChanged", "[]"), "event.data must be an object"},
      {Envelope("CallLegStateChanged", "{}"), "event.data.CallLegId must be the id"},
      {Envelope("CallLegStateChanged", R"({"CallLegId":3})"), "data.CallLegId must be a string"},
      {Envelope("CallLegStateChanged", R"({"CallLegId":"x"})"), "data.CallState must be a string"},
      {Envelope("DtmfReceived", R"({"CallLegId":"x","ToneInfo":{}})"),
       "data.ToneInfo.Tone must be a string"},
      {Envelope("DtmfReceived", R"({"CallLegId":"x","ToneInfo":{"Tone":"1","SequenceId":1.5}})"),
       "SequenceId must be an integer"},
      {Envelope("PlayAudioResult", R"({"CallLegId":"x"})"), "data.Status must be"},
      {Envelope("PlayAudioResult", R"({"CallLegId":"x","ResultInfo":{"Code":9999999999}})"),
       "must be an integer of 32 bits"},
      {Envelope("ParticipantsUpdated", R"({"CallLegId":"x","Participants":{}})"),
       "data.Participants must be an array"},
      {Envelope("ParticipantsUpdated", R"({"CallLegId":"x","Participants":[null,3]})"),
       "data.Participants[1] must be an object"},
      {Envelope("CallLegStateChanged", "{\"CallLegId\":\"x\\u0000\",\"CallState\":\"Hold\"}"),
       "must not contain NUL"},
      {Envelope("CallLegStateChanged", "{\"CallLegId\":\"\xFF\"}"), "not JSON in UTF-8"},
  };
  for (const auto& [body, expected] : cases) {
    EXPECT_THAT(MessageOf(body), HasSubstr(expected)) << body;
  }
}

TEST(Events, LimitsHold) {
  EXPECT_THAT(MessageOf(std::string(2 << 20, ' ')), HasSubstr("longer than"));
  EXPECT_THAT(MessageOf(std::string(100'000, '[')), HasSubstr("nested deeper"));
  EXPECT_THAT(MessageOf(std::string(100'000, '{')), HasSubstr("nested deeper"));
  std::string many = "[";
  for (int i = 0; i < 1'001; ++i) many += R"({"type":"t"},)";
  many.back() = ']';
  EXPECT_THAT(MessageOf(many), HasSubstr("more than 1000"));
}

TEST(Events, AnEmptyArrayIsNoEvents) {
  EXPECT_TRUE(DecodeEvents("[]")->empty());
}

TEST(Events, EveryTruncationAndDamageIsRefusedOrReadAndNoneCrashes) {
  for (const Event& event : EveryEvent()) {
    const std::string body = EncodeEvent(event);
    for (std::size_t size = 0; size < body.size(); ++size) {
      EXPECT_FALSE(DecodeEvents(std::string_view(body).substr(0, size)).ok()) << size;
      for (const char damage : {'\0', '"', '{', ']', '\x80', '9', ','}) {
        std::string damaged = body;
        damaged[size] = damage;
        static_cast<void>(DecodeEvents(damaged).ok());
      }
    }
  }
}

TEST(Events, ACancelledPlayIsNotACompletedOne) {
  const auto outcome = [](OperationStatus status, std::optional<ResultInfo> info) {
    return OutcomeOf(PlayAudioResult{.status = status, .result_info = std::move(info)});
  };

  EXPECT_EQ(outcome(OperationStatus::kCompleted, ResultInfo{200, 0, ""}), PlayOutcome::kCompleted);
  EXPECT_EQ(outcome(OperationStatus::kCompleted, ResultInfo{400, 8508, ""}),
            PlayOutcome::kCancelled);
  EXPECT_EQ(outcome(OperationStatus::kCompleted, ResultInfo{400, 8536, ""}), PlayOutcome::kFailed);
  EXPECT_EQ(outcome(OperationStatus::kFailed, std::nullopt), PlayOutcome::kFailed);
  EXPECT_EQ(outcome(OperationStatus::kRunning, std::nullopt), PlayOutcome::kRunning);
}

TEST(EventKey, ARedeliveryHasTheSameKey) {
  const std::string body = EncodeEvent(EveryEvent()[2]);
  const std::string key = EventKey(*DecodeOne(body));

  EXPECT_EQ(EventKey(*DecodeOne(" [ " + body + " ] ")), key);
  // Members in another order, with white space.
  EXPECT_EQ(EventKey(*DecodeOne(R"({"b":1, "type":"t", "a":"\u0041"})")),
            EventKey(*DecodeOne(R"({"type":"t","a":"A","b":1})")));
}

TEST(EventKey, DifferentEventsHaveDifferentKeys) {
  std::set<std::string> keys;
  std::vector<Event> events = EveryEvent();
  for (const Event& event : EveryEvent()) {
    Event later = event;
    later.occurred_at = *later.occurred_at + absl::Microseconds(1);
    events.push_back(later);
  }
  for (const Event& event : events) {
    const std::string key = EventKey(*DecodeOne(EncodeEvent(event)));
    EXPECT_LE(key.size(), 128U);
    EXPECT_TRUE(keys.insert(key).second) << key;
  }
}

TEST(EventKey, TheProvidersIdIsTheKeyIfItGaveOne) {
  Event event = EveryEvent()[0];
  event.id = "8f1c";
  EXPECT_EQ(EventKey(*DecodeOne(EncodeEvent(event))), "id:8f1c");

  event.id = std::string(200, 'x');
  EXPECT_THAT(EventKey(*DecodeOne(EncodeEvent(event))), testing::StartsWith("sha256:"));
}

}  // namespace
}  // namespace tocsin::wire
