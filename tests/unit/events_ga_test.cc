#include "wire/events_ga.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "wire/events.h"

namespace tocsin::wire::ga {
namespace {

using testing::HasSubstr;

constexpr char kCall[] = "411f0b00-d97f-49ad-a6ff-50eb4cc73e0d";
const absl::Time kWhen = absl::FromUnixMicros(1'620'245'319'123'456);
const Identifier kSomebody = Identifier::PhoneNumber("+14255550123");

Detail AFullDetail(EventType type) {
  struct Filler {
    Detail operator()(const std::monostate&) const { return std::monostate(); }
    Detail operator()(const Roster&) const {
      return Roster{.sequence_number = 3,
                    .participants = {{.identifier = kSomebody, .is_muted = true},
                                     {.identifier = Identifier::CommunicationUser("8:acs:r_u"),
                                      .is_on_hold = true}}};
    }
    Detail operator()(const ToneReceived&) const {
      return ToneReceived{.sequence_id = 2, .tone = '*'};
    }
    Detail operator()(const Recognized&) const {
      return Recognized{.type = "dtmf", .tones = "01#"};
    }
    Detail operator()(const Party&) const { return Party{kSomebody}; }
    Detail operator()(const Invitation&) const { return Invitation{"i"}; }
    Detail operator()(const Transfer&) const {
      return Transfer{.target = Identifier::CommunicationUser("8:acs:r_u"),
                      .transferee = kSomebody};
    }
    Detail operator()(const FailedSource&) const { return FailedSource{.index = 0}; }
  };
  return std::visit(Filler(), EmptyDetail(type));
}

// One event of every type, with all that it can carry.
std::vector<Event> EveryEvent() {
  std::vector<Event> events;
  for (int i = 0; i <= static_cast<int>(EventType::kMediaStreamingFailed); ++i) {
    const auto type = static_cast<EventType>(i);
    events.push_back({.id = "id-" + std::to_string(i),
                      .occurred_at = kWhen,
                      .body = CallEvent{.type = type,
                                        .call_connection_id = kCall,
                                        .server_call_id = "aHR0cHM6Ly9",
                                        .correlation_id = "c",
                                        .operation_context = "7",
                                        .result = ResultInformation{.code = 486,
                                                                    .subcode = 560486,
                                                                    .message = "Busy Here",
                                                                    .sip = Cause{486, "Busy Here"},
                                                                    .q850 = Cause{17, "User busy"}},
                                        .detail = AFullDetail(type)}});
  }
  return events;
}

absl::StatusOr<Event> DecodeOne(std::string_view body) {
  auto events = DecodeEvents(body);
  if (!events.ok()) return events.status();
  EXPECT_EQ(events->size(), 1U);
  return events->at(0);
}

std::string Cloud(std::string_view type, std::string_view data) {
  return R"([{"id":"e","source":"calling/callConnections/x","specversion":"1.0",)"
         R"("datacontenttype":"application/json","time":"2023-01-01T00:00:00.0000000+00:00",)"
         R"("type":"Microsoft.Communication.)" +
         std::string(type) + R"(","data":)" + std::string(data) + "}]";
}

TEST(EventsGa, EveryTypeGoesThereAndBack) {
  std::set<std::string_view> names;
  for (const Event& event : EveryEvent()) {
    const std::string body = EncodeEvent(event);
    const auto decoded = DecodeOne(body);
    ASSERT_TRUE(decoded.ok()) << body << decoded.status();
    EXPECT_EQ(decoded->body, event.body) << body;
    EXPECT_EQ(decoded->id, event.id);
    EXPECT_EQ(decoded->occurred_at, kWhen);
    EXPECT_EQ(decoded->type, wire::EventType(event.body));
    EXPECT_EQ(CallLegId(*decoded), kCall);
    EXPECT_EQ(EventKey(*decoded), "id:" + event.id);
    EXPECT_TRUE(names.insert(Name(std::get<CallEvent>(event.body).type)).second) << body;
  }
  EXPECT_EQ(names.size(), 38U);
}

