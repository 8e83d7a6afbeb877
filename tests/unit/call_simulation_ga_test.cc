#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "callserver/call_simulation.h"
#include "fmt/format.h"

namespace tocsin::callserver {
namespace {

namespace ga = wire::ga;
using testing::ElementsAre;
using testing::IsEmpty;
using wire::Identifier;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
constexpr char kNumber[] = "+15555550100";
constexpr char kCallback[] = "http://h/callbacks/1/2?s=x";
const Identifier kPerson = Identifier::PhoneNumber(kNumber);
const Identifier kDesk = Identifier::PhoneNumber("+15555550199");
const Identifier kUser = Identifier::CommunicationUser("8:acs:r_u");

// Everybody answers after 9 s, and presses 1 exactly 3 s after the instruction,
// which stands at 80 % of the audio.
PopulationParameters EverybodyPressesOne() {
  PopulationParameters population = DefaultPopulation();
  population.reachability.at_once = 1;
  population.reachability.sometimes = 0;
  population.answers.machine = population.answers.fax = 0;
  population.rings.human_late_share = 0;
  population.rings.human_p95_s = population.rings.human_median_s;
  population.human.leaves_early_share = 0;
  population.human.presses_share = 1;
  population.human.key_9 = population.human.key_0 = population.human.key_other = 0;
  population.human.presses_early_share = 0;
  population.human.press_p95_s = population.human.press_median_s;
  population.human.patience_s = 10'000;
  population.provider.setup_s = 1;
  population.provider.caller_number_calls_max = 0;
  return population;
}

PopulationParameters NobodyAnswers() {
  PopulationParameters population = EverybodyPressesOne();
  population.reachability.at_once = 0;
  population.silence.dead = population.silence.unreachable = population.silence.declined = 0;
  return population;
}

std::string Describe(const wire::Event& event) {
  const auto& call = std::get<ga::CallEvent>(event.body);
  std::string text(ga::Name(call.type));
  if (!call.operation_context.empty()) text += " " + call.operation_context;
  if (call.result) text += fmt::format(" {}/{}", call.result->code, call.result->subcode);
  if (const auto* tone = std::get_if<ga::ToneReceived>(&call.detail)) {
    text += fmt::format(" {}#{}", tone->tone, tone->sequence_id);
  }
  if (const auto* keys = std::get_if<ga::Recognized>(&call.detail)) text += " " + keys->tones;
  if (const auto* roster = std::get_if<ga::Roster>(&call.detail)) {
    text += fmt::format(" {}", roster->participants.size());
  }
  return text;
}

// A simulation with its own time, and all that it said.
class World {
 public:
  explicit World(const PopulationParameters& population)
      : simulation_({.population = population, .seed = 1, .id_seed = 2}) {}

  std::string Create(const std::string& number = kNumber) {
    Step(input::CreateCall{.dialect = wire::Dialect::kGa,
                           .number = number,
                           .caller_number = "+1800",
                           .callback_uri = kCallback,
                           .operation_context = "call",
                           .can_speak = true,
                           .arrived_at = now_});
    return std::get<ga::CallConnectionProperties>(answer_).call_connection_id;
  }

  // A call that has just been answered; what it said so far is forgotten.
  std::string Connected() {
    std::string call = Create();
    Pass(absl::Seconds(10));
    EXPECT_THAT(Told(), ElementsAre("CallConnected call", "ParticipantsUpdated 1"));
    return call;
  }

  template <class Input>
  void Ask(const std::string& call, Input input) {
    input.call_leg_id = call;
    Step(std::move(input));
  }

  void Play(const std::string& call, double seconds, bool interrupts = false) {
    Ask(call, input::Play{.request = {.interrupts = interrupts, .echo = {"play", ""}},
                          .prompts = {Audio(seconds)}});
  }

  void Recognize(const std::string& call, ga::RecognizeRequest request,
                 std::vector<input::Prompt> prompts) {
    request.target = kPerson;
    request.echo.context = "rec";
    Ask(call, input::Recognize{.request = std::move(request), .prompts = std::move(prompts)});
  }

  static input::Prompt Audio(double seconds) {
    return {.key = "k", .audio = AudioFile{.length = absl::Seconds(seconds)}};
  }

