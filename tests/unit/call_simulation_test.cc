#include "callserver/call_simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "fmt/format.h"

namespace tocsin::callserver {
namespace {

using testing::ElementsAre;
using wire::CallState;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
constexpr char kNumber[] = "+15555550100";

// Everybody answers after 9 s, and presses 1 exactly 3 s after the instruction,
// which stands at 80 % of the audio.
PopulationParameters EverybodyPressesOne() {
  PopulationParameters population = DefaultPopulation();
  population.reachability.at_once = 1;
  population.reachability.sometimes = 0;
  population.answers.machine = 0;
  population.answers.fax = 0;
  population.rings.human_late_share = 0;
  population.rings.human_p95_s = population.rings.human_median_s;
  population.human.leaves_early_share = 0;
  population.human.presses_share = 1;
  population.human.key_9 = population.human.key_0 = population.human.key_other = 0;
  population.human.presses_early_share = 0;
  population.human.press_p95_s = population.human.press_median_s;
  population.human.listens_p95_s = population.human.listens_median_s;
  population.provider.setup_s = 1;
  population.blocking.share_max = 0;
  population.provider.caller_number_calls_max = 0;
  return population;
}

PopulationParameters NobodyAnswers() {
  PopulationParameters population = DefaultPopulation();
  population.reachability.at_once = population.reachability.sometimes = 0;
  population.silence.dead = population.silence.unreachable = population.silence.declined = 0;
  return population;
}

struct Told {
  double at_s;  // Since the start.
  std::string what;

  friend bool operator==(const Told&, const Told&) = default;
  friend void PrintTo(const Told& told, std::ostream* out) {
    *out << told.what << " at " << told.at_s;
  }
};

std::string Describe(const wire::Event& event) {
  if (const auto* change = std::get_if<wire::CallStateChanged>(&event.body)) {
    switch (change->state) {
      case CallState::kEstablishing: return "Establishing";
      case CallState::kEstablished: return "Established";
      case CallState::kTerminating: return "Terminating";
      case CallState::kTerminated: return "Terminated";
      case CallState::kUnknown:
      case CallState::kIdle:
      case CallState::kIncoming:
      case CallState::kHold:
      case CallState::kUnhold:
      case CallState::kTransferring:
      case CallState::kRedirecting: return "?";
    }
  }
  if (const auto* dtmf = std::get_if<wire::DtmfReceived>(&event.body)) {
    return fmt::format("key {} #{}", dtmf->tone, dtmf->sequence_id);
  }
  if (const auto* play = std::get_if<wire::PlayAudioResult>(&event.body)) {
    return fmt::format("play {} {}/{}", play->operation_context, play->result_info->code,
                       play->result_info->subcode);
  }
  return "roster";
}

// A simulation with its own time, and all that it said.
class World {
 public:
  explicit World(const PopulationParameters& population, double time_scale = 1,
                 CallHistory history = {})
      : simulation_({.population = population, .seed = 1, .id_seed = 2, .time_scale = time_scale},
                    std::move(history)) {}

  std::string Create(const std::string& number = kNumber, const std::string& caller = "+1800") {
    Step(input::CreateCall{.number = number,
                           .caller_number = caller,
                           .callback_uri = "http://h/callbacks/1/2?s=x",
                           .wants_dtmf = true,
                           .arrived_at = now_,
                           .never_ends = never_ends_});
    return std::get<wire::CreateCallResponse>(answer_).call_leg_id;
  }

  // Of a create-call that is refused: with what.
  std::string TryCreate(const std::string& number) {
    Step(input::CreateCall{.number = number, .caller_number = "+1800", .arrived_at = now_});
    return RefusalCode();
  }

  void SetLimits(const CallLimits& limits) { simulation_.SetLimits(limits); }

  // Those created from here on.
  void NeverEnd() { never_ends_ = true; }

  void Play(const std::string& leg, const std::string& context, double seconds, bool loop = false) {
    Step(input::PlayAudio{
        .call_leg_id = leg,
        .request = {.audio_file_uri = "http://h/a.wav", .loop = loop, .operation_context = context},
        .audio = AudioFile{.length = absl::Seconds(seconds)}});
  }