TEST(EventsGa, EveryTypeMayBeEmpty) {
  for (const Event& event : EveryEvent()) {
    const EventType type = std::get<CallEvent>(event.body).type;
    const Event empty{
        .body = CallEvent{.type = type, .call_connection_id = "x", .detail = EmptyDetail(type)}};
    EXPECT_EQ(DecodeOne(EncodeEvent(empty))->body, empty.body) << Name(type);
  }
}

TEST(EventsGa, EveryTruncationAndDamageIsRefusedOrReadAndNoneCrashes) {
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

TEST(EventsGa, AreSentAsAnArrayOfOneCloudEvent) {
  const auto json = nlohmann::json::parse(EncodeEvent(EveryEvent()[0]));

  ASSERT_TRUE(json.is_array());
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["specversion"], "1.0");
  EXPECT_EQ(json[0]["type"], "Microsoft.Communication.CallConnected");
  EXPECT_EQ(json[0]["source"], std::string("calling/callConnections/") + kCall);
  EXPECT_EQ(json[0]["time"], "2021-05-05T20:08:39.1234560+00:00");
  EXPECT_EQ(json[0]["data"]["resultInformation"]["sipDetails"]["code"], 486);
}

// As the published samples have it.
TEST(EventsGa, TheDocumentedSamplesAreRead) {
  const auto connected = DecodeOne(
      R"([{"id":"a3220fa3-79bd-473e-96a2-3ecb5be7d71f",)"
      R"("source":"calling/callConnections/421f3500-f5de-4c12-bf61-9e2641433687",)"
      R"("type":"Microsoft.Communication.CallConnected","data":{"operationContext":"context",)"
      R"("callConnectionId":"421f3500-f5de-4c12-bf61-9e2641433687",)"
      R"("serverCallId":"serverCallId","correlationId":"correlationId"},)"
      R"("time":"2023-05-25T20:30:23.5264404+00:00","specversion":"1.0",)"
      R"("datacontenttype":"application/json",)"
      R"("subject":"calling/callConnections/421f3500-f5de-4c12-bf61-9e2641433687"}])");
  ASSERT_TRUE(connected.ok()) << connected.status();
  EXPECT_EQ(std::get<CallEvent>(connected->body).type, EventType::kCallConnected);
  EXPECT_EQ(std::get<CallEvent>(connected->body).operation_context, "context");

  const auto recognized = DecodeOne(
      Cloud("RecognizeCompleted",
            R"({"resultInformation":{"code":200,"subCode":8531,"message":"Action completed, max )"
            R"(digits received."},"recognitionType":"dtmf","dtmfResult":{"tones":["five","six",)"
            R"("pound"]},"callConnectionId":"x","serverCallId":"s","correlationId":"c"})"));
  ASSERT_TRUE(recognized.ok()) << recognized.status();
  EXPECT_EQ(std::get<Recognized>(std::get<CallEvent>(recognized->body).detail).tones, "56#");
}