  void Step(const SimulationInput& happened) {
    Effects effects = simulation_.Step(now_, happened);
    answer_ = std::move(effects.answer);
    wanted_ = std::move(effects.audio_wanted);
    for (const Callback& callback : effects.callbacks) {
      told_.push_back(Describe(callback.event));
      EXPECT_FALSE(callback.event.id.empty());
      if (callback.callback_uri != kCallback) told_.back() += " at " + callback.callback_uri;
      // Whatever it says can be read.
      EXPECT_EQ(wire::DecodeEvents(wire::EncodeEvent(callback.event))->at(0).body,
                callback.event.body);
    }
    for (LedgerLine& line : effects.ledger) ledger_.push_back(std::move(line));
  }

  void Pass(absl::Duration time) {
    const absl::Time until = now_ + time;
    while (simulation_.next_wake() <= until) {
      now_ = std::max(now_, simulation_.next_wake());
      Step(input::Tick());
    }
    now_ = until;
    Step(input::Tick());
  }

  // What it said since it was last asked.
  std::vector<std::string> Told() { return std::exchange(told_, {}); }

  const Answer& answer() const { return answer_; }
  std::string Refused() const {
    const auto* refusal = std::get_if<Refusal>(&answer_);
    return refusal == nullptr ? "" : fmt::format("{}/{}", refusal->status, refusal->error.code);
  }
  const std::vector<WantedAudio>& wanted() const { return wanted_; }
  std::size_t live_calls() const { return simulation_.live_calls(); }

  CallEnded LastEnd() const {
    for (auto line = ledger_.rbegin(); line != ledger_.rend(); ++line) {
      if (const auto* ended = std::get_if<CallEnded>(&line->entry)) return *ended;
    }
    return {};
  }