  void Step(const SimulationInput& happened) {
    Effects effects = simulation_.Step(now_, happened);
    answer_ = std::move(effects.answer);
    audio_wanted_.reset();
    if (!effects.audio_wanted.empty()) audio_wanted_ = effects.audio_wanted.front().key;
    for (Callback& callback : effects.callbacks) {
      told_.push_back(
          {absl::ToDoubleSeconds(*callback.event.occurred_at - kStart), Describe(callback.event)});
    }
    for (LedgerLine& line : effects.ledger) ledger_.push_back(std::move(line));
  }

  // Lets the time pass, wake by wake.
  void RunUntil(absl::Duration since_start) {
    while (simulation_.next_wake() <= kStart + since_start) {
      now_ = std::max(now_, simulation_.next_wake());
      Step(input::Tick());
    }
    now_ = kStart + since_start;
  }

  // As a busy machine does: the time passes, and one wake takes all that was due.
  void Oversleep(absl::Duration length) {
    now_ += length;
    Step(input::Tick());
  }

  void RunToTheEnd() {
    while (simulation_.next_wake() < absl::InfiniteFuture()) {
      now_ = std::max(now_, simulation_.next_wake());
      Step(input::Tick());
    }
  }

  std::string RefusalCode() const {
    const auto* refusal = std::get_if<Refusal>(&answer_);
    return refusal == nullptr ? "" : fmt::format("{} {}", refusal->status, refusal->error.code);
  }

  std::vector<std::string> Words() const {
    std::vector<std::string> words;
    for (const Told& told : told_) words.push_back(told.what);
    return words;
  }

  std::vector<CallEnded> Ends() const {
    std::vector<CallEnded> ends;
    for (const LedgerLine& line : ledger_) {
      if (const auto* end = std::get_if<CallEnded>(&line.entry)) ends.push_back(*end);
    }
    return ends;
  }

  double seconds() const { return absl::ToDoubleSeconds(now_ - kStart); }
  const std::vector<Told>& told() const { return told_; }
  const std::vector<LedgerLine>& ledger() const { return ledger_; }
  const std::optional<std::string>& audio_wanted() const { return audio_wanted_; }
  std::size_t live_calls() const { return simulation_.live_calls(); }