TEST(EventsGa, OlderSpellingsAreRead) {
  const auto tone = DecodeOne(Cloud("ContinuousDtmfRecognitionToneReceived",
                                    R"({"toneInfo":{"sequenceId":1,"tone":"eight"},)"
                                    R"("callConnectionId":"x"})"));
  EXPECT_EQ(std::get<CallEvent>(tone->body).detail, Detail(ToneReceived{1, '8'}));

  const auto sent = DecodeOne(Cloud("SendDtmfCompleted", R"({"callConnectionId":"x"})"));
  EXPECT_EQ(std::get<CallEvent>(sent->body).type, EventType::kSendDtmfTonesCompleted);

  const auto collected =
      DecodeOne(Cloud("RecognizeCompleted",
                      R"({"collectTonesResult":{"tones":["Tone1","#"]},"callConnectionId":"x"})"));
  EXPECT_EQ(std::get<Recognized>(std::get<CallEvent>(collected->body).detail).tones, "1#");
}

TEST(EventsGa, SpeechAndChoicesAreRead) {
  const auto speech = DecodeOne(Cloud("RecognizeCompleted",
                                      R"({"recognitionType":"speech","callConnectionId":"x",)"
                                      R"("speechResult":{"speech":"yes","confidence":0.9}})"));
  EXPECT_EQ(std::get<CallEvent>(speech->body).detail,
            Detail(Recognized{.type = "speech", .words = "yes"}));

  const auto choice = DecodeOne(Cloud(
      "RecognizeCompleted", R"({"recognitionType":"choices","callConnectionId":"x",)"
                            R"("choiceResult":{"label":"Confirm","recognizedPhrase":"ok"}})"));
  EXPECT_EQ(std::get<CallEvent>(choice->body).detail,
            Detail(Recognized{.type = "choices", .label = "Confirm", .words = "ok"}));
}

// One name, two dialects: GA alone correlates and counts.
TEST(EventsGa, ARosterIsOfTheDialectThatSentIt) {
  const auto ga =
      DecodeOne(Cloud("ParticipantsUpdated", R"({"callConnectionId":"x","correlationId":"c",)"
                                             R"("sequenceNumber":1,"participants":[]})"));
  EXPECT_TRUE(std::holds_alternative<CallEvent>(ga->body));
  const auto older =
      DecodeOne(Cloud("ParticipantsUpdated", R"({"CallConnectionId":"x","Participants":[]})"));
  EXPECT_TRUE(std::holds_alternative<ParticipantsUpdated>(older->body));
}

TEST(EventsGa, WhatWeDoNotKnowIsNoError) {
  for (const std::string& body :
       {Cloud("ContinuousDtmfRecognitionToneReceived",
              R"({"tone":"flash","sequenceId":1,"callConnectionId":"x"})"),
        Cloud("SomethingNew", R"({"callConnectionId":"x"})")}) {
    const auto event = DecodeOne(body);
    ASSERT_TRUE(event.ok()) << body << event.status();
    EXPECT_EQ(event->body, EventBody(UnknownEvent{.call_leg_id = "x"}));
  }
}

TEST(EventsGa, ComplaintsNameThePlace) {
  const std::pair<std::string, const char*> cases[] = {
      {Cloud("CallConnected", "null"), "events[0].data must be an object"},
      {Cloud("CallConnected", "{}"), "events[0].data.CallLegId must be the id"},
      {Cloud("CallConnected", R"({"callConnectionId":3})"), "must be a string"},
      {Cloud("CallConnected", R"({"callConnectionId":"x","operationContext":7})"),
       "events[0].data.operationContext must be a string"},
      {Cloud("PlayFailed", R"({"callConnectionId":"x","resultInformation":[]})"),
       "data.resultInformation must be an object"},
      {Cloud("PlayFailed", R"({"callConnectionId":"x","resultInformation":{"code":"400"}})"),
       "data.resultInformation.code must be an integer"},
      {Cloud("PlayFailed", R"({"callConnectionId":"x","resultInformation":{"subCode":3e9}})"),
       "data.resultInformation.subCode must be an integer"},
      {Cloud("PlayFailed", R"({"callConnectionId":"x","failedPlaySourceIndex":4294967296})"),
       "data.failedPlaySourceIndex must be from"},
      {Cloud("RecognizeCompleted", R"({"callConnectionId":"x","dtmfResult":{"tones":[1]}})"),
       "data.dtmfResult.tones must be an array of strings"},
      {Cloud("ParticipantsUpdated",
             R"({"callConnectionId":"x","correlationId":"c","participants":[{},3]})"),
       "data.participants[1] must be an object"},
      {Cloud("AddParticipantFailed", R"({"callConnectionId":"x","participant":{"rawId":1}})"),
       "data.participant.rawId must be a string"},
      {Cloud("CallTransferAccepted", R"({"callConnectionId":"x","transferee":"4:+1"})"),
       "data.transferee must be an object"},
      {Cloud("CallConnected", R"({"callConnectionId":"x","callConnectionId":"y"})"),
       "two members of one name"},
      {Cloud("CallConnected", "{\"callConnectionId\":\"\xC0\x80\"}"), "not JSON in UTF-8"},
  };
  for (const auto& [body, expected] : cases) {
    const auto decoded = DecodeEvents(body);
    EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument) << body;
    EXPECT_THAT(std::string(decoded.status().message()), HasSubstr(expected)) << body;
  }
}

}  // namespace
}  // namespace tocsin::wire::ga