 private:
  CallSimulation simulation_;
  absl::Time now_ = kStart;
  Answer answer_;
  std::vector<WantedAudio> wanted_;
  std::vector<std::string> told_;
  std::vector<LedgerLine> ledger_;
};

TEST(CallSimulationGa, ACallFromItsCreationToItsEnd) {
  World world(EverybodyPressesOne());
  const std::string call = world.Create();
  const auto created = std::get<ga::CallConnectionProperties>(world.answer());
  EXPECT_EQ(created.state, ga::CallState::kConnecting);
  EXPECT_FALSE(created.server_call_id.empty());
  EXPECT_THAT(created.targets, ElementsAre(kPerson));

  world.Pass(absl::Seconds(10));
  world.Ask(call, input::GetCall{});
  EXPECT_EQ(std::get<ga::CallConnectionProperties>(world.answer()).state,
            ga::CallState::kConnected);
  world.Play(call, 10);
  world.Pass(absl::Seconds(60));

  EXPECT_THAT(world.Told(),
              ElementsAre("CallConnected call", "ParticipantsUpdated 1", "PlayStarted play 200/0",
                          "PlayCompleted play 200/0", "CallDisconnected call 0/560000"));
  EXPECT_EQ(world.live_calls(), 0U);
  world.Ask(call, input::GetCall{});
  EXPECT_EQ(world.Refused(), "404/8522");
}

TEST(CallSimulationGa, AnUnansweredCallSaysWhy) {
  PopulationParameters nobody = NobodyAnswers();
  World silent(nobody);
  silent.Create();
  silent.Pass(absl::Seconds(200));
  EXPECT_THAT(silent.Told(),
              ElementsAre("CreateCallFailed call 487/10004", "CallDisconnected call 487/10004"));

  nobody.silence.dead = 1;
  nobody.silence.dead_announcement = 0;
  World dead(nobody);
  dead.Create();
  dead.Pass(absl::Seconds(200));
  EXPECT_THAT(dead.Told(),
              ElementsAre("CreateCallFailed call 404/560404", "CallDisconnected call 404/560404"));

  nobody.silence.dead = 0;
  nobody.silence.declined = 1;
  World declined(nobody);
  declined.Create();
  declined.Pass(absl::Seconds(200));
  EXPECT_THAT(declined.Told(),
              ElementsAre("CreateCallFailed call 603/560603", "CallDisconnected call 603/560603"));
}

TEST(CallSimulationGa, ALineInUseIsBusy) {
  World world(EverybodyPressesOne());
  world.Connected();
  world.Create();
  world.Pass(absl::Seconds(10));

  EXPECT_THAT(world.Told(),
              ElementsAre("CreateCallFailed call 486/560486", "CallDisconnected call 486/560486"));
}

TEST(CallSimulationGa, LimitsAreAnsweredAsTheProviderDoes) {
  PopulationParameters population = EverybodyPressesOne();
  population.provider.caller_number_calls_max = 1;
  population.provider.calls_max = 2;
  World world(population);
  world.Create("+15555550001");
  world.Create("+15555550002");
  world.Step(input::CreateCall{.dialect = wire::Dialect::kGa, .number = "+15555550003"});
  EXPECT_EQ(world.Refused(), "429/8530");

  world.Pass(absl::Seconds(6));
  EXPECT_THAT(world.Told(),
              ElementsAre("CreateCallFailed call 603/560603", "CallDisconnected call 603/560603"));
}

TEST(CallSimulationGa, TheApplicationEndsACall) {
  World world(EverybodyPressesOne());
  const std::string ringing = world.Create();
  world.Step(input::HangUp{ringing, true});
  world.Pass(absl::Seconds(1));
  EXPECT_THAT(world.Told(),
              ElementsAre("CreateCallFailed call 487/560487", "CallDisconnected call 487/560487"));

  const std::string call = world.Connected();
  world.Play(call, 10);
  world.Ask(call, input::WatchTones{.request = {.target = kPerson, .echo = {"tones", ""}}});
  world.Step(input::HangUp{call, false});
  world.Pass(absl::Seconds(1));
  EXPECT_THAT(world.Told(), ElementsAre("PlayStarted play 200/0", "PlayCanceled play 400/8508",
                                        "ContinuousDtmfRecognitionStopped tones 200/0",
                                        "CallDisconnected call 200/7000"));
}

TEST(CallSimulationGa, OneMediaOperationAtATime) {
  World world(EverybodyPressesOne());
  const std::string ringing = world.Create();
  world.Play(ringing, 1);
  EXPECT_EQ(world.Refused(), "400/8501");
  world.Pass(absl::Seconds(10));
  world.Told();

  world.Play(ringing, 10);
  world.Play(ringing, 10);
  EXPECT_EQ(world.Refused(), "400/8500");
  world.Recognize(ringing, {}, {});
  EXPECT_EQ(world.Refused(), "412/8583");
  world.Play(ringing, 5, /*interrupts=*/true);
  EXPECT_EQ(world.Refused(), "");
  world.Ask(ringing, input::CancelMedia{});
  world.Ask(ringing, input::CancelMedia{});

  EXPECT_THAT(world.Told(), ElementsAre("PlayStarted play 200/0", "PlayCanceled play 400/8508",
                                        "PlayStarted play 200/0", "PlayCanceled play 400/8508"));
}

TEST(CallSimulationGa, SeveralSourcesArePlayedAsOne) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Ask(call, input::Play{.request = {.echo = {"play", "http://h/played"}},
                              .prompts = {World::Audio(3),
                                          {.key = "a", .uri = "http://h/a"},
                                          {.key = "b", .uri = "http://h/b"}}});
  EXPECT_THAT(world.wanted(),
              ElementsAre(WantedAudio{"a", "http://h/a"}, WantedAudio{"b", "http://h/b"}));
  world.Step(input::AudioFetched{"b", {.length = absl::Seconds(1)}});
  EXPECT_THAT(world.Told(), IsEmpty());
  world.Step(input::AudioFetched{"a", {.length = absl::Seconds(2)}});
  world.Pass(absl::Seconds(5.9));
  EXPECT_THAT(world.Told(), ElementsAre("PlayStarted play 200/0 at http://h/played"));
  world.Pass(absl::Seconds(0.1));
  EXPECT_THAT(world.Told(), ElementsAre("PlayCompleted play 200/0 at http://h/played"));
}

TEST(CallSimulationGa, AFailedSourceIsNamed) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  const input::Prompt broken{.key = "x", .audio = AudioFile{.failure = 8536, .message = "no file"}};
  world.Ask(call, input::Play{.prompts = {World::Audio(1), broken}});
  world.Recognize(call, {}, {broken});

  EXPECT_THAT(world.Told(), ElementsAre("PlayFailed 400/8536", "RecognizeFailed rec 500/8511"));
}

