#include "wire/calls_ga.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

namespace tocsin::wire::ga {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Identifier kSomebody = Identifier::PhoneNumber("+14255550123");
const OperationEcho kEcho{.context = "ctx", .callback_uri = "https://h/op?x=1"};

// Decodes every prefix and every body with one byte damaged: no crash, and no
// prefix passes.
template <class Decode>
void TryDamage(const std::string& body, Decode decode) {
  ASSERT_TRUE(decode(body).ok()) << body << decode(body).status();
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(decode(std::string_view(body).substr(0, size)).ok()) << size;
    for (const char damage : {'\0', '"', '{', ']', '\xFF', '0'}) {
      std::string damaged = body;
      damaged[size] = damage;
      static_cast<void>(decode(damaged).ok());
    }
  }
}

// There and back, every truncation, and members in capital letters.
template <class Value, class Decode>
void TryBoth(const Value& value, Decode decode) {
  const std::string body = Encode(value);
  const auto decoded = decode(body);
  ASSERT_TRUE(decoded.ok()) << body << decoded.status();
  EXPECT_EQ(*decoded, value) << body;
  TryDamage(body, decode);
}

CreateCallRequest ACreate() {
  return {.targets = {kSomebody},
          .callback_uri = "https://dialer.example.com/cb?c=1",
          .caller_number = "+18005550100",
          .source_display_name = "Disp",
          .source = "8:acs:r_u",
          .operation_context = "ctx1",
          .cognitive_services_endpoint = "https://cog.example.com/"};
}

std::vector<PlaySource> EverySource() {
  return {{.kind = PlaySource::Kind::kFile, .content = "http://h/a.wav", .cache_id = "k"},
          {.kind = PlaySource::Kind::kText,
           .content = "Hello",
           .source_locale = "en-US",
           .voice_kind = "female",
           .voice_name = "en-US-NancyNeural",
           .custom_voice_endpoint_id = "e"},
          {.kind = PlaySource::Kind::kSsml, .content = "<speak/>"}};
}

CallConnectionProperties EveryProperty() {
  return {.call_connection_id = "411f0b00-d97f-49ad-a6ff-50eb4cc73e0d",
          .server_call_id = "aHR0cHM6Ly9",
          .correlation_id = "c",
          .state = CallState::kConnected,
          .targets = {kSomebody, Identifier::CommunicationUser("8:acs:r_u")},
          .callback_uri = "https://h/cb",
          .caller_number = "+18005550100",
          .source_display_name = "Disp",
          .source = Identifier::CommunicationUser("8:acs:r_app"),
          .answered_by = "8:acs:r_u",
          .answered_for = "+18005550101"};
}

TEST(CallsGa, RequestsGoThereAndBack) {
  TryBoth(ACreate(), DecodeCreateCallRequest);
  TryBoth(CreateCallRequest{.targets = {kSomebody}, .callback_uri = "http://h"},
          DecodeCreateCallRequest);
  TryBoth(PlayRequest{.sources = EverySource(),
                      .play_to = {kSomebody},
                      .loop = true,
                      .interrupts = true,
                      .echo = kEcho},
          DecodePlayRequest);
  TryBoth(RecognizeRequest{.target = kSomebody,
                           .prompts = EverySource(),
                           .interrupts = true,
                           .interrupt_prompt = true,
                           .initial_silence_s = 0,
                           .inter_tone_s = 60,
                           .tones_max = 4,
                           .stop_tones = "#*a",
                           .echo = kEcho},
          DecodeRecognizeRequest);
  for (const auto input :
       {RecognizeInput::kSpeech, RecognizeInput::kSpeechOrDtmf, RecognizeInput::kChoices}) {
    TryBoth(RecognizeRequest{.input = input, .target = kSomebody}, DecodeRecognizeRequest);
  }
  TryBoth(ContinuousDtmfRequest{.target = kSomebody, .echo = kEcho}, DecodeContinuousDtmfRequest);
  TryBoth(SendDtmfTonesRequest{.tones = "0123456789abcd#*", .target = kSomebody, .echo = kEcho},
          DecodeSendDtmfTonesRequest);
  TryBoth(RemoveParticipantRequest{.participant = kSomebody, .echo = kEcho},
          DecodeRemoveParticipantRequest);
  TryBoth(CancelAddParticipantRequest{.invitation_id = "i", .echo = kEcho},
          DecodeCancelAddParticipantRequest);
  TryBoth(MuteRequest{.targets = {kSomebody}, .operation_context = "m"}, DecodeMuteRequest);
}

