#include "dialer/action_sender.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/idle_dial_store.h"
#include "tests/support/scripted_server.h"
#include "wire/calls_2021.h"

namespace tocsin::dialer {
namespace {

using Then = ScriptedServer::Then;
using Reaction = ScriptedServer::Reaction;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kCall[] = "leg-1";

AttemptKey Key(std::int64_t attempt) {
  return {CampaignId(1), AttemptId(attempt)};
}

LiveCall CallOf(const AttemptKey& attempt) {
  return {attempt, TrunkId(5), kCall, *PhoneNumber::Parse("+14255550123"),
          *PhoneNumber::Parse("+18005550100")};
}

// One trunk, one campaign.
class OneTrunkStore final : public IdleDialStore {
 public:
  absl::StatusOr<std::vector<Trunk>> ListTrunks() override {
    Trunk trunk;
    trunk.id = TrunkId(5);
    trunk.endpoint = endpoint;
    trunk.dialect = dialect;
    trunk.cognitive_services_endpoint = cognitive_services_endpoint;
    return std::vector{trunk};
  }
  absl::StatusOr<Campaign> GetCampaign(CampaignId id) override {
    ++campaigns_asked;
    Campaign campaign;
    campaign.id = id;
    if (id == CampaignId(1)) campaign.spec.flow.audio_uri = "http://127.0.0.1:1/hello.wav";
    if (id == CampaignId(2)) campaign.spec.flow.prompt = PromptId(3);
    campaign.spec.synthetic = id == CampaignId(3);
    if (id == CampaignId(3)) {
      campaign.spec.flow.operator_line = OperatorLine{*PhoneNumber::Parse("+12025550177"), "US"};
    }
    if (id == CampaignId(4)) {
      campaign.spec.flow.operator_line = OperatorLine{*PhoneNumber::Parse("+19004561111"), "US"};
    }
    return campaign;
  }
  absl::StatusOr<Prompt> GetPrompt(PromptId id) override {
    return Prompt{id, "secret.wav", "", absl::Seconds(1)};
  }

  absl::StatusOr<SpokenMessage> GetText(CampaignId, TextId id) override {
    ++texts_asked;
    if (id != TextId(77)) return absl::NotFoundError("no such text");
    return SpokenMessage{"es", MessageText("Hola Maria")};
  }

  std::string endpoint;
  std::string cognitive_services_endpoint;
  std::atomic<int> texts_asked{0};
  Dialect dialect = Dialect::kPreview202105;
  std::atomic<int> campaigns_asked{0};
};

// Keeps what it is told.
class Facts final : public FactSink {
 public:
  double Strain(TrunkId) const override { return 0; }
  void Record(AttemptInput input) override {
    const std::lock_guard lock(mutex_);
    inputs_.push_back(std::move(input));
    came_.notify_all();
  }
  void RecordAll(std::vector<AttemptInput> inputs) override {
    for (AttemptInput& input : inputs) Record(std::move(input));
  }
  std::vector<AttemptInput> WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return inputs_.size() >= count; });
    return inputs_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<AttemptInput> inputs_;
};

class ActionSenderTest : public testing::Test {
 protected:
  // Serves what `react` says to everything but HEAD.
  void Serve(std::function<Reaction(std::string_view)> react) {
    server_ = std::make_unique<ScriptedServer>([react](std::string_view request) {
      if (request.starts_with("HEAD")) return Reaction{ScriptedServer::Answer(200, "")};
      return react(request);
    });
    store_.endpoint = server_->endpoint();
    sender_ = std::make_unique<ActionSender>(
        ActionSender::Options{.workers = 4,
                              .tries_max = 3,
                              .backoff_min = absl::Milliseconds(1),
                              .prompt_base_url = "http://127.0.0.1:2",
                              .texts = &texts_},
        store_, pool_, credentials_, facts_, SystemClock());
  }
  void Serve(Reaction reaction) {
    Serve([reaction](std::string_view) { return reaction; });
  }
  Fact OnlyFact() { return *facts_.WaitFor(1).at(0).fact; }