TEST(CallSimulationGa, NothingIsSpokenWithoutASpeechService) {
  World world(EverybodyPressesOne());
  world.Step(input::CreateCall{.dialect = wire::Dialect::kGa,
                               .number = kNumber,
                               .callback_uri = kCallback,
                               .arrived_at = kStart});
  const std::string call =
      std::get<ga::CallConnectionProperties>(world.answer()).call_connection_id;
  world.Pass(absl::Seconds(10));
  const ga::PlaySource text{.kind = ga::PlaySource::Kind::kText, .content = "Hello"};
  world.Ask(call, input::Play{.request = {.sources = {text}}, .prompts = {World::Audio(1)}});

  EXPECT_EQ(world.Refused(), "400/8567");
}

// The key comes 3 s after 80 % of the prompt.
TEST(CallSimulationGa, ARecognitionCollectsWhatIsPressedAfterThePrompt) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Recognize(call, {.initial_silence_s = 5, .tones_max = 1}, {World::Audio(10)});
  world.Pass(absl::Seconds(10.9));
  EXPECT_THAT(world.Told(), IsEmpty());
  world.Pass(absl::Seconds(0.1));

  EXPECT_THAT(world.Told(), ElementsAre("RecognizeCompleted rec 200/8531 1"));
}

TEST(CallSimulationGa, ARecognitionFailsOfSilence) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Recognize(call, {.initial_silence_s = 0, .tones_max = 1}, {World::Audio(10)});
  world.Pass(absl::Seconds(10));
  EXPECT_THAT(world.Told(), ElementsAre("RecognizeFailed rec 400/8510"));

  // No prompt: the silence counts from the request.
  world.Pass(absl::Seconds(1));
  world.Recognize(call, {.initial_silence_s = 2}, {});
  world.Pass(absl::Seconds(2));
  EXPECT_THAT(world.Told(), ElementsAre("RecognizeFailed rec 400/8510"));
}

TEST(CallSimulationGa, ARecognitionEndsBetweenTonesWithWhatItHas) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Recognize(call, {.initial_silence_s = 5, .inter_tone_s = 3, .tones_max = 4},
                  {World::Audio(10)});
  world.Pass(absl::Seconds(13.9));
  EXPECT_THAT(world.Told(), IsEmpty());
  world.Pass(absl::Seconds(0.1));

  EXPECT_THAT(world.Told(), ElementsAre("RecognizeCompleted rec 400/8532 1"));
}

TEST(CallSimulationGa, AStopToneEndsARecognition) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Recognize(call, {.tones_max = 4, .stop_tones = "#1"}, {World::Audio(10)});
  world.Pass(absl::Seconds(11));

  EXPECT_THAT(world.Told(), ElementsAre("RecognizeCompleted rec 200/8514 "));
}

TEST(CallSimulationGa, AKeyInterruptsThePromptIfItMay) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  // 80 % of 30 s, and 3 s: while the prompt is still being heard.
  world.Recognize(call, {.interrupt_prompt = true, .tones_max = 1}, {World::Audio(30)});
  world.Pass(absl::Seconds(27));
  EXPECT_THAT(world.Told(), ElementsAre("RecognizeCompleted rec 200/8531 1"));

  World deaf(EverybodyPressesOne());
  const std::string other = deaf.Connected();
  deaf.Recognize(other, {.initial_silence_s = 1, .tones_max = 1}, {World::Audio(30)});
  deaf.Pass(absl::Seconds(31));
  EXPECT_THAT(deaf.Told(), ElementsAre("RecognizeFailed rec 400/8510"));
}

TEST(CallSimulationGa, ARecognitionIsCancelled) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Recognize(call, {}, {World::Audio(10)});
  world.Ask(call, input::CancelMedia{});

  EXPECT_THAT(world.Told(), ElementsAre("RecognizeCanceled rec 400/8508"));
}