TEST(CallsGa, InvitationsAndTransfersCarryHeaders) {
  TryBoth(AddParticipantRequest{.participant = kSomebody,
                                .caller_number = "+18005550100",
                                .source_display_name = "Desk",
                                .invitation_timeout_s = 0,
                                .sip_headers = {{"User-To-User", "1"}, {"X-Case", "2"}},
                                .voip_headers = {{"k", "v"}},
                                .echo = kEcho},
          DecodeAddParticipantRequest);
  TryBoth(AddParticipantRequest{.participant = kSomebody}, DecodeAddParticipantRequest);
  TryBoth(TransferRequest{.target = Identifier::CommunicationUser("8:acs:r_u"),
                          .transferee = kSomebody,
                          .caller_number = "+18005550100",
                          .sip_headers = {{"X-MS-Custom-a", "b"}},
                          .echo = kEcho},
          DecodeTransferRequest);
}

TEST(CallsGa, ResponsesGoThereAndBack) {
  TryBoth(EveryProperty(), DecodeCallConnectionProperties);
  const CallParticipant participant{.identifier = kSomebody, .is_muted = true, .is_on_hold = true};
  TryBoth(
      AddParticipantResponse{
          .participant = participant, .invitation_id = "i", .operation_context = "o"},
      DecodeAddParticipantResponse);
  TryBoth(CancelAddParticipantResponse{.invitation_id = "i", .operation_context = "o"},
          DecodeCancelAddParticipantResponse);
  TryBoth(OperationResponse{.operation_context = "o"}, DecodeOperationResponse);
  TryBoth(participant, DecodeCallParticipant);
  TryBoth(ParticipantList{.participants = {participant, {}}, .next_link = "/next"},
          DecodeParticipantList);
}

// As the real client sent it.
TEST(CallsGa, CreateIsReadAsTheSdkSendsIt) {
  const auto decoded = DecodeCreateCallRequest(
      R"({"targets":[{"kind":"phoneNumber","rawId":"4:+14255550123","phoneNumber":)"
      R"({"value":"+14255550123","isAnonymous":false}}],"sourceCallerIdNumber":)"
      R"({"value":"+18005550100","isAnonymous":false},"sourceDisplayName":"Disp",)"
      R"("operationContext":"ctx1","callbackUri":"https://dialer.example.com/cb?c=1",)"
      R"("callIntelligenceOptions":{"cognitiveServicesEndpoint":"https://cog.example.com/"},)"
      R"("mediaStreamingOptions":{"transportType":"websocket"}})");

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  CreateCallRequest expected = ACreate();
  expected.source.clear();
  EXPECT_EQ(*decoded, expected);
}

TEST(CallsGa, MediaRequestsAreReadAsTheSdkSendsThem) {
  const auto play = DecodePlayRequest(
      R"({"playSources":[{"kind":"text","text":{"text":"Hello","voiceName":"en-US-NancyNeural"}}],)"
      R"("playTo":[{"rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123",)"
      R"("isAnonymous":false}}],"playOptions":{"loop":false}})");
  ASSERT_TRUE(play.ok()) << play.status();
  EXPECT_THAT(play->play_to, ElementsAre(kSomebody));
  EXPECT_EQ(play->sources[0].content, "Hello");

  const auto recognize = DecodeRecognizeRequest(
      R"({"recognizeInputType":"dtmf","playPrompt":)"
      R"({"kind":"file","file":{"uri":"http://h/a.wav"}},)"
      R"("recognizeOptions":{"initialSilenceTimeoutInSeconds":5,"targetParticipant":)"
      R"({"rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123"}},"dtmfOptions":)"
      R"({"interToneTimeoutInSeconds":2,"maxTonesToCollect":3,"stopTones":["pound"]}},)"
      R"("operationContext":"r"})");
  ASSERT_TRUE(recognize.ok()) << recognize.status();
  EXPECT_EQ(recognize->target, kSomebody);
  EXPECT_EQ(recognize->prompts.size(), 1U);
  EXPECT_EQ(recognize->stop_tones, "#");
  EXPECT_EQ(recognize->tones_max, 3);
}

TEST(CallsGa, NullsAndUnknownMembersAreTolerated) {
  const auto decoded = DecodeCallConnectionProperties(
      R"({"callConnectionId":"x","source":null,"targets":null,"callConnectionState":"newState",)"
      R"("answeredBy":null,"mediaStreamingSubscription":{"id":"s"}})");

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, CallConnectionProperties{.call_connection_id = "x"});
}

struct Complaint {
  std::function<absl::Status(std::string_view)> decode;
  const char* body;
  const char* expected;
};

