#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "callserver/audio_file.h"
#include "tests/unit/call_server_fixture.h"
#include "wire/json_web_token.h"

namespace tocsin::callserver {
namespace {

TEST_F(CallServerTest, AWholeCallOverHttp) {
  Start();
  const std::string leg = CreatedLeg(Create());
  receiver_.WaitForState(wire::CallState::kEstablished);
  const auto played = Play(leg, "/audio.wav");
  ASSERT_TRUE(played);
  ASSERT_EQ(played->status, 202) << played->body;
  EXPECT_EQ(wire::DecodeOperationResult(played->body)->operation_context, "1");
  const auto events = receiver_.WaitForState(wire::CallState::kTerminated);

  ASSERT_EQ(events.size(), 6U);
  EXPECT_EQ(std::get<wire::CallStateChanged>(events[0].body).state, wire::CallState::kEstablishing);
  EXPECT_EQ(std::get<wire::CallStateChanged>(events[1].body).state, wire::CallState::kEstablished);
  // The key at 8 + 3 s of an audio of 10 s.
  EXPECT_EQ(wire::OutcomeOf(std::get<wire::PlayAudioResult>(events[2].body)),
            wire::PlayOutcome::kCompleted);
  EXPECT_EQ(std::get<wire::DtmfReceived>(events[3].body).tone, '1');
  EXPECT_EQ(std::get<wire::CallStateChanged>(events[4].body).state, wire::CallState::kTerminating);
  for (const wire::Event& event : events) EXPECT_EQ(wire::CallLegId(event), leg);

  Stop();
  const LedgerAudit audit = AuditIt();
  EXPECT_EQ(audit.calls, 1);
  EXPECT_EQ(audit.acknowledged_calls, 1);
  EXPECT_EQ(audit.callbacks_answered, 6);
  EXPECT_EQ(audit.outcomes.at("human"), 1);
  EXPECT_EQ(ReadLedger(ledger_)->calls.at(0).attempt, (AttemptKey{CampaignId(5), AttemptId(6)}));
}

TEST_F(CallServerTest, AHangUpEndsTheCallAndAfterwardsItIsUnknown) {
  Start();
  const std::string leg = CreatedLeg(Create());
  const auto hung_up = Post(wire::HangUpPath(Dialect::k2021_05, leg), "");
  ASSERT_TRUE(hung_up);
  EXPECT_EQ(hung_up->status, 202);
  EXPECT_EQ(hung_up->body, "");
  receiver_.WaitForState(wire::CallState::kTerminated);

  const auto again = Post(wire::HangUpPath(Dialect::k2021_05, leg), "");
  EXPECT_EQ(again->status, 404);
  EXPECT_EQ(wire::DecodeErrorBody(again->body).code, "8522");
}

TEST_F(CallServerTest, TheOlderEditionIsServedToo) {
  Start();
  const std::string leg = CreatedLeg(Post(wire::CreateCallPath(Dialect::k2021_04), CreateBody()));

  EXPECT_EQ(Post(wire::HangUpPath(Dialect::k2021_04, leg), "")->status, 202);
}

TEST_F(CallServerTest, BothEditionsOf2021HaveTheSameOperations) {
  options_.time_scale = 20;  // They stay on the line for longer than all this takes.
  Start();
  const std::string invite = wire::Encode(wire::InviteParticipantsRequest{
      .participants = {wire::Identifier::CommunicationUser("8:acs:r_u")},
      .operation_context = "i"});
  std::string number = "+15555550100";
  for (const Dialect dialect : {Dialect::k2021_04, Dialect::k2021_05}) {
    ++number.back();
    const std::string leg = CreatedLeg(Post(wire::CreateCallPath(dialect), CreateBody(number)));
    receiver_.WaitForState(wire::CallState::kEstablished, leg);
    const std::string play = wire::Encode(wire::PlayAudioRequest{
        .audio_file_uri = receiver_.Url("/audio.wav"), .loop = true, .operation_context = "p"});
    EXPECT_EQ(Post(wire::PlayAudioPath(dialect, leg), play)->status, 202);
    EXPECT_EQ(Post(wire::PlayAudioPath(dialect, leg), play)->status, 400);
    EXPECT_EQ(Post(wire::CancelMediaPath(dialect, leg), "")->status, 202);
    EXPECT_EQ(Post(wire::InviteParticipantsPath(dialect, leg), invite)->status, 202);
    EXPECT_EQ(client_->Delete(wire::RemoveParticipantPath(dialect, leg, "nobody"))->status, 404);
    EXPECT_EQ(client_->Delete(wire::DeleteCallPath(dialect, leg))->status, 202);
    receiver_.WaitForState(wire::CallState::kTerminated, leg);
  }
}

TEST_F(CallServerTest, APlayOfTheWrongFormatFails) {
  Start();
  const std::string leg = CreatedLeg(Create());
  receiver_.WaitForState(wire::CallState::kEstablished);
  EXPECT_EQ(Play(leg, "/stereo.wav")->status, 202);
  const auto events = receiver_.WaitFor(3);

  const auto& result = std::get<wire::PlayAudioResult>(events[2].body);
  EXPECT_EQ(result.result_info->subcode, wire::kSubcodeBadFormat);
  EXPECT_EQ(Play(leg, "/missing.wav")->status, 202);
  EXPECT_EQ(std::get<wire::PlayAudioResult>(receiver_.WaitFor(4)[3].body).result_info->subcode,
            wire::kSubcodeDownloadFailed);
}

TEST_F(CallServerTest, RefusedCallbacksComeAgainAndInOrder) {
  Start();
  receiver_.AnswerNext({500, 503});
  const std::string leg = CreatedLeg(Create());
  const auto events = receiver_.WaitForState(wire::CallState::kEstablished);

  EXPECT_EQ(std::get<wire::CallStateChanged>(events[0].body).state, wire::CallState::kEstablishing);
  EXPECT_EQ(server_->stats().callbacks_retried, 2);
}

TEST_F(CallServerTest, RequestsMustBeSignedIfThereIsAKey) {
  options_.access_key = Secret(kAccessKey);
  Start();

  CreatedLeg(Create());
  const auto unsigned_one =
      client_->Post(wire::CreateCallPath(Dialect::k2021_05), CreateBody(), "application/json");
  EXPECT_EQ(unsigned_one->status, 401);
  EXPECT_EQ(wire::DecodeErrorBody(unsigned_one->body).code, "Unauthorized");
}

TEST_F(CallServerTest, BadRequestsSayWhatIsWrong) {
  Start();
  const auto target = wire::CreateCallPath(Dialect::k2021_05);

  EXPECT_EQ(Post(target, "{}")->status, 400);
  EXPECT_THAT(wire::DecodeErrorBody(Post(target, "{}")->body).message,
              testing::HasSubstr("targets must be"));
  EXPECT_EQ(Post("/calling/calls", CreateBody())->status, 400);
  EXPECT_EQ(Post("/calling/calls?api-version=latest", CreateBody())->status, 400);
  EXPECT_EQ(Post("/calling/calls?api-version=2021-06-15-preview", CreateBody())->status, 200);
  EXPECT_EQ(Post("/somewhere", "")->status, 404);
  EXPECT_EQ(client_->Get("/")->status, 204);
  EXPECT_EQ(client_->Head("/livez")->status, 204);
}

TEST_F(CallServerTest, TheWeatherCanBeBad) {
  options_.faults[Fault::kThrottled] = {.every = 2};
  options_.faults[Fault::kErrorAfter] = {.every = 3};
  options_.faults[Fault::kHtml] = {.every = 5};
  options_.faults.retry_after_form = RetryAfterForm::kSeconds;
  options_.faults.retry_after = absl::Seconds(7);
  Start();

  EXPECT_EQ(Create("+1")->status, 200);
  const auto throttled = Create("+2");
  EXPECT_EQ(throttled->status, 429);
  EXPECT_EQ(throttled->get_header_value("Retry-After"), "7");
  EXPECT_EQ(Create("+3")->status, 500);
  EXPECT_EQ(Create("+4")->status, 429);
  const auto html = Create("+5");
  EXPECT_EQ(html->status, 200);
  EXPECT_FALSE(wire::DecodeCreateCallResponse(html->body).ok());

  Stop();
  const LedgerAudit audit = AuditIt();
  EXPECT_EQ(audit.create_requests, 5);
  EXPECT_EQ(audit.calls, 2);  // The first and the third, which rang in spite of its 500.
}

TEST_F(CallServerTest, AWholeGaCallOverHttp) {
  options_.time_scale = 20;  // They stay on the line for longer than all this takes.
  Start();
  const std::string call = CreatedGa(CreateGa());
  EXPECT_EQ(receiver_.WaitForGa(ga::EventType::kCallConnected).operation_context, "call");
  const auto now = AskGa(ga::Operation::kGetCall, call);
  EXPECT_EQ(ga::DecodeCallConnectionProperties(now->body)->state, ga::CallState::kConnected);
  const auto played =
      AskGa(ga::Operation::kPlay, call,
            Encode(ga::PlayRequest{.sources = {{.content = receiver_.Url("/audio.wav")}},
                                   .echo = {.context = "p"}}));
  ASSERT_EQ(played->status, 202) << played->body;
  EXPECT_EQ(played->body, "");
  EXPECT_EQ(receiver_.WaitForGa(ga::EventType::kPlayCompleted).operation_context, "p");
  EXPECT_EQ(AskGa(ga::Operation::kHangUp, call)->status, 204);
  EXPECT_EQ(receiver_.WaitForGa(ga::EventType::kCallDisconnected)
                .result.value_or(ga::ResultInformation())
                .subcode,
            7000);

  const auto gone = AskGa(ga::Operation::kGetCall, call);
  EXPECT_EQ(gone->status, 404);
  EXPECT_EQ(ga::DecodeError(gone->body).code, "8522");
  Stop();
  EXPECT_EQ(ReadLedger(ledger_)->calls.at(0).attempt, (AttemptKey{CampaignId(5), AttemptId(6)}));
}

TEST_F(CallServerTest, GaRefusesInItsOwnShape) {
  options_.access_key = Secret(kAccessKey);
  Start();
  const auto unsigned_one = client_->Post(ga::Path({}), "{}", "application/json");
  EXPECT_EQ(unsigned_one->status, 401);
  EXPECT_EQ(ga::DecodeError(unsigned_one->body).code, "Unauthorized");
  EXPECT_NE(unsigned_one->body.find(R"({"error":)"), std::string::npos);

  const auto unfit = Post(ga::Path({}), "{}");
  EXPECT_EQ(unfit->status, 400);
  EXPECT_EQ(ga::DecodeError(unfit->body).code, "8523");
  EXPECT_EQ(Post("/calling/callConnections/x:dance", "")->status, 404);
}

TEST_F(CallServerTest, AnyApiVersionOfGaIsServed) {
  Start();
  const std::string body =
      Encode(ga::CreateCallRequest{.targets = {wire::Identifier::PhoneNumber("+15555550100")},
                                   .callback_uri = receiver_.Url("/callbacks/1/2"),
                                   .caller_number = "+18005550100"});
  for (const char* query : {"", "?api-version=2023-03-06", "?api-version=2099-01-01-preview"}) {
    EXPECT_EQ(Post("/calling/callConnections" + std::string(query), body)->status, 201) << query;
  }
}

TEST_F(CallServerTest, ARepeatedRequestPlacesNoSecondCall) {
  options_.faults[Fault::kErrorAfter] = {.every = 2};
  Start();
  const httplib::Headers one = {{"Repeatability-Request-ID", "a"}};
  const httplib::Headers other = {{"Repeatability-Request-ID", "b"}};
  const std::string call = CreatedGa(CreateGa(one));
  EXPECT_EQ(CreateGa(other)->status, 500);  // And yet it rings.
  const std::string second = CreatedGa(CreateGa(other));
  EXPECT_NE(call, second);
  EXPECT_EQ(CreateGa(one)->status, 500);
  EXPECT_EQ(CreatedGa(CreateGa(one)), call);

  Stop();
  const LedgerAudit audit = AuditIt();
  EXPECT_EQ(audit.create_requests, 5);
  EXPECT_EQ(audit.calls, 2);
}

TEST_F(CallServerTest, CallbacksOfGaAloneAreSigned) {
  Start();
  CreatedGa(CreateGa());
  receiver_.WaitForGa(ga::EventType::kCallConnected);
  const auto configuration =
      client_->Get(std::string("/calling/.well-known/acsopenidconfiguration"));
  EXPECT_NE(configuration->body.find("/calling/keys"), std::string::npos);
  const auto keys = wire::TokenKeys::Parse(client_->Get("/calling/keys")->body);
  ASSERT_TRUE(keys.ok()) << keys.status();
  const std::string authorization = receiver_.authorizations().at(0);
  ASSERT_TRUE(authorization.starts_with("Bearer "));
  EXPECT_EQ(keys->Verify(authorization.substr(7), options_.callback_issuer, options_.resource_id,
                         SystemClock().Now()),
            wire::TokenVerdict::kGood);

  const std::size_t of_ga = receiver_.authorizations().size();
  CreatedLeg(Create("+15555550101"));
  receiver_.WaitForState(wire::CallState::kEstablishing);
  const std::vector<std::string> all = receiver_.authorizations();
  EXPECT_NE(std::count(all.begin() + static_cast<std::ptrdiff_t>(of_ga), all.end(), ""), 0);
}

TEST_F(CallServerTest, ACallIsKnownInTheWordsItWasCreatedInAlone) {
  Start();
  const std::string leg = CreatedLeg(Create());
  const std::string call = CreatedGa(CreateGa());

  EXPECT_EQ(AskGa(ga::Operation::kGetCall, leg)->status, 404);
  EXPECT_EQ(AskGa(ga::Operation::kTerminate, leg)->status, 404);
  EXPECT_EQ(Post(wire::HangUpPath(Dialect::k2021_05, call), "")->status, 404);
  EXPECT_EQ(Post(wire::HangUpPath(Dialect::k2021_04, leg), "")->status, 202);
}

TEST_F(CallServerTest, PartiesAreInvitedAndRemovedIn2021) {
  Start();
  auto create = wire::CreateCallRequest{.targets = {wire::Identifier::PhoneNumber("+15555550100")},
                                        .callback_uri = receiver_.Url("/callbacks/1/2"),
                                        .wants_participants_updated = true};
  const std::string leg =
      CreatedLeg(Post(wire::CreateCallPath(Dialect::k2021_05), wire::Encode(create)));
  const auto conversation_of = [](const std::vector<wire::Event>& events) {
    for (const wire::Event& event : events) {
      const auto* change = std::get_if<wire::CallStateChanged>(&event.body);
      if (change != nullptr && !change->conversation_id.empty()) return change->conversation_id;
    }
    return std::string();
  };
  const std::string conversation =
      conversation_of(receiver_.WaitForState(wire::CallState::kEstablished));
  const std::string invite = wire::Encode(wire::InviteParticipantsRequest{
      .participants = {wire::Identifier::CommunicationUser("8:acs:r_u")},
      .operation_context = "i"});
  EXPECT_EQ(Post(wire::InviteToConversationPath(conversation), invite)->status, 202);
  // Establishing, Established, roster; then the result and a roster of two.
  const auto events = receiver_.WaitFor(5);
  EXPECT_EQ(std::get<wire::InviteParticipantResult>(events[3].body).operation_context, "i");
  const auto& roster = std::get<wire::ParticipantsUpdated>(events[4].body);
  ASSERT_EQ(roster.participants.size(), 2U);

  const std::string guest = roster.participants[1].participant_id;
  const std::string path = wire::RemoveParticipantPath(Dialect::k2021_05, leg, guest);
  EXPECT_EQ(client_->Delete(path)->status, 202);
  EXPECT_EQ(client_->Delete(path)->status, 404);
  EXPECT_EQ(std::get<wire::ParticipantsUpdated>(receiver_.WaitFor(6)[5].body).participants.size(),
            1U);
  EXPECT_EQ(
      Post(wire::CancelMediaPath(Dialect::k2021_05, leg, wire::Edition::kSwagger), "")->status,
      200);
  EXPECT_EQ(client_->Delete(wire::DeleteCallPath(Dialect::k2021_05, leg))->status, 202);
}

TEST_F(CallServerTest, AHangingRequestEndsWithTheServer) {
  options_.faults[Fault::kNoAnswer] = {.every = 1};
  options_.faults.hang = absl::Hours(1);
  Start();
  std::thread caller([this] { Create(); });
  receiver_.WaitForState(wire::CallState::kEstablishing);

  server_->Stop();
  caller.join();
  EXPECT_EQ(AuditIt().create_answers.at(0), 1);
}

TEST_F(CallServerTest, AStopEndsTheLiveCalls) {
  options_.time_scale = 1;
  Start();
  CreatedLeg(Create());
  Stop();
  Start();

  const auto reading = ReadLedger(ledger_);
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->calls.at(0).outcome, "server_ended");
  EXPECT_EQ(reading->server_starts, 2);
}

// Every number's second attempt meets a busy line, if the server knows that it
// is the second.
TEST_F(CallServerTest, GoesOnWithThePopulationWhereTheLedgerEnds) {
  options_.population.reachability = {
      .at_once = 0, .sometimes = 1, .answer_probability = 0.5, .sometimes_busy = 1};
  std::vector<std::string> numbers;
  for (int i = 100; numbers.size() < 10; ++i) {
    const std::string number = "+15555550" + std::to_string(i);
    const auto answers = [&](std::uint32_t attempt) {
      return Answers(
          PlanCall(options_.population, options_.seed, number, {.attempt = attempt}).far_end);
    };
    if (answers(0) && !answers(1)) numbers.push_back(number);
  }
  Start();
  for (const std::string& number : numbers) CreatedLeg(Create(number));
  Stop();
  Start();
  for (const std::string& number : numbers) CreatedLeg(Create(number));
  while (server_->stats().live_calls > 0) {
    SystemClock().SleepUntil(SystemClock().Steady() + std::chrono::milliseconds(5), {});
  }
  Stop();

  const std::map<std::string, std::int64_t> outcomes = AuditIt().outcomes;
  EXPECT_EQ(outcomes.at("server_ended"), 10);
  EXPECT_EQ(outcomes.at("busy"), 10);
}

// For the sanitizers: everything may be under way when it stops.
TEST_F(CallServerTest, StopsInTheMiddleOfManyCalls) {
  options_.time_scale = 2'000;
  options_.ledger_path.clear();
  for (int round = 0; round < 5; ++round) {
    Start();
    for (int i = 0; i < 40; ++i) CreatedLeg(Create("+1555555" + std::to_string(1'000 + i)));
    Stop();
    EXPECT_EQ(server_->stats().creates, 40);
  }
}

TEST_F(CallServerTest, BadOptionsAreRefused) {
  options_.time_scale = 0;
  EXPECT_EQ(CallServer::Start(options_, SystemClock()).status().code(),
            absl::StatusCode::kInvalidArgument);
  options_.time_scale = 1;
  options_.access_key = Secret("not base64!");
  EXPECT_EQ(CallServer::Start(options_, SystemClock()).status().code(),
            absl::StatusCode::kInvalidArgument);
  options_.access_key = Secret();
  options_.ledger_path = "/nonexistent/ledger";
  EXPECT_EQ(CallServer::Start(options_, SystemClock()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace tocsin::callserver