  OneTrunkStore store_;
  TextPrompts texts_{{{"k1", Secret("a secret of at least sixteen bytes")}},
                     store_,
                     [](const SpokenMessage&) { return absl::UnavailableError("silent"); }};
  Facts facts_;
  std::unique_ptr<ScriptedServer> server_;
  ConnectionPool pool_{
      {.timeouts = {.connect = absl::Milliseconds(300), .read = absl::Milliseconds(300)}},
      SystemClock()};
  Credentials credentials_{nullptr, SystemClock()};
  std::unique_ptr<ActionSender> sender_;
};

TEST_F(ActionSenderTest, APlaySaysWhatAndComesBackWithItsOrdinal) {
  Serve({ScriptedServer::Answer(202, "{}")});
  sender_->CarryOut(CallOf(Key(1)), {{1, ActionKind::kPlay}});
  const Fact fact = OnlyFact();
  EXPECT_EQ(fact.kind, FactKind::kActionAccepted);
  EXPECT_EQ(fact.number, 1);
  EXPECT_EQ(fact.key, OwnFactKey(FactKind::kActionAccepted, 1));
  EXPECT_LE(fact.at, fact.received_at);

  const std::string request = server_->LastRequest("POST");
  EXPECT_THAT(request, HasSubstr("/calls/leg-1/PlayAudio"));
  const auto play =
      wire::DecodePlayAudioRequest(std::string_view(request).substr(request.find("\r\n\r\n") + 4));
  ASSERT_TRUE(play.ok());
  EXPECT_EQ(play->audio_file_uri, "http://127.0.0.1:1/hello.wav");
  EXPECT_EQ(play->operation_context, "1");
  EXPECT_EQ(play->resource_id.size(), 36U);
}

TEST_F(ActionSenderTest, ARecordingOfOursIsFetchedFromUs) {
  Serve({ScriptedServer::Answer(202, "{}")});
  sender_->CarryOut(CallOf({CampaignId(2), AttemptId(1)}), {{1, ActionKind::kPlay}});
  OnlyFact();
  EXPECT_THAT(server_->LastRequest("POST"), HasSubstr("http://127.0.0.1:2/prompts/secret.wav"));
}

TEST_F(ActionSenderTest, ACampaignWithoutARecordingIsARefusedPlay) {
  Serve({ScriptedServer::Answer(202, "{}")});
  sender_->CarryOut(CallOf({CampaignId(9), AttemptId(1)}), {{1, ActionKind::kPlay}});
  EXPECT_EQ(OnlyFact().kind, FactKind::kActionRefused);
}

TEST_F(ActionSenderTest, ActionsOfOneCallKeepTheirOrder) {
  std::mutex mutex;
  std::vector<std::string> paths;
  Serve([&](std::string_view request) {
    const std::lock_guard lock(mutex);
    paths.emplace_back(request.substr(0, request.find('?')));
    return Reaction{ScriptedServer::Answer(202, "{}")};
  });
  sender_->CarryOut(CallOf(Key(1)), {{1, ActionKind::kPlay},
                                     {51, ActionKind::kCancelMedia},
                                     {2, ActionKind::kPlay},
                                     {101, ActionKind::kHangUp}});
  facts_.WaitFor(4);
  EXPECT_THAT(paths, ElementsAre(HasSubstr("PlayAudio"), HasSubstr("CancelMedia"),
                                 HasSubstr("PlayAudio"), HasSubstr("Hangup")));
}

TEST_F(ActionSenderTest, InGaKeysAreListenedForBeforeTheFirstCopyAndOnlyThen) {
  std::mutex mutex;
  std::vector<std::string> paths;
  Serve([&](std::string_view request) {
    const std::lock_guard lock(mutex);
    paths.emplace_back(request.substr(0, request.find('?')));
    return Reaction{ScriptedServer::Answer(200, "")};
  });
  store_.dialect = Dialect::kGa;
  sender_->CarryOut(CallOf(Key(1)), {{1, ActionKind::kPlay}, {2, ActionKind::kPlay}});
  facts_.WaitFor(2);
  EXPECT_THAT(paths, ElementsAre(HasSubstr(":startContinuousDtmf"), HasSubstr(":play"),
                                 HasSubstr(":play")));
}