template <class Decode>
auto StatusOf(Decode decode) {
  return [decode](std::string_view body) -> absl::Status { return decode(body).status(); };
}

TEST(CallsGa, ComplaintsNameThePlace) {
  const auto create = StatusOf(DecodeCreateCallRequest);
  const auto play = StatusOf(DecodePlayRequest);
  const auto recognize = StatusOf(DecodeRecognizeRequest);
  const auto tones = StatusOf(DecodeSendDtmfTonesRequest);
  const auto add = StatusOf(DecodeAddParticipantRequest);
  const Complaint cases[] = {
      {create, "", "create call: not JSON"},
      {create, "[]", "create call must be an object"},
      {create, "{}", "create call.targets must be an array with at least one party"},
      {create, R"({"targets":[null]})", "targets must be an array with at least one party"},
      {create, R"({"targets":[{"phoneNumber":{"value":""}}]})", "party without an id"},
      {create, R"({"targets":[{"rawId":"4:+1"}],"callbackUri":"/cb"})",
       "callbackUri must be an absolute http or https URL"},
      {create, R"({"targets":[{"rawId":"4:+1"}],"callbackUri":3})", "callbackUri must be a string"},
      {create,
       R"({"targets":[{"rawId":"4:+1"}],"callbackUri":"http://h","sourceCallerIdNumber":"+1"})",
       "sourceCallerIdNumber must be an object"},
      {create, R"({"targets":[{"rawId":"4:+1"}],"callbackUri":"http://h","source":{"id":3}})",
       "create call.source.id must be a string"},
      {create, R"({"targets":[],"TARGETS":[],"targets":[]})", "two members of one name"},
      {create, "{\"targets\":[{\"rawId\":\"4:\xFF\"}]}", "not JSON in UTF-8"},
      {create, R"({"targets":[{"rawId":"4:\u0000"}]})", "must not contain NUL"},
      {play, "{}", "play.playSources must be an array with at least one source"},
      {play, R"({"playSources":[{"kind":"file"}]})", "play.playSources[0].file must be an object"},
      {play, R"({"playSources":[{"kind":"tune"}]})", "playSources[0].kind must be file, text"},
      {play, R"({"playSources":[{"kind":"file","file":{"uri":"x"}}]})",
       "playSources[0].file.uri must be an absolute"},
      {play, R"({"playSources":[{"kind":"text","text":{"text":"a","voiceKind":"robot"}}]})",
       "voiceKind must be male or female"},
      {play, R"({"playSources":[{"kind":"ssml","ssml":{"ssmlText":"a"}}],"playTo":[3]})",
       "play.playTo[0] must be an object"},
      {play, R"({"playSources":[{"kind":"ssml","ssml":{"ssmlText":"a"}}],"playOptions":[]})",
       "play.playOptions must be an object"},
      {play,
       R"({"playSources":[{"kind":"ssml","ssml":{"ssmlText":"a"}}],"operationCallbackUri":"x"})",
       "operationCallbackUri must be an absolute"},
      {recognize, R"({"recognizeInputType":"morse"})", "recognizeInputType must be dtmf"},
      {recognize, R"({"recognizeInputType":"dtmf"})", "recognizeOptions must be an object"},
      {recognize, R"({"recognizeInputType":"dtmf","recognizeOptions":{}})",
       "recognizeOptions.targetParticipant must be an object"},
      {recognize,
       R"({"recognizeInputType":"dtmf","recognizeOptions":{"targetParticipant":{"rawId":"4:+1"},)"
       R"("initialSilenceTimeoutInSeconds":301}})",
       "initialSilenceTimeoutInSeconds must be from 0 to 300"},
      {recognize,
       R"({"recognizeInputType":"dtmf","recognizeOptions":{"targetParticipant":{"rawId":"4:+1"},)"
       R"("dtmfOptions":{"interToneTimeoutInSeconds":0}}})",
       "dtmfOptions.interToneTimeoutInSeconds must be from 1 to 60"},
      {recognize,
       R"({"recognizeInputType":"dtmf","recognizeOptions":{"targetParticipant":{"rawId":"4:+1"},)"
       R"("dtmfOptions":{"stopTones":["one","two","Tone3"]}}})",
       "stopTones[2] must be a tone"},
      {tones, R"({"tones":["one"]})", "send dtmf.targetParticipant must be an object"},
      {tones, R"({"tones":[]})", "send dtmf.tones must be 1 to 18 tones"},
      {tones, R"({"tones":[1]})", "send dtmf.tones[0] must be a tone"},
      {add, R"({"participantToAdd":{"rawId":"4:+1"},"invitationTimeoutInSeconds":181})",
       "invitationTimeoutInSeconds must be from 0 to 180"},
      {add,
       R"({"participantToAdd":{"rawId":"4:+1"},"customCallingContext":{"sipHeaders":{"a":1}}})",
       "customCallingContext.sipHeaders must be an object of strings"},
      {StatusOf(DecodeContinuousDtmfRequest), "{}", "targetParticipant must be an object"},
      {StatusOf(DecodeRemoveParticipantRequest), "{}", "participantToRemove must be an object"},
      {StatusOf(DecodeCancelAddParticipantRequest), "{}", "invitationId must be a string"},
      {StatusOf(DecodeTransferRequest), R"({"targetParticipant":{"rawId":"4:+1"},"transferee":3})",
       "transfer.transferee must be an object"},
      {StatusOf(DecodeMuteRequest), "{}", "mute.targetParticipants must be an array of one"},
      {StatusOf(DecodeCallConnectionProperties), R"({"callConnectionId":""})", "must not be empty"},
      {StatusOf(DecodeParticipantList), R"({"value":[{"isMuted":1}]})",
       "participants.value[0].isMuted must be true or false"},
  };
  for (const Complaint& complaint : cases) {
    const absl::Status status = complaint.decode(complaint.body);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << complaint.body;
    EXPECT_THAT(std::string(status.message()), HasSubstr(complaint.expected)) << complaint.body;
  }
}