TEST(CallSimulationGa, TonesAreToldToWhoWatches) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Ask(call, input::WatchTones{.request = {.target = kDesk}});
  EXPECT_EQ(world.Refused(), "404/8522");
  world.Ask(call, input::WatchTones{.request = {.target = kPerson, .echo = {"tones", ""}}});
  world.Play(call, 10);
  world.Pass(absl::Seconds(11));
  EXPECT_THAT(world.Told(), ElementsAre("PlayStarted play 200/0", "PlayCompleted play 200/0",
                                        "ContinuousDtmfRecognitionToneReceived tones 200/0 1#1"));

  world.Ask(call, input::WatchTones{.request = {.target = kPerson, .echo = {"enough", ""}},
                                    .start = false});
  world.Ask(call,
            input::SendTones{.request = {.tones = "12", .target = kPerson, .echo = {"s", ""}}});
  EXPECT_EQ(std::get<ga::OperationResponse>(world.answer()).operation_context, "s");
  EXPECT_THAT(world.Told(), ElementsAre("ContinuousDtmfRecognitionStopped enough 200/0",
                                        "SendDtmfTonesCompleted s 200/0"));
}

TEST(CallSimulationGa, AnInvitedPartyJoinsAndIsRemoved) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Ask(call, input::AddParty{.request = {.participant = kDesk, .echo = {"add", ""}}});
  EXPECT_EQ(std::get<ga::AddParticipantResponse>(world.answer()).participant.identifier, kDesk);
  world.Pass(absl::Seconds(9));
  EXPECT_THAT(world.Told(),
              ElementsAre("AddParticipantSucceeded add 200/0", "ParticipantsUpdated 2"));

  world.Ask(call, input::ListParties{});
  EXPECT_EQ(std::get<ga::ParticipantList>(world.answer()).participants.size(), 2U);
  world.Ask(call, input::AddParty{.request = {.participant = kDesk}});
  EXPECT_EQ(world.Refused(), "409/8519");
  world.Ask(call, input::Mute{.request = {.targets = {kDesk}}});
  world.Ask(call, input::GetParty{.raw_id = RawId(kDesk)});
  EXPECT_TRUE(std::get<ga::CallParticipant>(world.answer()).is_muted);

  world.Ask(call, input::RemoveParty{.request = {.participant = kDesk, .echo = {"rm", ""}}});
  world.Ask(call, input::RemoveParty{.request = {.participant = kDesk, .echo = {"rm", ""}}});
  EXPECT_THAT(world.Told(),
              ElementsAre("ParticipantsUpdated 2", "RemoveParticipantSucceeded rm 200/0",
                          "ParticipantsUpdated 1", "RemoveParticipantFailed rm 400/8558"));
}

TEST(CallSimulationGa, AnInvitationIsCancelledOrTimesOut) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Ask(call, input::AddParty{.request = {.participant = kDesk}});
  const std::string invitation = std::get<ga::AddParticipantResponse>(world.answer()).invitation_id;
  world.Ask(call, input::CancelAddParty{.request = {invitation, {"c", ""}}});
  world.Ask(call, input::CancelAddParty{.request = {invitation, {"c", ""}}});
  EXPECT_THAT(world.Told(), ElementsAre("CancelAddParticipantSucceeded c 200/0",
                                        "CancelAddParticipantFailed c 400/8523"));

  world.Ask(call, input::AddParty{.request = {.participant = kDesk, .invitation_timeout_s = 3}});
  world.Pass(absl::Seconds(3));
  EXPECT_THAT(world.Told(), ElementsAre("AddParticipantFailed 487/10004"));
}

TEST(CallSimulationGa, ATransferEndsOurPart) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Ask(call, input::Transfer{.request = {.target = kUser, .echo = {"t", "http://h/op"}}});
  world.Ask(call, input::GetCall{});
  EXPECT_EQ(std::get<ga::CallConnectionProperties>(world.answer()).state,
            ga::CallState::kTransferring);
  world.Pass(absl::Seconds(1));
  EXPECT_THAT(world.Told(), ElementsAre("CallTransferAccepted t 200/0 at http://h/op",
                                        "CallDisconnected call 200/0"));
  world.Ask(call, input::GetCall{});
  EXPECT_EQ(world.Refused(), "404/8522");

  // The person still talks: the line is not free yet.
  EXPECT_EQ(world.live_calls(), 1U);
  world.Pass(absl::Minutes(2));
  EXPECT_EQ(world.live_calls(), 0U);
  EXPECT_TRUE(world.LastEnd().answered);
}