TEST_F(ActionSenderTest, AMessageIsPlayedAlsoWhereKeysAreNotHeard) {
  Serve([](std::string_view request) {
    const bool listen = request.find("ContinuousDtmf") != std::string_view::npos;
    return Reaction{ScriptedServer::Answer(
        listen ? 400 : 202, listen ? R"({"error":{"code":"8523","message":"no"}})" : "")};
  });
  store_.dialect = Dialect::kGa;
  sender_->CarryOut(CallOf(Key(1)), {{1, ActionKind::kPlay}});
  const Fact fact = OnlyFact();
  EXPECT_EQ(fact.kind, FactKind::kActionAccepted);
  EXPECT_EQ(fact.text, "keys are not heard: 400 8523: no");
  EXPECT_EQ(sender_->counters().deaf, 1U);
}

TEST_F(ActionSenderTest, WhetherKeysAreHeardIsAskedAgainUntilItIsClear) {
  std::atomic<int> listens{0};
  Serve([&](std::string_view request) {
    const bool listen = request.find("ContinuousDtmf") != std::string_view::npos;
    if (listen && ++listens == 1) return Reaction{"", Then::kClose};
    return Reaction{ScriptedServer::Answer(202, "")};
  });
  store_.dialect = Dialect::kGa;
  sender_->CarryOut(CallOf(Key(1)), {{1, ActionKind::kPlay}});
  EXPECT_EQ(OnlyFact().kind, FactKind::kActionAccepted);
  EXPECT_EQ(listens, 2);
  EXPECT_EQ(server_->Requests("POST"), 3);
}

TEST_F(ActionSenderTest, ARefusalSaysWhy) {
  Serve({ScriptedServer::Answer(404, R"({"code":"8522","message":"Call not found"})")});
  sender_->CarryOut(CallOf(Key(1)), {{101, ActionKind::kHangUp}});
  const Fact fact = OnlyFact();
  EXPECT_EQ(fact.kind, FactKind::kActionRefused);
  EXPECT_EQ(fact.code, 404);
  EXPECT_EQ(fact.subcode, 8522);
  EXPECT_EQ(fact.text, "8522: Call not found");
}

TEST_F(ActionSenderTest, WhatGotNoClearAnswerIsTriedAgain) {
  std::atomic<int> posts{0};
  Serve([&](std::string_view) {
    switch (++posts) {
      case 1: return Reaction{ScriptedServer::Answer(500, "")};
      case 2: return Reaction{"", Then::kClose};
      default: return Reaction{ScriptedServer::Answer(202, "{}")};
    }
  });
  sender_->CarryOut(CallOf(Key(1)), {{101, ActionKind::kHangUp}});
  EXPECT_EQ(OnlyFact().kind, FactKind::kActionAccepted);
  EXPECT_EQ(posts, 3);
}

TEST_F(ActionSenderTest, AfterSomeTriesItIsLeftToTheSweeperAndTheNextGoesOn) {
  Serve([](std::string_view request) {
    const bool hang_up = request.find("Hangup") != std::string_view::npos;
    return Reaction{ScriptedServer::Answer(hang_up ? 202 : 500, "")};
  });
  sender_->CarryOut(CallOf(Key(1)), {{51, ActionKind::kCancelMedia}, {101, ActionKind::kHangUp}});
  EXPECT_EQ(OnlyFact().number, 101);
  EXPECT_EQ(sender_->counters().left_to_sweeper, 1U);
  EXPECT_EQ(server_->Requests("POST"), 4);
}