TEST(CallsGa, LimitsHold) {
  const std::string long_text(kTextMaxCharacters + 1, 'x');
  PlayRequest play{.sources = {{.kind = PlaySource::Kind::kText, .content = long_text}}};
  EXPECT_THAT(std::string(DecodePlayRequest(Encode(play)).status().message()),
              HasSubstr("at most 4000 characters"));
  play.sources[0].content.pop_back();
  EXPECT_TRUE(DecodePlayRequest(Encode(play)).ok());

  // Characters, not bytes.
  play.sources[0].content.clear();
  for (std::size_t i = 0; i < kTextMaxCharacters; ++i) play.sources[0].content += "\xC3\xA4";
  EXPECT_TRUE(DecodePlayRequest(Encode(play)).ok());

  SendDtmfTonesRequest tones{.tones = std::string(kTonesMax + 1, '1'), .target = kSomebody};
  EXPECT_FALSE(DecodeSendDtmfTonesRequest(Encode(tones)).ok());
  tones.tones.pop_back();
  EXPECT_TRUE(DecodeSendDtmfTonesRequest(Encode(tones)).ok());

  EXPECT_THAT(std::string(DecodePlayRequest(std::string(1'000'000, '[')).status().message()),
              HasSubstr("nested deeper"));
}

TEST(CallsGa, AnErrorBodyIsReadWhateverItIs) {
  const Error error{.code = "8523",
                    .message = "Invalid argument.",
                    .target = "targets",
                    .details = {{.code = "a", .message = "b"}, {.code = "c"}},
                    .inner = {{.code = "d", .message = "e", .inner = {{.code = "f"}}}}};
  EXPECT_EQ(DecodeError(Encode(error)), error);
  EXPECT_EQ(DecodeError(R"({"code":"8522","message":"gone"})"),
            (Error{.code = "8522", .message = "gone"}));
  for (const char* body : {"", "[]", "3", "<html>", "{", R"({"error":3})", R"({"code":3})",
                           R"({"error":{"details":3,"innererror":[]}})"}) {
    EXPECT_EQ(DecodeError(body), Error{}) << body;
  }
  const std::string body = Encode(error);
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_EQ(DecodeError(std::string_view(body).substr(0, size)), Error{});
  }
}

TEST(CallsGa, StatesHaveTheNamesOfTheWire) {
  for (const auto& [state, name] : std::vector<std::pair<CallState, std::string>>{
           {CallState::kUnknown, "unknown"},
           {CallState::kConnecting, "connecting"},
           {CallState::kConnected, "connected"},
           {CallState::kTransferring, "transferring"},
           {CallState::kTransferAccepted, "transferAccepted"},
           {CallState::kDisconnecting, "disconnecting"},
           {CallState::kDisconnected, "disconnected"}}) {
    EXPECT_EQ(Name(state), name);
    const CallConnectionProperties properties{.call_connection_id = "x", .state = state};
    EXPECT_EQ(DecodeCallConnectionProperties(Encode(properties))->state, state);
  }
}

}  // namespace
}  // namespace tocsin::wire::ga
