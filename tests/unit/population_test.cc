#include "callserver/population.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include "fmt/format.h"

namespace tocsin::callserver {
namespace {

using testing::HasSubstr;

constexpr int kNumbers = 40'000;

std::string Number(int i) {
  return fmt::format("+1555{:07}", i);
}

CallPlan DefaultPlan(const std::string& number, std::uint32_t attempt) {
  return PlanCall(DefaultPopulation(), 7, number, {.attempt = attempt});
}

// The share of a population for which `holds` does.
template <class Predicate>
double ShareOf(int numbers, Predicate holds) {
  int count = 0;
  for (int i = 0; i < numbers; ++i) count += holds(i) ? 1 : 0;
  return static_cast<double>(count) / numbers;
}

double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

TEST(Population, TheSameSeedMeetsTheSamePeople) {
  for (int i = 0; i < 100; ++i) {
    const CallPlan first = DefaultPlan(Number(i), 0);
    const CallPlan again = DefaultPlan(Number(i), 0);
    EXPECT_EQ(first.far_end, again.far_end);
    EXPECT_EQ(first.rings, again.rings);
    EXPECT_EQ(first.key, again.key);
  }
  EXPECT_LT(ShareOf(1'000,
                    [](int i) {
                      return PlanCall(DefaultPopulation(), 8, Number(i), {}).far_end ==
                             DefaultPlan(Number(i), 0).far_end;
                    }),
            0.6);
}

TEST(Population, TheFirstRoundIsAsItWasMeasured) {
  std::map<FarEnd, int> met;
  for (int i = 0; i < kNumbers; ++i) ++met[DefaultPlan(Number(i), 0).far_end];
  const auto share = [&met](FarEnd far_end) { return met[far_end] * 1.0 / kNumbers; };

  EXPECT_NEAR(share(FarEnd::kHuman), 0.30, 0.02);
  EXPECT_NEAR(share(FarEnd::kMachine) + share(FarEnd::kFax), 0.36, 0.02);
  EXPECT_NEAR(share(FarEnd::kNoAnswer), 0.17, 0.02);
  EXPECT_NEAR(share(FarEnd::kBusy), 0.04, 0.01);
  EXPECT_NEAR(share(FarEnd::kDead) + share(FarEnd::kAnnouncement), 0.07, 0.01);
  EXPECT_NEAR(share(FarEnd::kUnreachable), 0.03, 0.01);
  EXPECT_NEAR(share(FarEnd::kDeclined), 0.03, 0.01);
}

// A county's test: 66 % in round one, then 16.6 % and 5.5 % of those left.
TEST(Population, LaterRoundsReachEverFewer) {
  std::vector<int> left(kNumbers);
  for (int i = 0; i < kNumbers; ++i) left[static_cast<std::size_t>(i)] = i;
  std::vector<double> reached;
  for (std::uint32_t round = 0; round < 3; ++round) {
    std::vector<int> still;
    for (const int i : left) {
      const FarEnd far_end = DefaultPlan(Number(i), round).far_end;
      if (far_end == FarEnd::kAnnouncement || !Answers(far_end)) still.push_back(i);
    }
    reached.push_back(1 - static_cast<double>(still.size()) / static_cast<double>(left.size()));
    left = still;
  }

  EXPECT_NEAR(reached[0], 0.66, 0.02);
  EXPECT_NEAR(reached[1], 0.166, 0.03);
  EXPECT_NEAR(reached[2], 0.055, 0.03);
}

TEST(Population, WhoAnswersIsStickyAndSoIsSilence) {
  for (int i = 0; i < 2'000; ++i) {
    const FarEnd first = DefaultPlan(Number(i), 0).far_end;
    for (std::uint32_t attempt = 1; attempt < 5; ++attempt) {
      const FarEnd later = DefaultPlan(Number(i), attempt).far_end;
      if (first == FarEnd::kDead || first == FarEnd::kUnreachable || first == FarEnd::kDeclined) {
        ASSERT_EQ(later, first);
      } else if (Answers(first) && Answers(later)) {
        ASSERT_EQ(later, first);
      }
    }
  }
}

TEST(Population, PeopleRingAndPressAsTheFileSays) {
  std::vector<double> rings;
  std::vector<double> delays;
  std::map<char, int> keys;
  int humans = 0;
  int early = 0;
  for (int i = 0; i < kNumbers; ++i) {
    const CallPlan plan = DefaultPlan(Number(i), 0);
    if (plan.far_end != FarEnd::kHuman) continue;
    ++humans;
    rings.push_back(absl::ToDoubleSeconds(plan.rings));
    if (plan.key == 0) continue;
    ++keys[plan.key];
    if (plan.presses_at < DefaultPopulation().human.instruction_at) {
      ++early;
    } else {
      delays.push_back(absl::ToDoubleSeconds(plan.press_delay));
    }
  }
  const double pressed = keys['1'] + keys['9'] + keys['0'] * 1.0;

  EXPECT_NEAR(Quantile(rings, 0.5), 10, 1.5);
  EXPECT_NEAR(Quantile(rings, 0.95), 22, 3);
  EXPECT_NEAR(keys['1'] * 1.0 / humans, 0.30, 0.02);
  EXPECT_GT(pressed, 0);
  EXPECT_NEAR(Quantile(delays, 0.5), 3, 0.3);
  EXPECT_NEAR(Quantile(delays, 0.95), 10, 1.5);
  EXPECT_NEAR(early / (static_cast<double>(delays.size()) + early), 0.10, 0.02);
}

TEST(Population, NobodyIsRungBeyondTheProvidersLimit) {
  PopulationParameters parameters = DefaultPopulation();
  parameters.provider.ring_limit_s = 5;
  for (int i = 0; i < 2'000; ++i) {
    EXPECT_LE(PlanCall(parameters, 7, Number(i), {}).rings, absl::Seconds(5));
  }
}

FarEnd DefaultMeets(int i, const Circumstances& circumstances) {
  return PlanCall(DefaultPopulation(), 7, Number(i), circumstances).far_end;
}

const PopulationParameters& Storm() {
  static const PopulationParameters storm = ReadPopulation("storm").value();
  return storm;
}

FarEnd StormMeets(int i, const Circumstances& circumstances) {
  return PlanCall(Storm(), 7, Number(i), circumstances).far_end;
}

bool IsMobileInStorm(int i) {
  return IsMobile(Storm(), 7, Number(i));
}

Circumstances AfterHours(double hours) {
  return {.since_first_call = absl::Hours(hours)};
}

// How many of the mobiles, or of the premises' lines, meet one of `far_ends`.
double StormShare(bool mobiles, const std::vector<FarEnd>& far_ends, double hours) {
  int lines = 0;
  int met = 0;
  for (int i = 0; i < kNumbers; ++i) {
    if (IsMobileInStorm(i) != mobiles) continue;
    ++lines;
    if (std::count(far_ends.begin(), far_ends.end(), StormMeets(i, AfterHours(hours))) > 0) ++met;
  }
  return static_cast<double>(met) / lines;
}

TEST(Blocking, RisesToAFifthOfAllCallsWithTheCallsPerHourOfTheCallerNumber) {
  const auto declined_at = [](double calls_per_hour) {
    return ShareOf(kNumbers, [calls_per_hour](int i) {
      return DefaultMeets(i, {.caller_calls_per_hour = calls_per_hour}) == FarEnd::kDeclined;
    });
  };
  EXPECT_NEAR(declined_at(0), 0.03, 0.01);
  EXPECT_EQ(declined_at(200), declined_at(0));
  EXPECT_NEAR(declined_at(1'600), 0.115, 0.01);
  EXPECT_NEAR(declined_at(3'000), 0.20, 0.01);
  EXPECT_EQ(declined_at(1e9), declined_at(3'000));
}

TEST(Blocking, OnlyTurnsAnswersIntoRefusalsAndNeverFewerWithMoreCalls) {
  for (int i = 0; i < 2'000; ++i) {
    const FarEnd usual = DefaultMeets(i, {});
    bool was_blocked = false;
    for (double calls_per_hour = 0; calls_per_hour < 4'000; calls_per_hour += 250) {
      const FarEnd met = DefaultMeets(i, {.caller_calls_per_hour = calls_per_hour});
      if (met != usual) {
        ASSERT_TRUE(Answers(usual));
        ASSERT_EQ(met, FarEnd::kDeclined);
      }
      ASSERT_TRUE(met != usual || !was_blocked);
      was_blocked = met != usual;
    }
  }
}

TEST(Blocking, IsDrawnAnewForEachAttempt) {
  const auto blocked = [](int i, std::uint32_t attempt) {
    return Answers(DefaultMeets(i, {.attempt = attempt})) &&
           !Answers(DefaultMeets(i, {.attempt = attempt, .caller_calls_per_hour = 1e4}));
  };
  const double once = ShareOf(kNumbers, [&](int i) { return blocked(i, 0); });
  const double twice = ShareOf(kNumbers, [&](int i) { return blocked(i, 0) && blocked(i, 1); });
  EXPECT_NEAR(once, 0.66 * 0.26, 0.01);
  // Independent of each other among those who answer both times.
  EXPECT_NEAR(twice / once, 0.26 * 0.9, 0.03);
}

TEST(Storm, ACalmDayKnowsNoneOfIt) {
  for (int i = 0; i < 2'000; ++i) {
    const Circumstances late = {.since_first_call = absl::Hours(15),
                                .exchange_calls_per_minute = 1e6};
    ASSERT_EQ(DefaultMeets(i, late), DefaultMeets(i, {}));
  }
}

TEST(Storm, WhoHasAMobileIsSticky) {
  EXPECT_NEAR(ShareOf(kNumbers, IsMobileInStorm), 0.65, 0.01);
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_EQ(IsMobileInStorm(i), IsMobile(DefaultPopulation(), 7, Number(i)));
  }
}

TEST(Storm, FifteenPercentOfPremisesLinesAreDead) {
  const std::vector<FarEnd> dead = {FarEnd::kDead, FarEnd::kAnnouncement};
  EXPECT_NEAR(StormShare(/*mobiles=*/false, dead, 0), 0.15, 0.01);
  EXPECT_NEAR(StormShare(/*mobiles=*/false, dead, 9), 0.15, 0.01);
  EXPECT_NEAR(StormShare(/*mobiles=*/true, dead, 9), 0.07, 0.01);
}

TEST(Storm, MobilesAreUnreachableMoreAndMoreOverFourHours) {
  const std::vector<FarEnd> unreachable = {FarEnd::kUnreachable};
  EXPECT_NEAR(StormShare(/*mobiles=*/true, unreachable, 0), 0.03, 0.005);
  EXPECT_NEAR(StormShare(/*mobiles=*/true, unreachable, 2), 0.09, 0.01);
  EXPECT_NEAR(StormShare(/*mobiles=*/true, unreachable, 4), 0.15, 0.01);
  EXPECT_NEAR(StormShare(/*mobiles=*/true, unreachable, 40), 0.15, 0.01);
  EXPECT_NEAR(StormShare(/*mobiles=*/false, unreachable, 40), 0.03, 0.005);
}

TEST(Storm, WhatIsLostStaysLost) {
  for (int i = 0; i < 2'000; ++i) {
    bool was_lost = false;
    for (std::uint32_t attempt = 0; attempt < 10; ++attempt) {
      const FarEnd met =
          StormMeets(i, {.attempt = attempt, .since_first_call = absl::Hours(attempt) / 2});
      const bool is_lost = met == FarEnd::kDead || met == FarEnd::kUnreachable;
      ASSERT_TRUE(is_lost || !was_lost) << i;
      was_lost = is_lost;
    }
  }
}

TEST(Storm, AnExchangeCarriesFourHundredCallsAMinute) {
  const auto congested_at = [](double calls_per_minute) {
    return ShareOf(kNumbers, [calls_per_minute](int i) {
      return StormMeets(i, {.exchange_calls_per_minute = calls_per_minute}) == FarEnd::kCongestion;
    });
  };
  EXPECT_EQ(congested_at(400), 0);
  EXPECT_NEAR(congested_at(500), 0.2, 0.01);
  EXPECT_NEAR(congested_at(1'600), 0.75, 0.01);
  for (int i = 0; i < 1'000; ++i) {
    if (StormMeets(i, {.exchange_calls_per_minute = 500}) != FarEnd::kCongestion) continue;
    ASSERT_EQ(StormMeets(i, {.exchange_calls_per_minute = 600}), FarEnd::kCongestion);
  }
}

// The first call is made at 18 h, the night is from 22 h to 7 h.
TEST(Storm, AtNightHalfAsManyAnswer) {
  const auto answers_after = [](double hours) {
    return ShareOf(kNumbers, [hours](int i) {
      const FarEnd met = StormMeets(i, AfterHours(hours));
      return Answers(met) && met != FarEnd::kAnnouncement;
    });
  };
  const double evening = answers_after(3.99);
  EXPECT_NEAR(answers_after(4.01), evening / 2, 0.01);
  EXPECT_NEAR(answers_after(12.99), evening / 2, 0.01);
  EXPECT_NEAR(answers_after(13.01), evening, 0.01);
  EXPECT_NEAR(answers_after(24 + 4.01), evening / 2, 0.01);
}

TEST(Presets, AreFoundByNameAndDifferInTheWeatherOnly) {
  const auto calm = ReadPopulation("calm");
  ASSERT_TRUE(calm.ok());
  EXPECT_EQ(calm->outage.premises_dead, 0);
  EXPECT_EQ(Storm().outage.premises_dead, 0.15);
  EXPECT_EQ(Storm().human.key_1, calm->human.key_1);
  EXPECT_EQ(Storm().night.starts_h, calm->night.starts_h);
}

TEST(Presets, WhatIsNeitherPresetNorFileIsToldBoth) {
  const absl::Status status = ReadPopulation("strom").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "the population 'strom' is neither a preset (calm, storm) nor a readable file");
}

TEST(PopulationFile, IsReadFromItsPath) {
  const std::string path = testing::TempDir() + "/population_test.yaml";
  std::ofstream(path) << "lines: {mobile: 0.5}\n";
  const auto read = ReadPopulation(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->lines.mobile, 0.5);
  std::ofstream(path) << "lines: {mobile: 2}\n";
  EXPECT_EQ(ReadPopulation(path).status().code(), absl::StatusCode::kInvalidArgument);
  std::filesystem::remove(path);
  // A folder opens, but cannot be read.
  EXPECT_EQ(ReadPopulation(testing::TempDir()).status().code(), absl::StatusCode::kNotFound);
}

TEST(PopulationFile, WhatItLeavesOutKeepsItsDefault) {
  const auto parsed = ParsePopulation("human:\n  key_1: 12\n", "p.yaml");

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->human.key_1, 12);
  EXPECT_EQ(parsed->human.key_9, DefaultPopulation().human.key_9);
  EXPECT_EQ(parsed->rings.machine_s, DefaultPopulation().rings.machine_s);
  EXPECT_TRUE(ParsePopulation("", "p.yaml").ok());
}

TEST(PopulationFile, TheDefaultSaysOfEveryValueWhereItIsFrom) {
  std::string_view text = DefaultPopulationYaml();
  ASSERT_EQ(ParsePopulation(std::string(text), "p.yaml")->human.key_1,
            DefaultPopulation().human.key_1);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with("  ")) continue;
    EXPECT_TRUE(line.find("# [S]") != std::string_view::npos ||
                line.find("# [A]") != std::string_view::npos)
        << line;
  }
}

TEST(PopulationFile, AllFaultsAreReportedTogetherWithTheirLines) {
  const auto parsed = ParsePopulation(
      "human:\n"
      "  key_1: many\n"
      "  presses_shre: 0.3\n"
      "rings:\n"
      "  busy_s: -1\n"
      "weather: 3\n"
      "machine: 4\n"
      "answers: {machine: 0.9, fax: 0.2}\n",
      "p.yaml");

  ASSERT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(parsed.status().message());
  EXPECT_THAT(message, HasSubstr("p.yaml:2: human.key_1 must be a number"));
  EXPECT_THAT(message, HasSubstr("p.yaml:3: there is no parameter human.presses_shre"));
  EXPECT_THAT(message, HasSubstr("p.yaml:5: rings.busy_s must be a number from 0"));
  EXPECT_THAT(message, HasSubstr("p.yaml:6: there is no section 'weather'"));
  EXPECT_THAT(message, HasSubstr("p.yaml:7: machine must be a map"));
  EXPECT_THAT(message, HasSubstr("answers.machine + fax must not be more than 1"));
}

TEST(PopulationFile, WhatIsSaidTwiceOrIsATextIsRefused) {
  const auto read = ParsePopulation(
      "human:\n  patience_s: 1\n  patience_s: 2\nlines: {mobile: '0.5'}\nhuman: {}\n", "p.yaml");

  const std::string message(read.status().message());
  EXPECT_THAT(message, HasSubstr("p.yaml:3: human.patience_s comes twice"));
  EXPECT_THAT(message, HasSubstr("p.yaml:4: lines.mobile must be a number from 0 to 1"));
  EXPECT_THAT(message, HasSubstr("p.yaml:5: the section 'human' comes twice"));
}

TEST(PopulationFile, WhatIsNoYamlIsRefusedWithItsLine) {
  EXPECT_THAT(std::string(ParsePopulation("a: [\n", "p.yaml").status().message()),
              HasSubstr("p.yaml:"));
  EXPECT_EQ(ParsePopulation("- 1\n", "p.yaml").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(ParsePopulation("human: {key_1: .nan}", "p.yaml").ok());
}

}  // namespace
}  // namespace tocsin::callserver