 private:
  CallSimulation simulation_;
  absl::Time now_ = kStart;
  bool never_ends_ = false;
  decltype(Effects::answer) answer_;
  std::optional<std::string> audio_wanted_;
  std::vector<Told> told_;
  std::vector<LedgerLine> ledger_;
};

TEST(CallSimulation, ACallLivesFromRingingToItsEnd) {
  World world(EverybodyPressesOne());
  const std::string leg = world.Create();
  world.RunUntil(absl::Seconds(12));
  world.Play(leg, "1", 20);
  world.RunToTheEnd();

  // Rings from 1 s to 10 s; the instruction is at 12 + 16 s; stays 8 s more.
  EXPECT_THAT(world.told(), ElementsAre(Told{1, "Establishing"}, Told{10, "Established"},
                                        Told{31, "key 1 #1"}, Told{32, "play 1 200/0"},
                                        Told{39, "Terminating"}, Told{39.4, "Terminated"}));
  EXPECT_EQ(world.live_calls(), 0U);
  EXPECT_THAT(world.Ends(), ElementsAre(CallEnded{.far_end = "human",
                                                  .reason = "far_end",
                                                  .answered = true,
                                                  .talk_ms = 29'000,
                                                  .keys = "1"}));
}

TEST(CallSimulation, EverythingIsDividedByTheTimeScale) {
  World world(EverybodyPressesOne(), 10);
  const std::string leg = world.Create();
  world.RunUntil(absl::Milliseconds(1'200));
  world.Play(leg, "1", 20);
  world.RunToTheEnd();

  EXPECT_THAT(world.told(), ElementsAre(Told{0.1, "Establishing"}, Told{1, "Established"},
                                        Told{3.1, "key 1 #1"}, Told{3.2, "play 1 200/0"},
                                        Told{3.9, "Terminating"}, Told{3.94, "Terminated"}));
}

TEST(CallSimulation, WhatIsDueTogetherHappensInItsOrder) {
  World world(EverybodyPressesOne());
  const std::string leg = world.Create();
  world.RunUntil(absl::Seconds(12));
  // The instruction at 8 s, the end at 10 s, the key at 11 s; away 8 s later.
  world.Play(leg, "1", 10);
  world.Oversleep(absl::Seconds(12));

  EXPECT_THAT(world.Words(),
              ElementsAre("Establishing", "Established", "play 1 200/0", "key 1 #1"));
}

TEST(CallSimulation, ACancelledPlayCompletesWithItsCode) {
  World world(EverybodyPressesOne());
  const std::string leg = world.Create();
  world.RunUntil(absl::Seconds(12));
  world.Play(leg, "1", 20);
  world.RunUntil(absl::Seconds(14));
  world.Step(input::CancelMedia{.call_leg_id = leg, .operation_context = "2"});
  // Did not hear what to press, so presses nothing; then the silence is too long.
  world.RunToTheEnd();

  EXPECT_THAT(world.told(), ElementsAre(Told{1, "Establishing"}, Told{10, "Established"},
                                        Told{14, "play 1 400/8508"}, Told{24, "Terminating"},
                                        Told{24.4, "Terminated"}));
}

TEST(CallSimulation, WhoHeardOnlyTheSecondPlayPressesThen) {
  World world(EverybodyPressesOne());
  const std::string leg = world.Create();
  world.RunUntil(absl::Seconds(12));
  world.Play(leg, "1", 20);
  world.RunUntil(absl::Seconds(14));
  world.Step(input::CancelMedia{.call_leg_id = leg, .operation_context = "2"});
  world.Play(leg, "3", 10);
  world.RunToTheEnd();

  EXPECT_THAT(world.Words(), testing::Contains("key 1 #1").Times(1));
  EXPECT_THAT(world.told(), testing::Contains(Told{14 + 8 + 3, "key 1 #1"}));
}

TEST(CallSimulation, AHangUpInterruptsThePlayAndFreesTheLineAtOnce) {
  World world(EverybodyPressesOne());
  const std::string leg = world.Create();
  world.RunUntil(absl::Seconds(12));
  world.Play(leg, "1", 20);
  world.RunUntil(absl::Seconds(15));
  world.Step(input::HangUp{leg});
  EXPECT_EQ(world.RefusalCode(), "");
  EXPECT_THAT(world.Ends(), ElementsAre(testing::Field(&CallEnded::reason, "application")));
  world.RunToTheEnd();

  EXPECT_THAT(world.told(), ElementsAre(Told{1, "Establishing"}, Told{10, "Established"},
                                        Told{15, "play 1 400/8508"}, Told{15, "Terminating"},
                                        Told{15.4, "Terminated"}));
  world.Step(input::HangUp{leg});
  EXPECT_EQ(world.RefusalCode(), "404 8522");
}

TEST(CallSimulation, NobodyIsRungLongerThanTheProvidersLimit) {
  World world(NobodyAnswers());
  world.Create();
  world.RunToTheEnd();

  EXPECT_THAT(world.told(), ElementsAre(Told{0.3, "Establishing"}, Told{115.3, "Terminated"}));
  EXPECT_THAT(world.Ends(), ElementsAre(CallEnded{.far_end = "no_answer", .reason = "ring_limit"}));
}

TEST(CallSimulation, AHangUpStopsTheRinging) {
  World world(NobodyAnswers());
  const std::string leg = world.Create();
  world.RunUntil(absl::Seconds(30));
  world.Step(input::HangUp{leg});
  world.RunToTheEnd();

  EXPECT_THAT(world.told(), ElementsAre(Told{0.3, "Establishing"}, Told{30, "Terminated"}));
}

TEST(CallSimulation, MediaNeedsAnEstablishedCallAndOneAtATime) {
  World world(EverybodyPressesOne());
  const std::string leg = world.Create();
  world.Play(leg, "1", 20);
  EXPECT_EQ(world.RefusalCode(), "400 8501");
  world.Step(input::CancelMedia{leg, "1"});
  EXPECT_EQ(world.RefusalCode(), "400 8501");
  world.RunUntil(absl::Seconds(12));
  world.Play(leg, "1", 20);
  world.Play(leg, "2", 20);
  EXPECT_EQ(world.RefusalCode(), "400 8500");
  world.Play("nobody", "1", 20);
  EXPECT_EQ(world.RefusalCode(), "404 8522");
  // Nothing to cancel is no error.
  world.Step(input::CancelMedia{leg, "3"});
  world.Step(input::CancelMedia{leg, "4"});
  EXPECT_EQ(world.RefusalCode(), "");
}

TEST(CallSimulation, AFileIsFetchedOnceForAllWhoWaitForIt) {
  World world(EverybodyPressesOne());
  const std::string first = world.Create("+1");
  const std::string second = world.Create("+2");
  const std::string third = world.Create("+3");
  world.RunUntil(absl::Seconds(12));
  const auto play = [&world](const std::string& leg) {
    world.Step(input::PlayAudio{.call_leg_id = leg,
                                .request = {.audio_file_uri = "http://h/a.wav",
                                            .operation_context = "1",
                                            .resource_id = "r"},
                                .audio = std::nullopt});
  };
  play(first);
  EXPECT_EQ(world.audio_wanted(), "r");
  play(second);
  EXPECT_EQ(world.audio_wanted(), std::nullopt);
  play(third);
  world.Step(input::CancelMedia{third, "2"});
  world.RunUntil(absl::Seconds(13));
  world.Step(input::AudioFetched{"r", {.length = absl::Seconds(4)}});
  world.RunUntil(absl::Seconds(18));

  EXPECT_THAT(world.told(), testing::Contains(Told{17, "play 1 200/0"}).Times(2));
  EXPECT_THAT(world.told(), testing::Contains(Told{12, "play 1 400/8508"}).Times(1));
}

TEST(CallSimulation, AFileThatCannotBePlayedFailsThePlay) {
  World world(EverybodyPressesOne());
  const std::string leg = world.Create();
  world.RunUntil(absl::Seconds(12));
  world.Step(input::PlayAudio{.call_leg_id = leg,
                              .request = {.operation_context = "1"},
                              .audio = AudioFile{.failure = 8536, .message = "404"}});

  EXPECT_EQ(world.told().back(), (Told{12, "play 1 400/8536"}));
}

TEST(CallSimulation, AMachineRecordsForItsTimeAndPressesNothing) {
  PopulationParameters population = EverybodyPressesOne();
  population.answers.machine = 1;
  population.rings.phone_off_share = 0;
  population.rings.machine_spread_s = 0;
  population.machine.greeting_p95_s = population.machine.greeting_median_s = 12;
  population.machine.records_min_s = population.machine.records_max_s = 60;
  World world(population);
  const std::string leg = world.Create();
  world.RunUntil(absl::Seconds(25));
  world.Play(leg, "1", 20);
  world.RunToTheEnd();

  EXPECT_THAT(world.told(), ElementsAre(Told{1, "Establishing"}, Told{23, "Established"},
                                        Told{45, "play 1 200/0"}, Told{95, "Terminating"},
                                        Told{95.4, "Terminated"}));
}

TEST(CallSimulation, WhoOptsOutConfirmsItWhenAsked) {
  PopulationParameters population = EverybodyPressesOne();
  population.human.key_1 = 0;
  population.human.key_9 = 1;
  population.human.presses_again_share = 1;
  World world(population);
  const std::string leg = world.Create();
  world.RunUntil(absl::Seconds(12));
  world.Play(leg, "1", 10);
  world.RunUntil(absl::Seconds(23));  // Pressed 9 at 12 + 8 + 3.
  world.Play(leg, "2", 5);
  world.RunToTheEnd();

  EXPECT_THAT(world.told(), testing::IsSupersetOf({Told{23, "key 9 #1"}, Told{30, "key 9 #2"}}));
  EXPECT_EQ(world.Ends().at(0).keys, "99");
}

TEST(CallSimulation, ALineInACallIsBusy) {
  World world(EverybodyPressesOne());
  world.Create();
  world.RunUntil(absl::Seconds(5));
  world.Create();
  world.RunToTheEnd();

  EXPECT_THAT(world.Ends(),
              testing::Contains(testing::AllOf(testing::Field(&CallEnded::far_end, "busy"),
                                               testing::Field(&CallEnded::reason, "in_call"))));
}

TEST(CallSimulation, ABusyLineIsFreeAgainAfterAWhile) {
  PopulationParameters population = EverybodyPressesOne();
  population.reachability.at_once = 0;
  population.reachability.sometimes = 1;
  population.reachability.answer_probability = 0;
  population.reachability.sometimes_busy = 1;
  population.busy.clears_median_s = 1'000;
  World world(population);
  const auto far_end_at = [&world](absl::Duration at) {
    world.RunUntil(at);
    world.Create();
    world.RunUntil(at + absl::Seconds(10));
    return world.Ends().back().far_end;
  };
  EXPECT_EQ(far_end_at(absl::ZeroDuration()), "busy");
  EXPECT_EQ(far_end_at(absl::Seconds(11)), "busy");
  // Each of the first two met the same conversation: only one was drawn.
  int lines = 0;
  for (const LedgerLine& line : world.ledger()) {
    lines += std::holds_alternative<CallEnded>(line.entry) ? 1 : 0;
  }
  EXPECT_EQ(lines, 2);
}

TEST(CallSimulation, ACallerNumberBeyondItsLimitIsBlocked) {
  PopulationParameters population = EverybodyPressesOne();
  population.provider.caller_number_calls_max = 2;
  World world(population);
  world.Create("+1");
  world.Create("+2");
  world.Create("+3");
  world.Create("+4", "+1801");
  world.RunToTheEnd();

  int blocked = 0;
  for (const CallEnded& end : world.Ends()) blocked += end.reason == "caller_limit" ? 1 : 0;
  EXPECT_EQ(blocked, 1);
}

TEST(CallSimulation, LimitsMayBeSetWhileItRuns) {
  World world(EverybodyPressesOne());
  world.Create("+1");
  world.SetLimits({.caller_number_max = 1, .calls_max = 2});
  world.Create("+2");
  EXPECT_EQ(world.TryCreate("+3"), "429 8530");
  world.RunToTheEnd();

  EXPECT_THAT(world.Ends(), testing::Contains(testing::Field(&CallEnded::reason, "caller_limit")));
}

// Answered or not, until the application has had enough.
TEST(CallSimulation, ACallThatNeverEndsIsEndedByTheApplicationAlone) {
  for (const PopulationParameters& population : {EverybodyPressesOne(), NobodyAnswers()}) {
    World world(population);
    world.NeverEnd();
    const std::string leg = world.Create();
    world.RunUntil(absl::Seconds(12));
    world.Play(leg, "1", 20);
    world.RunUntil(absl::Hours(100));
    EXPECT_EQ(world.live_calls(), 1U);

    world.Step(input::HangUp{leg});
    world.RunToTheEnd();
    EXPECT_EQ(world.live_calls(), 0U);
    ASSERT_EQ(world.Ends().size(), 1U);
    EXPECT_EQ(world.Ends()[0].reason, "application");
  }
}

TEST(CallSimulation, ACallBeyondALimitEndsThoughItNeverShould) {
  World world(EverybodyPressesOne());
  world.SetLimits({.caller_number_max = 1});
  world.NeverEnd();
  world.Create("+1");
  world.Create("+2");
  world.RunUntil(absl::Hours(1));

  EXPECT_EQ(world.live_calls(), 1U);
  ASSERT_EQ(world.Ends().size(), 1U);
  EXPECT_EQ(world.Ends()[0].reason, "caller_limit");
}

TEST(CallSimulation, ACallerNumberThatMakesManyCallsIsBlocked) {
  PopulationParameters population = EverybodyPressesOne();
  population.blocking = {.calls_per_hour_from = 100, .calls_per_hour_to = 200, .share_max = 1};
  World world(population);
  for (int i = 0; i < 300; ++i) world.Create(fmt::format("+1{}", i));
  world.Create("+2", "+1801");
  world.RunToTheEnd();

  int declined = 0;
  for (const CallEnded& end : world.Ends()) declined += end.far_end == "declined" ? 1 : 0;
  // None of the first hundred, all of the last hundred, half of those between.
  EXPECT_NEAR(declined, 150, 20);
}

TEST(CallSimulation, BeyondItsLimitAnExchangeIsCongested) {
  PopulationParameters population = EverybodyPressesOne();
  population.congestion.exchange_calls_per_minute_max = 10;
  // Sixty times as fast: one call a second is one a minute.
  World world(population, 60);
  for (int i = 0; i < 100; ++i) world.Create(fmt::format("+1206555{:04}", i));
  world.Create("+13035550000");
  world.RunUntil(absl::Seconds(20));
  world.Create("+12065550100");
  world.RunToTheEnd();

  std::map<std::string, int> ends;
  for (const CallEnded& end : world.Ends()) ++ends[end.far_end];
  // Of n calls at once 10 get through and then 10/11 + 10/12 ... + 10/99.
  EXPECT_NEAR(ends["human"], 2 + 10 + 23, 8);
  EXPECT_EQ(ends["human"] + ends["congestion"], 102);
}

// Whatever its fate, a call is one; and a simulation that has been told of them
// goes on like the one that placed them.
TEST(CallSimulation, GoesOnFromTheHistoryOfAnother) {
  PopulationParameters population = DefaultPopulation();
  population.reachability = {.at_once = 0, .sometimes = 1, .answer_probability = 0.5};
  CallHistory history;
  World uninterrupted(population);
  for (int i = 0; i < 200; ++i) {
    uninterrupted.Create(fmt::format("+1{}", i % 150));
    history.Add(kStart, fmt::format("+1{}", i % 150), "+1800");
  }
  uninterrupted.RunUntil(absl::Hours(1));
  World restarted(population, 1, std::move(history));
  restarted.RunUntil(absl::Hours(1));
  const std::size_t before = uninterrupted.Ends().size();
  for (int i = 0; i < 150; ++i) {
    uninterrupted.Create(fmt::format("+1{}", i));
    restarted.Create(fmt::format("+1{}", i));
  }
  uninterrupted.RunToTheEnd();
  restarted.RunToTheEnd();

  std::vector<CallEnded> ends = uninterrupted.Ends();
  ends.erase(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(before));
  EXPECT_EQ(restarted.Ends(), ends);
}

TEST(CallSimulation, NoCallLastsLongerThanTheLimit) {
  PopulationParameters population = EverybodyPressesOne();
  population.human.presses_share = 0;
  population.human.listens_median_s = population.human.listens_p95_s = 80'000;
  population.provider.call_limit_s = 100;
  World world(population);
  const std::string leg = world.Create();
  world.RunUntil(absl::Seconds(12));
  world.Play(leg, "1", 3, /*loop=*/true);
  world.RunToTheEnd();

  EXPECT_EQ(world.seconds(), 100.4);
  EXPECT_EQ(world.Ends().at(0).reason, "call_limit");
}

TEST(CallSimulation, TheLedgerKeepsNoSignature) {
  World world(EverybodyPressesOne());
  world.Create();

  EXPECT_EQ(std::get<CreateArrived>(world.ledger().at(0).entry).callback_uri,
            "http://h/callbacks/1/2");
}

// Any drive at all: every call ends once, says so last, and frees its line.
TEST(CallSimulation, HoweverItIsDrivenEveryCallEnds) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    World world(DefaultPopulation());
    std::vector<std::string> legs;
    for (int i = 0; i < 3'000; ++i) {
      world.RunUntil(absl::Seconds(i) / 3);
      const std::string leg = legs.empty() ? "" : legs[random() % legs.size()];
      switch (random() % 5) {
        case 0: legs.push_back(world.Create(fmt::format("+1{}", random() % 300))); break;
        case 1: world.Play(leg, "p", static_cast<double>(random() % 30), random() % 9 == 0); break;
        case 2: world.Step(input::CancelMedia{leg, "c"}); break;
        case 3: world.Step(input::HangUp{leg}); break;
        default:
          world.Step(input::PlayAudio{.call_leg_id = leg,
                                      .request = {.resource_id = fmt::format("{}", random() % 3)},
                                      .audio = std::nullopt});
          if (random() % 2 == 0) {
            world.Step(input::AudioFetched{fmt::format("{}", random() % 3),
                                           {.length = absl::Seconds(random() % 20)}});
          }
      }
    }
    world.RunToTheEnd();

    EXPECT_EQ(world.live_calls(), 0U);
    std::map<std::string, std::string> last_state;
    std::map<std::string, int> ends;
    for (const LedgerLine& line : world.ledger()) {
      if (const auto* state = std::get_if<StateReached>(&line.entry)) {
        EXPECT_NE(last_state[line.call_leg_id], "Terminated");
        last_state[line.call_leg_id] = state->state;
      }
      if (std::holds_alternative<CallEnded>(line.entry)) ++ends[line.call_leg_id];
    }
    EXPECT_EQ(ends.size(), legs.size());
    for (const std::string& leg : legs) {
      EXPECT_EQ(last_state[leg], "Terminated");
      EXPECT_EQ(ends[leg], 1);
    }
  }
}

// A leg of a call into which somebody else has gone as well.
TEST(CallSimulation, AJoinedLegHearsWhatTheCallHearsAndEndsWithIt) {
  CallSimulation simulation({.population = EverybodyPressesOne(), .seed = 1, .id_seed = 2});
  absl::Time now = kStart;
  std::vector<std::pair<std::string, std::string>> told;  // Callback URL, event.
  Answer answer;
  std::string conversation;
  const auto step = [&](const SimulationInput& happened) {
    Effects effects = simulation.Step(now, happened);
    answer = std::move(effects.answer);
    for (const Callback& callback : effects.callbacks) {
      told.emplace_back(callback.callback_uri, Describe(callback.event));
      if (const auto* change = std::get_if<wire::CallStateChanged>(&callback.event.body)) {
        conversation = change->conversation_id;
      }
    }
  };
  const auto pass = [&](absl::Duration time) {
    for (const absl::Time until = now + time; now < until;) {
      now = std::min(until, simulation.next_wake());
      step(input::Tick());
    }
  };
  step(input::CreateCall{
      .number = kNumber, .callback_uri = "call", .wants_dtmf = true, .arrived_at = now});
  const std::string call = std::get<wire::CreateCallResponse>(answer).call_leg_id;
  step(input::Join{.conversation_id = "none"});
  EXPECT_EQ(std::get<Refusal>(answer).status, 404);
  pass(absl::Seconds(12));

  step(input::Join{.conversation_id = conversation, .request = {.callback_uri = "leg"}});
  const std::string leg = std::get<wire::CreateCallResponse>(answer).call_leg_id;
  step(input::Join{.conversation_id = conversation, .request = {.callback_uri = "gone"}});
  step(input::HangUp{std::get<wire::CreateCallResponse>(answer).call_leg_id});
  step(input::AddParty{.call_leg_id = leg});
  EXPECT_EQ(std::get<Refusal>(answer).error.code, "8520");
  pass(absl::Seconds(1));
  told.clear();
  step(input::PlayAudio{.call_leg_id = call, .audio = AudioFile{.length = absl::Seconds(10)}});
  pass(absl::Seconds(15));
  EXPECT_THAT(told, ElementsAre(std::pair("call", "play  200/0"), std::pair("call", "key 1 #1"),
                                std::pair("leg", "key 1 #1")));

  told.clear();
  step(input::HangUp{call});
  pass(absl::Seconds(2));
  EXPECT_THAT(told, testing::UnorderedElementsAre(
                        std::pair("leg", "Terminating"), std::pair("leg", "Terminated"),
                        std::pair("call", "Terminating"), std::pair("call", "Terminated")));
  EXPECT_EQ(simulation.live_calls(), 0U);
}

}  // namespace
}  // namespace tocsin::callserver