TEST(CallSimulationGa, AFailedTransferLeavesTheCallAsItWas) {
  World world(EverybodyPressesOne());
  const std::string busy = world.Connected();
  const std::string call = world.Create("+15555550001");
  world.Pass(absl::Seconds(10));
  world.Told();
  world.Ask(call, input::Transfer{.request = {.target = kPerson, .echo = {"t", ""}}});
  world.Pass(absl::Seconds(10));
  EXPECT_THAT(world.Told(), ElementsAre("CallTransferFailed t 486/560486"));

  world.Play(call, 1);
  EXPECT_EQ(world.Refused(), "");
}

TEST(CallSimulationGa, WhoLeavesLeavesTheOthersTalking) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Ask(call, input::AddParty{.request = {.participant = kUser}});
  world.Pass(absl::Seconds(2));
  world.Told();
  world.Step(input::HangUp{call, /*for_everyone=*/false});
  EXPECT_THAT(world.Told(), ElementsAre("CallDisconnected call 200/7000"));
  EXPECT_EQ(world.live_calls(), 1U);

  world.Pass(absl::Minutes(2));
  EXPECT_EQ(world.live_calls(), 0U);
}

TEST(CallSimulationGa, AnEndTellsWhoStillRings) {
  World world(EverybodyPressesOne());
  const std::string call = world.Connected();
  world.Ask(call, input::AddParty{.request = {.participant = kDesk, .echo = {"add", ""}}});
  world.Step(input::HangUp{call, true});
  world.Pass(absl::Seconds(1));

  EXPECT_THAT(world.Told(),
              ElementsAre("AddParticipantFailed add 400/8508", "CallDisconnected call 200/7000"));
}

// Whatever is asked whenever: no check fails, and every call ends.
TEST(CallSimulationGa, AnythingMayBeAskedAtAnyMoment) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    World world(seed % 2 == 0 ? EverybodyPressesOne() : DefaultPopulation());
    std::vector<std::string> calls;
    for (int i = 0; i < 60; ++i) {
      if (calls.empty() || random() % 6 == 0) {
        calls.push_back(world.Create(fmt::format("+1555555010{}", random() % 5)));
      }
      const std::string& call = calls[random() % calls.size()];
      const Identifier other = random() % 2 == 0 ? kDesk : kUser;
      const bool yes = random() % 2 == 0;
      switch (random() % 12) {
        case 0: world.Step(input::HangUp{call, yes}); break;
        case 1: world.Play(call, 5, yes); break;
        case 2:
          world.Recognize(call, {.interrupts = yes, .tones_max = 1}, {World::Audio(2)});
          break;
        case 3: world.Ask(call, input::CancelMedia{}); break;
        case 4:
          world.Ask(call, input::WatchTones{.request = {.target = kPerson}, .start = yes});
          break;
        case 5: world.Ask(call, input::AddParty{.request = {.participant = other}}); break;
        case 6: world.Ask(call, input::RemoveParty{.request = {.participant = other}}); break;
        case 7: world.Ask(call, input::Transfer{.request = {.target = other}}); break;
        case 8: world.Ask(call, input::Mute{.request = {.targets = {other}}}); break;
        case 9: world.Ask(call, input::Play{.prompts = {{.key = "w", .uri = "http://h/w"}}}); break;
        case 10: world.Step(input::AudioFetched{"w", {.length = absl::Seconds(1)}}); break;
        default: world.Ask(call, input::ListParties{}); break;
      }
      world.Pass(absl::Milliseconds(random() % 8'000));
    }
    world.Pass(absl::Hours(4));
    EXPECT_EQ(world.live_calls(), 0U) << "seed " << seed;
  }
}

TEST(CallSimulationGa, WhoIsBeingPutThroughWaitsWhileItRings) {
  PopulationParameters population = EverybodyPressesOne();
  population.human.stays_after_key_s = 2;
  population.human.patience_s = 4;
  World world(population);
  const std::string call = world.Connected();
  world.Play(call, 1);
  world.Pass(absl::Seconds(4));  // The key is pressed.
  world.Told();

  world.Ask(call, input::Transfer{.request = {.target = kDesk, .echo = {"t", ""}}});
  world.Pass(absl::Seconds(9));
  EXPECT_THAT(world.Told(),
              ElementsAre("CallTransferAccepted t 200/0", "CallDisconnected call 200/0"));
}

}  // namespace
}  // namespace tocsin::callserver