TEST_F(ActionSenderTest, AnActionThatStillWaitsIsNotSentTwice) {
  std::mutex gate;
  gate.lock();
  Serve([&](std::string_view) {
    const std::lock_guard wait(gate);
    return Reaction{ScriptedServer::Answer(202, "{}")};
  });
  for (int i = 0; i < 5; ++i) {
    sender_->CarryOut(CallOf(Key(1)), {{1, ActionKind::kPlay}, {101, ActionKind::kHangUp}});
  }
  gate.unlock();
  facts_.WaitFor(2);
  sender_->Stop();
  EXPECT_EQ(server_->Requests("POST"), 2);
}

TEST_F(ActionSenderTest, StoppingWithActionsWaitingDoesNotHang) {
  Serve({"", Then::kHold});
  for (int i = 0; i < 100; ++i) {
    sender_->CarryOut(CallOf(Key(i)), {{101, ActionKind::kHangUp}});
  }
  sender_->Stop();
  sender_->CarryOut(CallOf(Key(1)), {{1, ActionKind::kPlay}});
}

// Campaign 3 has an operator, campaign 4 one who must not be rung.
const std::vector<Action> kTransfer = {{71, ActionKind::kTransfer}};

LiveCall CallWithOperator(std::int64_t campaign) {
  return CallOf({CampaignId(campaign), AttemptId(1)});
}

TEST_F(ActionSenderTest, In2021AnOperatorIsInvitedAndTheCallLeft) {
  std::string request;
  Serve([&](std::string_view text) {
    if (text.find("/participants") != std::string_view::npos) request = text;
    return Reaction{ScriptedServer::Answer(202, "")};
  });
  sender_->CarryOut(CallWithOperator(3), {kTransfer[0], {101, ActionKind::kLeave}});
  EXPECT_EQ(facts_.WaitFor(2).at(0).fact->number, 71);

  EXPECT_THAT(request, HasSubstr("/calls/leg-1/participants"));
  const auto invite = wire::DecodeInviteParticipantsRequest(
      std::string_view(request).substr(request.find("\r\n\r\n") + 4));
  ASSERT_TRUE(invite.ok());
  EXPECT_EQ(invite->participants.at(0).value, "+12025550177");
  EXPECT_EQ(invite->caller_number, "+18005550100");
  EXPECT_EQ(invite->operation_context, "71");
  EXPECT_THAT(server_->LastRequest("POST"), HasSubstr("/Hangup"));
}

TEST_F(ActionSenderTest, InGaTheCallIsHandedOver) {
  Serve({ScriptedServer::Answer(202, "{}")});
  store_.dialect = Dialect::kGa;
  sender_->CarryOut(CallWithOperator(3), kTransfer);
  EXPECT_EQ(OnlyFact().kind, FactKind::kActionAccepted);
  const std::string request = server_->LastRequest("POST");
  EXPECT_THAT(request, HasSubstr("/leg-1:transferToParticipant"));
  EXPECT_THAT(request, HasSubstr("+12025550177"));
  EXPECT_THAT(request, HasSubstr("Repeatability-Request-ID"));
}

TEST_F(ActionSenderTest, WhomDialGuardRefusesIsNotRung) {
  Serve({ScriptedServer::Answer(202, "")});
  sender_->CarryOut(CallWithOperator(4), kTransfer);
  const Fact fact = OnlyFact();
  EXPECT_EQ(fact.kind, FactKind::kActionRefused);
  EXPECT_EQ(fact.number, 71);
  EXPECT_THAT(fact.text, HasSubstr("guard: premium-rate number"));
  EXPECT_EQ(server_->Requests("POST"), 0);
}

TEST_F(ActionSenderTest, ATransferWithoutAnAnswerIsNotRepeatedWhereThatRingsTwice) {
  Serve([](std::string_view request) {
    const bool transfer = request.find("Hangup") == std::string_view::npos;
    return transfer ? Reaction{"", Then::kClose} : Reaction{ScriptedServer::Answer(202, "")};
  });
  sender_->CarryOut(CallWithOperator(3), {kTransfer[0], {101, ActionKind::kLeave}});
  EXPECT_EQ(OnlyFact().number, 101);
  EXPECT_EQ(server_->Requests("POST"), 2);
}

