#include "callserver/population.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
  return PlanCall(DefaultPopulation(), 7, number, attempt);
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
                      return PlanCall(DefaultPopulation(), 8, Number(i), 0).far_end ==
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
    EXPECT_LE(PlanCall(parameters, 7, Number(i), 0).rings, absl::Seconds(5));
  }
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

TEST(PopulationFile, WhatIsNoYamlIsRefusedWithItsLine) {
  EXPECT_THAT(std::string(ParsePopulation("a: [\n", "p.yaml").status().message()),
              HasSubstr("p.yaml:"));
  EXPECT_EQ(ParsePopulation("- 1\n", "p.yaml").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadPopulationFile("/nonexistent/p.yaml").status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(ParsePopulation("human: {key_1: .nan}", "p.yaml").ok());
}

}  // namespace
}  // namespace tocsin::callserver
