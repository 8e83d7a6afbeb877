#include "wire/calls_2021.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tocsin::wire {
namespace {

using testing::HasSubstr;

constexpr char kNumber[] = "+14255550123";

CreateCallRequest ACreate() {
  return {.source = Identifier::CommunicationUser("8:acs:res_user"),
          .targets = {Identifier::PhoneNumber(kNumber)},
          .caller_number = "+18005550100",
          .subject = "Outage",
          .callback_uri = "https://dialer.example.com/callbacks/1/2?k=a&s=b",
          .wants_participants_updated = true,
          .wants_dtmf = true};
}

template <class Value>
std::string MessageOf(const absl::StatusOr<Value>& decoded) {
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(decoded.status().message());
}

// Decodes every prefix and every body with one byte damaged: no crash, and no
// prefix passes.
template <class Decode>
void TryDamage(const std::string& body, Decode decode) {
  ASSERT_TRUE(decode(body).ok()) << decode(body).status();
  for (std::size_t size = 1; size < body.size(); ++size) {
    EXPECT_FALSE(decode(std::string_view(body).substr(0, size)).ok()) << size;
  }
  for (std::size_t i = 0; i < body.size(); ++i) {
    for (const char damage : {'\0', '"', '{', ']', '\xFF', '0'}) {
      std::string damaged = body;
      damaged[i] = damage;
      static_cast<void>(decode(damaged).ok());
    }
  }
}

TEST(Calls2021, CreateGoesThereAndBack) {
  for (const bool roster : {false, true}) {
    for (const bool dtmf : {false, true}) {
      CreateCallRequest request = ACreate();
      request.wants_participants_updated = roster;
      request.wants_dtmf = dtmf;
      const auto decoded = DecodeCreateCallRequest(Encode(request));
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      EXPECT_EQ(*decoded, request);
    }
  }
  const CreateCallRequest least{.targets = {Identifier::PhoneNumber(kNumber)},
                                .callback_uri = "http://h/"};
  EXPECT_EQ(*DecodeCreateCallRequest(Encode(least)), least);
}

TEST(Calls2021, CreateIsWrittenAsThePublishedEditionHasIt) {
  const auto json = nlohmann::json::parse(Encode(ACreate()));

  EXPECT_EQ(json["source"]["communicationUser"]["id"], "8:acs:res_user");
  EXPECT_EQ(json["targets"][0]["phoneNumber"]["value"], kNumber);
  // The overview's JSON has no caller id; its own code calls it so.
  EXPECT_EQ(json["alternateCallerId"]["value"], "+18005550100");
  EXPECT_EQ(nlohmann::json::parse(Encode(ACreate(), Edition::kSwagger))["sourceAlternateIdentity"],
            nlohmann::json({{"value", "+18005550100"}}));
  EXPECT_EQ(json["requestedModalities"], nlohmann::json({"audio"}));
  EXPECT_EQ(json["requestedCallEvents"], nlohmann::json({"participantsUpdated", "dtmfReceived"}));
}

TEST(Calls2021, CreateIsReadInEverySpelling) {
  const auto decoded =
      DecodeCreateCallRequest(R"({"Targets":[null,{"rawId":"4:+14255550123"}],)"
                              R"("alternateCallerId":{"phoneNumber":{"value":"+18005550100"}},)"
                              R"("callbackURI":"HTTP://h/cb","source":null,)"
                              R"("requestedCallEvents":["DtmfReceived",null,"somethingNew"],)"
                              R"("unknown":{"a":[1]}})");

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_THAT(decoded->targets, testing::ElementsAre(Identifier::PhoneNumber(kNumber)));
  EXPECT_EQ(decoded->caller_number, "+18005550100");
  EXPECT_TRUE(decoded->wants_dtmf);
  EXPECT_FALSE(decoded->wants_participants_updated);
  EXPECT_EQ(decoded->source, std::nullopt);
}

TEST(Calls2021, CreateNamesTheMemberThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "not JSON"},
      {"[]", "create call must be an object"},
      {R"({"targets":[],"targets":[]})", "create call: an object has two members of one name"},
      {R"({"source":{"a":1,"a":2}})", "create call: an object has two members of one name"},
      {"{}", "create call.targets must be an array with at least one party"},
      {R"({"targets":[]})", "targets must be an array with at least one party"},
      {R"({"targets":{}})", "create call.targets must be an array"},
      {R"({"targets":[1]})", "create call.targets[0] must be an object"},
      {R"({"targets":[{}]})", "create call.targets[0] must have phoneNumber or communicationUser"},
      {R"({"targets":[{"phoneNumber":{}}]})",
       "create call.targets[0].phoneNumber.value must be a string"},
      {R"({"targets":[{"phoneNumber":{"value":"+1"}}]})", "callbackUri must be a string"},
      {R"({"targets":[{"phoneNumber":{"value":"+1"}}],"callbackUri":"ftp://h"})",
       "callbackUri must be an absolute http or https URL"},
      {R"({"targets":[{"phoneNumber":{"value":"+1"}}],"callbackUri":"http://h\r\nX: y"})",
       "callbackUri must be an absolute http or https URL"},
      {R"({"targets":[{"phoneNumber":{"value":"+1"}}],"callbackUri":"http://h","subject":3})",
       "subject must be a string"},
      {R"({"targets":[{"phoneNumber":{"value":"+1"}}],"callbackUri":"http://h",)"
       R"("requestedCallEvents":[3]})",
       "requestedCallEvents must be an array of strings"},
      {R"({"targets":[{"phoneNumber":{"value":"+1"}}],"callbackUri":"http://h",)"
       R"("sourceAlternateIdentity":"x"})",
       "sourceAlternateIdentity must be an object"},
  };
  for (const auto& [body, expected] : cases) {
    EXPECT_THAT(MessageOf(DecodeCreateCallRequest(body)), HasSubstr(expected)) << body;
  }
}