TEST_F(ActionSenderTest, InGaATransferWithoutAnAnswerIsAskedForAgainUnderItsId) {
  std::mutex mutex;
  std::vector<std::string> ids;
  Serve([&](std::string_view request) {
    const std::lock_guard lock(mutex);
    const std::size_t at = request.find("Repeatability-Request-ID: ");
    ids.emplace_back(request.substr(at, request.find("\r\n", at) - at));
    return ids.size() == 1 ? Reaction{ScriptedServer::Answer(500, "")}
                           : Reaction{ScriptedServer::Answer(202, "{}")};
  });
  store_.dialect = Dialect::kGa;
  sender_->CarryOut(CallWithOperator(3), kTransfer);
  EXPECT_EQ(OnlyFact().kind, FactKind::kActionAccepted);
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0], ids[1]);
}

TEST_F(ActionSenderTest, ATransferThatNobodyTookFailsAtLast) {
  Serve({ScriptedServer::Answer(429, "")});
  sender_->CarryOut(CallWithOperator(3), kTransfer);
  const Fact fact = OnlyFact();
  EXPECT_EQ(fact.kind, FactKind::kActionRefused);
  EXPECT_EQ(fact.number, 71);
  EXPECT_EQ(server_->Requests("POST"), 3);
}

// What is said to one person, of campaign 1.
LiveCall CallWithText() {
  LiveCall call = CallOf(Key(1));
  call.text = TextId(77);
  return call;
}

TEST_F(ActionSenderTest, ATextIsRenderedByUsWhereTheProviderDoesNotSpeak) {
  Serve({ScriptedServer::Answer(202, "{}")});
  for (const Dialect dialect : {Dialect::kPreview202105, Dialect::kGa}) {
    store_.dialect = dialect;
    Serve({ScriptedServer::Answer(202, "{}")});
    const std::size_t before = facts_.WaitFor(0).size();
    sender_->CarryOut(CallWithText(), {{1, ActionKind::kPlay}});
    EXPECT_EQ(facts_.WaitFor(before + 1).back().fact->kind, FactKind::kActionAccepted);
    const std::string request = server_->LastRequest("POST");
    EXPECT_THAT(request, HasSubstr("http://127.0.0.1:2/prompts/" +
                                   texts_.NameOf(CampaignId(1), TextId(77))));
    EXPECT_THAT(request, testing::Not(HasSubstr("Maria")));
  }
  EXPECT_EQ(store_.texts_asked, 0) << "the words are asked for when they are fetched";
}

TEST_F(ActionSenderTest, InGaAProviderThatSpeaksIsGivenTheWords) {
  Serve({ScriptedServer::Answer(202, "{}")});
  store_.dialect = Dialect::kGa;
  store_.cognitive_services_endpoint = "https://speech.example.com/";
  sender_->CarryOut(CallWithText(), {{1, ActionKind::kPlay}, {2, ActionKind::kPlay}});
  facts_.WaitFor(2);
  const std::string request = server_->LastRequest("POST");
  EXPECT_THAT(request, HasSubstr(R"("text":"Hola Maria")"));
  EXPECT_THAT(request, HasSubstr(R"("sourceLocale":"es-ES")"));
  EXPECT_EQ(store_.texts_asked, 1);
}

TEST_F(ActionSenderTest, ATextThatIsGoneIsAPlayThatFailed) {
  Serve({ScriptedServer::Answer(202, "{}")});
  store_.dialect = Dialect::kGa;
  store_.cognitive_services_endpoint = "https://speech.example.com/";
  LiveCall call = CallWithText();
  call.text = TextId(78);
  sender_->CarryOut(call, {{1, ActionKind::kPlay}});
  EXPECT_EQ(OnlyFact().kind, FactKind::kActionRefused);
  EXPECT_EQ(OnlyFact().text, "the text is gone");
}

}  // namespace
}  // namespace tocsin::dialer
