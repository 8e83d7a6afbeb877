#include "dialer/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/calls_2021.h"
#include "wire/calls_ga.h"
#include "wire/paths.h"
#include "wire/paths_ga.h"

namespace tocsin::dialer {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kCall[] = "491f0b00-9a3c";
const PhoneNumber kPerson = *PhoneNumber::Parse("+14255550123");
const PhoneNumber kCaller = *PhoneNumber::Parse("+18005550100");
const PhoneNumber kDesk = *PhoneNumber::Parse("+12065550177");
const AttemptKey kAttempt{CampaignId(7), AttemptId(9)};
const absl::Time kFirstSent = absl::FromUnixSeconds(1'620'245'319);  // A Wednesday.

CallAction Action(int ordinal) {
  return {kAttempt, kCall, ordinal, kFirstSent};
}

CreateCallRequest Create(int send_no) {
  return {.attempt = kAttempt, .to = kPerson, .from = kCaller, .send_no = send_no};
}

const CallSetup kSetup{.callback_url = "http://h/callbacks/7/9", .first_sent = kFirstSent};

struct Edition2021 {
  Dialect dialect;
  wire::Dialect on_the_wire;
};
constexpr Edition2021 kEditions[] = {{Dialect::kPreview202104, wire::Dialect::k2021_04},
                                     {Dialect::kPreview202105, wire::Dialect::k2021_05}};

wire::Route RouteOf(const ProviderRequest& request) {
  const auto route = wire::ParseRoute(
      request.method, request.path_and_query.substr(0, request.path_and_query.find('?')));
  EXPECT_TRUE(route.has_value()) << request.path_and_query;
  return route.value_or(wire::Route());
}

TEST(Protocol, BothEditionsOf2021AreSpokenAtTheirOwnPaths) {
  for (const auto& [dialect, on_the_wire] : kEditions) {
    const Protocol& protocol = ProtocolFor(dialect, Spelling::kOverview);
    const ProviderRequest create = protocol.CreateCall(Create(1), kSetup);
    EXPECT_TRUE(create.headers.empty());
    EXPECT_FALSE(RepeatsSafely(dialect));
    EXPECT_EQ(RouteOf(create), (wire::Route{on_the_wire, wire::Operation::kCreateCall}));
    const auto body = wire::DecodeCreateCallRequest(create.body);
    ASSERT_TRUE(body.ok()) << body.status();
    EXPECT_EQ(body->targets[0], wire::Identifier::PhoneNumber("+14255550123"));
    EXPECT_EQ(body->caller_number, "+18005550100");
    EXPECT_TRUE(body->wants_dtmf);

    const auto play =
        protocol.Play(Action(3), {.what = Recording{"http://h/a.wav", "key"}, .loop = true});
    ASSERT_TRUE(play.ok());
    EXPECT_EQ(RouteOf(*play), (wire::Route{on_the_wire, wire::Operation::kPlayAudio, kCall}));
    const auto play_body = wire::DecodePlayAudioRequest(play->body);
    EXPECT_EQ(play_body->operation_context, "3");
    EXPECT_EQ(play_body->audio_file_uri, "http://h/a.wav");
    EXPECT_TRUE(play_body->loop);
    const ProviderRequest cancel = protocol.CancelMedia(Action(51));
    EXPECT_EQ(RouteOf(cancel), (wire::Route{on_the_wire, wire::Operation::kCancelMedia, kCall}));
    EXPECT_EQ(RouteOf(protocol.HangUp(Action(101))),
              (wire::Route{on_the_wire, wire::Operation::kHangUp, kCall}));
    EXPECT_EQ(protocol.ListenForKeys(Action(1), kPerson), std::nullopt);
  }
}

TEST(Protocol, BothEditionsOf2021LetOthersIntoACall) {
  for (const auto& [dialect, on_the_wire] : kEditions) {
    const Protocol& protocol = ProtocolFor(dialect, Spelling::kOverview);
    const ProviderRequest invite = protocol.Invite(Action(31), kDesk, kCaller);
    EXPECT_EQ(RouteOf(invite),
              (wire::Route{on_the_wire, wire::Operation::kInviteParticipants, kCall}));
    const auto body = wire::DecodeInviteParticipantsRequest(invite.body);
    ASSERT_TRUE(body.ok()) << body.status();
    EXPECT_EQ(body->participants, std::vector{wire::Identifier::PhoneNumber("+12065550177")});
    EXPECT_EQ(body->caller_number, "+18005550100");
    EXPECT_EQ(body->operation_context, "31");
    EXPECT_EQ(RouteOf(protocol.Remove(Action(32), "guid-1")),
              (wire::Route{on_the_wire, wire::Operation::kRemoveParticipant, kCall, "guid-1"}));
    EXPECT_EQ(RouteOf(protocol.Leave(Action(33))),
              (wire::Route{on_the_wire, wire::Operation::kHangUp, kCall}));
  }
}

TEST(Protocol, EachSpellingOf2021UsesItsOwnNames) {
  const PlayOrder order{.what = Recording{"http://h/a.wav", "key"}};
  for (const auto& [dialect, on_the_wire] : kEditions) {
    const Protocol& overview = ProtocolFor(dialect, Spelling::kOverview);
    EXPECT_THAT(overview.CreateCall(Create(1), kSetup).body,
                HasSubstr(R"("alternateCallerId":{"value":"+18005550100"})"));
    EXPECT_THAT(overview.Play(Action(3), order)->body, HasSubstr(R"("resourceId":"key")"));
    const ProviderRequest cancel = overview.CancelMedia(Action(51));
    EXPECT_THAT(cancel.path_and_query, HasSubstr("/CancelMediaProcessing"));
    EXPECT_EQ(cancel.body, R"({"operationContext":"51"})");

    const Protocol& swagger = ProtocolFor(dialect, Spelling::kSwagger);
    EXPECT_THAT(swagger.CreateCall(Create(1), kSetup).body,
                HasSubstr(R"("sourceAlternateIdentity":{"value":"+18005550100"})"));
    EXPECT_THAT(swagger.Play(Action(3), order)->body, HasSubstr(R"("audioFileId":"key")"));
    EXPECT_EQ(RouteOf(swagger.CancelMedia(Action(51))),
              (wire::Route{.dialect = on_the_wire,
                           .operation = wire::Operation::kCancelMedia,
                           .call_id = kCall,
                           .edition = wire::Edition::kSwagger}));
    EXPECT_EQ(swagger.CancelMedia(Action(51)).body, "");
  }
}

TEST(Protocol, MaySaysAsWhomItCallsAndAprilHasNoWordForIt) {
  const auto body_of = [](Dialect dialect, const char* user) {
    CallSetup setup = kSetup;
    setup.source_user = user;
    return ProtocolFor(dialect, Spelling::kOverview).CreateCall(Create(1), setup).body;
  };
  EXPECT_THAT(
      body_of(Dialect::kPreview202105, "8:acs:a_b"),
      HasSubstr(R"("source":{"rawId":"8:acs:a_b","communicationUser":{"id":"8:acs:a_b"}})"));
  EXPECT_THAT(body_of(Dialect::kPreview202105, ""), Not(HasSubstr("\"source\"")));
  EXPECT_THAT(body_of(Dialect::kPreview202104, "8:acs:a_b"), Not(HasSubstr("\"source\"")));
  EXPECT_THAT(body_of(Dialect::kGa, "8:acs:a_b"), HasSubstr(R"("8:acs:a_b")"));
  EXPECT_THAT(body_of(Dialect::kGa, ""), Not(HasSubstr("\"source\"")));
}

TEST(Protocol, WhatADialectOf2021CannotSayItSaysSo) {
  const Protocol& protocol = ProtocolFor(Dialect::kPreview202105, Spelling::kOverview);

  EXPECT_TRUE(absl::IsFailedPrecondition(
      protocol.Play(Action(1), {.what = SpokenText{.text = "Hello", .language = "en-US"}})
          .status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(protocol.Transfer(Action(1), kDesk, kCaller).status()));
}

TEST(Protocol, AnswersOf2021AreRead) {
  const Protocol& protocol = ProtocolFor(Dialect::kPreview202104, Spelling::kOverview);

  EXPECT_EQ(protocol.ReadCallId(R"({"callLegId":"x"})"), "x");
  EXPECT_EQ(protocol.ReadCallId(R"({"callLegId":3})"), std::nullopt);
  const ProviderError error = protocol.ReadError(R"({"code":"8522","message":"gone"})");
  EXPECT_EQ(error.text, "8522: gone");
  EXPECT_EQ(error.subcode, 8522);
  EXPECT_EQ(protocol.ReadError("<html>").text, "");
}

// --- GA ---------------------------------------------------------------------

using Ga = wire::ga::Operation;

const Protocol& GaProtocol() {
  return ProtocolFor(Dialect::kGa, Spelling::kOverview);
}

void ExpectGa(const ProviderRequest& request, Ga operation, const std::string& call = kCall) {
  const std::size_t query = request.path_and_query.find('?');
  const auto route = wire::ga::ParseRoute(request.method, request.path_and_query.substr(0, query));
  ASSERT_TRUE(route.has_value()) << request.method << ' ' << request.path_and_query;
  EXPECT_EQ(route->operation, operation);
  EXPECT_EQ(route->call_id, call);
}

std::string HeaderOf(const ProviderRequest& request, std::string_view name) {
  for (const auto& [header, value] : request.headers) {
    if (header == name) return value;
  }
  return {};
}

TEST(GaProtocol, ACallIsCreatedWithTheAttemptInItsContext) {
  const ProviderRequest create = GaProtocol().CreateCall(Create(1), kSetup);

  ExpectGa(create, Ga::kCreateCall, "");
  const auto body = wire::ga::DecodeCreateCallRequest(create.body);
  ASSERT_TRUE(body.ok()) << body.status();
  EXPECT_EQ(body->targets, std::vector{wire::Identifier::PhoneNumber("+14255550123")});
  EXPECT_EQ(body->caller_number, "+18005550100");
  EXPECT_EQ(body->callback_uri, kSetup.callback_url);
  EXPECT_EQ(body->operation_context, "7/9");
  EXPECT_EQ(HeaderOf(create, "Repeatability-First-Sent"), "Wed, 05 May 2021 20:08:39 GMT");
}

TEST(GaProtocol, TheIdOfACreateCallIsThatOfItsAttemptAndSend) {
  const auto id_of = [](const CreateCallRequest& request) {
    return HeaderOf(GaProtocol().CreateCall(request, kSetup), "Repeatability-Request-ID");
  };
  const std::string id = id_of(Create(1));
  // Written down: whoever is started after an upgrade must ask under the same.
  EXPECT_EQ(id, "9e6b01e1-59d7-8197-8b8e-83ea123a0605");
  EXPECT_EQ(id_of(Create(1)), id);
  EXPECT_NE(id_of(Create(2)), id);
  CreateCallRequest other = Create(1);
  other.attempt.attempt = AttemptId(10);
  EXPECT_NE(id_of(other), id);
  EXPECT_TRUE(RepeatsSafely(Dialect::kGa));
}

TEST(GaProtocol, ARecordingATextOrSsmlIsPlayed) {
  const auto source_of = [](const PlayOrder& order) {
    const auto play = GaProtocol().Play(Action(2), order);
    ExpectGa(*play, Ga::kPlay);
    const auto body = wire::ga::DecodePlayRequest(play->body);
    EXPECT_TRUE(body.ok()) << body.status();
    EXPECT_EQ(body->echo.context, "2");
    EXPECT_EQ(body->loop, order.loop);
    return body->sources.at(0);
  };
  using Kind = wire::ga::PlaySource::Kind;
  EXPECT_EQ(
      source_of({.what = Recording{"http://h/a.wav", "key"}, .loop = true}),
      (wire::ga::PlaySource{.kind = Kind::kFile, .content = "http://h/a.wav", .cache_id = "key"}));
  EXPECT_EQ(source_of({.what = SpokenText{.text = "Hello", .language = "en-GB"}}),
            (wire::ga::PlaySource{.kind = Kind::kText,
                                  .content = "Hello",
                                  .source_locale = "en-GB",
                                  .voice_kind = "female"}));
  EXPECT_EQ(source_of({.what = SpokenText{.text = "Hello", .voice = "en-US-NancyNeural"}}),
            (wire::ga::PlaySource{
                .kind = Kind::kText, .content = "Hello", .voice_name = "en-US-NancyNeural"}));
  EXPECT_EQ(source_of({.what = SpokenSsml{"<speak/>"}}),
            (wire::ga::PlaySource{.kind = Kind::kSsml, .content = "<speak/>"}));
}

TEST(GaProtocol, KeysOfThePersonAreAskedFor) {
  const auto listen = GaProtocol().ListenForKeys(Action(1), kPerson);
  ASSERT_TRUE(listen.has_value());
  ExpectGa(*listen, Ga::kStartContinuousDtmf);
  const auto body = wire::ga::DecodeContinuousDtmfRequest(listen->body);
  EXPECT_EQ(body->target, wire::Identifier::PhoneNumber("+14255550123"));
}

TEST(GaProtocol, ACallIsEndedLeftAndSilenced) {
  const ProviderRequest end = GaProtocol().HangUp(Action(101));
  ExpectGa(end, Ga::kTerminate);
  EXPECT_EQ(end.body, "");
  EXPECT_NE(HeaderOf(end, "Repeatability-Request-ID"), "");
  ExpectGa(GaProtocol().Leave(Action(33)), Ga::kHangUp);
  ExpectGa(GaProtocol().CancelMedia(Action(51)), Ga::kCancelAllMedia);
}

TEST(GaProtocol, OthersAreLetInTransferredToAndRemoved) {
  const ProviderRequest invite = GaProtocol().Invite(Action(31), kDesk, kCaller);
  ExpectGa(invite, Ga::kAddParticipant);
  const auto added = wire::ga::DecodeAddParticipantRequest(invite.body);
  EXPECT_EQ(added->participant, wire::Identifier::PhoneNumber("+12065550177"));
  EXPECT_EQ(added->caller_number, "+18005550100");
  EXPECT_EQ(added->echo.context, "31");

  const auto transfer = GaProtocol().Transfer(Action(32), kDesk, kCaller);
  ASSERT_TRUE(transfer.ok());
  ExpectGa(*transfer, Ga::kTransfer);
  EXPECT_EQ(wire::ga::DecodeTransferRequest(transfer->body)->target,
            wire::Identifier::PhoneNumber("+12065550177"));
  // Asked for twice, they are one transfer; another action is another.
  EXPECT_EQ(transfer->headers, GaProtocol().Transfer(Action(32), kDesk, kCaller)->headers);
  EXPECT_NE(transfer->headers, invite.headers);

  const ProviderRequest remove = GaProtocol().Remove(Action(33), "4:+12065550177");
  ExpectGa(remove, Ga::kRemoveParticipant);
  EXPECT_EQ(wire::ga::DecodeRemoveParticipantRequest(remove.body)->participant,
            wire::Identifier::PhoneNumber("+12065550177"));
}

TEST(GaProtocol, AnswersAreRead) {
  EXPECT_EQ(
      GaProtocol().ReadCallId(R"({"callConnectionId":"x","callConnectionState":"connecting"})"),
      "x");
  EXPECT_EQ(GaProtocol().ReadCallId(R"({"serverCallId":"x"})"), std::nullopt);
  const ProviderError error = GaProtocol().ReadError(
      R"({"error":{"code":"8522","message":"Call of +14255550123 not found"}})");
  EXPECT_EQ(error.subcode, 8522);
  EXPECT_EQ(error.text, "8522: Call of +*** not found");
  EXPECT_EQ(GaProtocol().ReadError(R"({"error":{"code":"Unauthorized"}})").subcode, 0);
}

}  // namespace
}  // namespace tocsin::dialer