TEST(Calls2021, DeepNestingIsRefusedBeforeItIsBuilt) {
  const std::string deep(1'000'000, '[');

  EXPECT_THAT(MessageOf(DecodeCreateCallRequest(deep)), HasSubstr("nested deeper"));
}

TEST(Calls2021, PlayAudioGoesThereAndBack) {
  const PlayAudioRequest request{.audio_file_uri = "http://127.0.0.1:9/prompts/a.wav",
                                 .loop = true,
                                 .operation_context = "7",
                                 .resource_id = "b1",
                                 .callback_uri = "http://h/played"};

  EXPECT_EQ(*DecodePlayAudioRequest(Encode(request)), request);
  EXPECT_EQ(*DecodePlayAudioRequest(Encode(request, Edition::kSwagger)), request);
  EXPECT_THAT(Encode(request, Edition::kSwagger), HasSubstr("audioFileId"));
  EXPECT_EQ(
      DecodePlayAudioRequest(R"({"audioFileUri":"http://h/a","audioFileId":"b1"})")->resource_id,
      "b1");
  EXPECT_THAT(MessageOf(DecodePlayAudioRequest(R"({"audioFileUri":"http://h/a","loop":"yes"})")),
              HasSubstr("loop must be true or false"));
}

TEST(Calls2021, ACancelMayHaveNoBody) {
  EXPECT_EQ(*DecodeCancelMediaRequest(""), CancelMediaRequest{});
  EXPECT_EQ(DecodeCancelMediaRequest(Encode(CancelMediaRequest{"9"}))->operation_context, "9");
  EXPECT_FALSE(DecodeCancelMediaRequest("x").ok());
}

TEST(Calls2021, InviteGoesThereAndBack) {
  const InviteParticipantsRequest request{
      .caller_number = "+18005550100",
      .participants = {Identifier::CommunicationUser("8:acs:x"), Identifier::PhoneNumber(kNumber)},
      .operation_context = "3",
      .callback_uri = "http://h/invited"};

  EXPECT_EQ(*DecodeInviteParticipantsRequest(Encode(request)), request);
  EXPECT_FALSE(DecodeInviteParticipantsRequest("{}").ok());
}

TEST(Calls2021, JoinGoesThereAndBack) {
  const JoinRequest request{.source = Identifier::CommunicationUser("8:acs:res_user"),
                            .subject = "Desk",
                            .callback_uri = "https://h/cb",
                            .wants_participants_updated = true,
                            .wants_dtmf = false};

  EXPECT_EQ(*DecodeJoinRequest(Encode(request)), request);
  TryDamage(Encode(request), DecodeJoinRequest);
  EXPECT_THAT(MessageOf(DecodeJoinRequest("{}")), HasSubstr("join.callbackUri must be a string"));
  EXPECT_THAT(MessageOf(DecodeJoinRequest(R"({"source":{}})")), HasSubstr("join.source must have"));
}

TEST(Calls2021, OperationResultGoesThereAndBack) {
  OperationResult result{.id = "i", .status = OperationStatus::kRunning, .operation_context = "4"};
  EXPECT_EQ(*DecodeOperationResult(Encode(result)), result);
  result.result_info = ResultInfo{.code = 400, .subcode = 8508, .message = "cancelled"};
  EXPECT_EQ(*DecodeOperationResult(Encode(result)), result);

  EXPECT_EQ(DecodeOperationResult(R"({"status":"Completed"})")->status,
            OperationStatus::kCompleted);
  EXPECT_EQ(DecodeOperationResult(R"({"status":"new"})")->status, OperationStatus::kUnknown);
  EXPECT_THAT(MessageOf(DecodeOperationResult(R"({"resultInfo":{"code":3000000000}})")),
              HasSubstr("32 bits"));
}

TEST(Calls2021, TheCallLegMustHaveAName) {
  EXPECT_EQ(DecodeCreateCallResponse(Encode(CreateCallResponse{"x"}))->call_leg_id, "x");
  EXPECT_EQ(DecodeCreateCallResponse(R"({"callConnectionId":"y"})")->call_leg_id, "y");
  EXPECT_FALSE(DecodeCreateCallResponse(R"({"callLegId":""})").ok());
  EXPECT_FALSE(DecodeCreateCallResponse("<html>").ok());
  EXPECT_THAT(MessageOf(DecodeCreateCallResponse("{\"callLegId\":\"a\\u0000b\"}")),
              HasSubstr("NUL"));
}

TEST(Calls2021, AnErrorBodyIsReadWhateverItIs) {
  const ErrorBody error{.code = "8522", .message = "no such call"};
  EXPECT_EQ(DecodeErrorBody(Encode(error)), error);
  EXPECT_EQ(DecodeErrorBody(R"({"error":{"code":"8522","message":"no such call"}})"), error);
  for (const char* body : {"", "[]", "3", "<html>", "{", R"({"error":3})", R"({"code":3})"}) {
    EXPECT_EQ(DecodeErrorBody(body), ErrorBody{}) << body;
  }
}

TEST(Calls2021, DamagedBodiesAreRefusedAndNoneCrashes) {
  TryDamage(Encode(ACreate()), DecodeCreateCallRequest);
  TryDamage(Encode(CreateCallResponse{"x"}), DecodeCreateCallResponse);
  TryDamage(Encode(PlayAudioRequest{.audio_file_uri = "http://h/a"}), DecodePlayAudioRequest);
  TryDamage(Encode(CancelMediaRequest{"9"}), DecodeCancelMediaRequest);
  TryDamage(Encode(InviteParticipantsRequest{.participants = {Identifier::PhoneNumber(kNumber)}}),
            DecodeInviteParticipantsRequest);
  TryDamage(Encode(OperationResult{.result_info = ResultInfo{}}), DecodeOperationResult);
}

}  // namespace
}  // namespace tocsin::wire
