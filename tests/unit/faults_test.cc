#include "callserver/faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tocsin::callserver {
namespace {

using testing::HasSubstr;

// Which of the first `chances` it happened to, counted from 1.
std::vector<int> TimesOf(Faults& faults, Fault fault, int chances) {
  std::vector<int> times;
  for (int i = 1; i <= chances; ++i) {
    if (faults.Due(fault)) times.push_back(i);
  }
  return times;
}

FaultPlan With(Fault fault, FaultRate rate) {
  FaultPlan plan;
  plan[fault] = rate;
  return plan;
}

TEST(FaultsTest, NothingHappensUnasked) {
  Faults faults(FaultPlan(), 1);
  for (std::size_t i = 0; i < kFaults; ++i) {
    EXPECT_THAT(TimesOf(faults, static_cast<Fault>(i), 100), testing::IsEmpty());
  }
}

TEST(FaultsTest, EveryNth) {
  Faults faults(With(Fault::kHtml, {.every = 3}), 1);
  EXPECT_THAT(TimesOf(faults, Fault::kHtml, 10), testing::ElementsAre(3, 6, 9));
}

TEST(FaultsTest, NotMoreOftenThanItMay) {
  Faults faults(With(Fault::kHtml, {.every = 1, .at_most = 2}), 1);
  EXPECT_THAT(TimesOf(faults, Fault::kHtml, 10), testing::ElementsAre(1, 2));
}

TEST(FaultsTest, AProbabilityIsMetAndTheSeedDecidesWhen) {
  const FaultPlan plan = With(Fault::kLost, {.probability = 0.2});
  Faults one(plan, 7), same(plan, 7), other(plan, 8);
  const std::vector<int> times = TimesOf(one, Fault::kLost, 10'000);

  EXPECT_NEAR(static_cast<double>(times.size()), 2'000, 200);
  EXPECT_EQ(TimesOf(same, Fault::kLost, 10'000), times);
  EXPECT_NE(TimesOf(other, Fault::kLost, 10'000), times);
  // The plan's own seed wins, and a plan that is set again begins anew.
  FaultPlan seeded = plan;
  seeded.seed = 7;
  other.Set(seeded);
  EXPECT_EQ(TimesOf(other, Fault::kLost, 10'000), times);
  other.Set(seeded);
  EXPECT_EQ(TimesOf(other, Fault::kLost, 10'000), times);
}

TEST(FaultsTest, KindsOfOneProbabilityDoNotComeTogether) {
  FaultPlan plan = With(Fault::kUnknown, {.probability = 0.5});
  plan[Fault::kGarbage] = {.probability = 0.5};
  Faults faults(plan, 1);
  EXPECT_NE(TimesOf(faults, Fault::kUnknown, 100), TimesOf(faults, Fault::kGarbage, 100));
}

TEST(FaultsTest, OneThatIsDueForSeveralGetsTheFirst) {
  FaultPlan plan = With(Fault::kThrottled, {.every = 2});
  plan[Fault::kHtml] = {.every = 3};
  Faults faults(plan, 1);
  std::vector<std::optional<Fault>> met;
  for (int i = 0; i < 6; ++i) met.push_back(faults.FirstDue({Fault::kThrottled, Fault::kHtml}));

  EXPECT_THAT(met, testing::ElementsAre(std::nullopt, Fault::kThrottled, Fault::kHtml,
                                        Fault::kThrottled, std::nullopt, Fault::kThrottled));
  EXPECT_EQ(faults.counts()[static_cast<std::size_t>(Fault::kThrottled)].times, 3);
  EXPECT_EQ(faults.counts()[static_cast<std::size_t>(Fault::kHtml)].times, 1);
  EXPECT_EQ(faults.counts()[static_cast<std::size_t>(Fault::kHtml)].chances, 6);
}

TEST(FaultsTest, DelaysLieBetweenTheirBounds) {
  FaultPlan plan;
  plan.delay_min = absl::Hours(1);
  plan.delay_max = absl::Hours(3);
  Faults faults(plan, 1);
  absl::Duration shortest = absl::InfiniteDuration(), longest;
  for (int i = 0; i < 1'000; ++i) {
    const absl::Duration delay = faults.Delay();
    shortest = std::min(shortest, delay);
    longest = std::max(longest, delay);
  }
  EXPECT_GE(shortest, absl::Hours(1));
  EXPECT_LT(shortest, absl::Minutes(65));
  EXPECT_LE(longest, absl::Hours(3));
  EXPECT_GT(longest, absl::Minutes(175));
}

constexpr char kEverything[] = R"(
seed: 18446744073709551615
create:
  throttled: {every: 10, at_most: 3}
  retry_after: date
  retry_after_s: 2
  error_before: {probability: 0.25}
  error_after: {every: 3}
  no_answer: {every: 4}
  hang_s: 0.5
  slow: {every: 5}
  slow_s: 1.5
  after_callbacks: {every: 6}
  html: {every: 7}
callbacks:
  lost: {every: 1}
  delayed: {every: 2}
  delay_min_s: 3600
  delay_max_s: 7200
  reordered: {every: 3}
  duplicated: {every: 4}
  unknown: {every: 5}
  garbage: {every: 6}
calls:
  never_ends: {every: 9}
tokens:
  expired: {every: 2}
  key_rotated: {every: 3}
  key_withdrawn: {every: 4}
  keys_fail: {every: 5}
limits:
  caller_number_calls_max: 2
  calls_max: 100
)";

FaultPlan Everything() {
  return ParseFaultPlan(kEverything, "f.yaml").value();
}

TEST(FaultPlanTest, AFileSaysEverything) {
  const FaultPlan plan = Everything();

  for (std::size_t i = 0; i < kFaults; ++i) {
    EXPECT_NE(plan[static_cast<Fault>(i)], FaultRate()) << NameOf(static_cast<Fault>(i));
  }
  EXPECT_EQ(plan.seed, 18446744073709551615ULL);
  EXPECT_EQ(plan[Fault::kThrottled], (FaultRate{.every = 10, .at_most = 3}));
  EXPECT_EQ(plan[Fault::kErrorBefore].probability, 0.25);
  EXPECT_EQ(plan.retry_after_form, RetryAfterForm::kDate);
  EXPECT_EQ(plan.retry_after, absl::Seconds(2));
  EXPECT_EQ(plan.hang, absl::Milliseconds(500));
  EXPECT_EQ(plan.slow, absl::Milliseconds(1500));
  EXPECT_EQ(plan.delay_min, absl::Hours(1));
  EXPECT_EQ(plan.delay_max, absl::Hours(2));
  EXPECT_EQ(plan.caller_number_calls_max, 2);
  EXPECT_EQ(plan.calls_max, 100);
}

TEST(FaultPlanTest, JsonGoesThereAndBack) {
  for (const FaultPlan& plan : {FaultPlan(), Everything()}) {
    const auto again = ParseFaultPlanJson(FaultPlanJson(plan));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, plan);
  }
}

TEST(FaultPlanTest, WhatIsLeftOutIsAsInTheBase) {
  const auto changed = ParseFaultPlanJson(R"({"create":{"html":{"every":1}}})", Everything());
  ASSERT_TRUE(changed.ok()) << changed.status();
  FaultPlan expected = Everything();
  expected[Fault::kHtml] = {.every = 1};
  EXPECT_EQ(*changed, expected);
  // A rate is said as a whole.
  EXPECT_EQ(
      (*ParseFaultPlanJson(R"({"create":{"throttled":{}}})", Everything()))[Fault::kThrottled],
      FaultRate());
  EXPECT_EQ(*ParseFaultPlan("", "f.yaml", Everything()), Everything());
}

struct Bad {
  const char* text;
  const char* complaint;
};

TEST(FaultPlanTest, WhatIsWrongInAFileIsNamedWithItsLine) {
  for (const Bad& bad : {
           Bad{"- 1\n", "f.yaml:1: must be a map of sections"},
           Bad{"creates:\n  x: 1\n",
               "f.yaml:1: there is no section 'creates': expected seed, create"},
           Bad{"create: 3\n", "f.yaml:1: create must be a map"},
           Bad{"create:\n  slow_s: 1\n  slou: {every: 1}\n", "f.yaml:3: there is no create.slou"},
           Bad{"create:\n  html: 0.5\n", "f.yaml:2: create.html must be a map with every"},
           Bad{"create:\n  html: {evry: 2}\n", "f.yaml:2: there is no create.html.evry"},
           Bad{"create:\n  html: {every: -1}\n", "create.html.every must be a whole number from 0"},
           Bad{"create:\n  html: {every: 1.5}\n", "create.html.every must be a whole number"},
           Bad{"create:\n  html: {every: '2'}\n", "create.html.every must be a whole number"},
           Bad{"create:\n  html: {every: [2]}\n", "create.html.every must be a whole number"},
           Bad{"create:\n  html: {probability: 1.01}\n",
               "probability must be a number from 0 to 1"},
           Bad{"create:\n  html: {probability: .nan}\n",
               "probability must be a number from 0 to 1"},
           Bad{"create:\n  retry_after: soon\n",
               "create.retry_after must be none, seconds or date"},
           Bad{"create:\n  hang_s: 86401\n", "create.hang_s must be a number from 0 to 86400"},
           Bad{"callbacks:\n  delay_max_s: 1\n", "delay_min_s must not be more than"},
           Bad{"create:\n  html: {every: 1}\n  html: {every: 2}\n",
               "f.yaml:3: create.html comes twice"},
           Bad{"create: {}\ncreate: {}\n", "f.yaml:2: create comes twice"},
           Bad{"seed: -1\n", "seed must be a whole number"},
           Bad{"seed: x\n", "seed must be a whole number"},
           Bad{"limits: {calls_max: -1}\n", "limits.calls_max must be a number from 0"},
           Bad{"create: [\n", "f.yaml:"},
       }) {
    const auto plan = ParseFaultPlan(bad.text, "f.yaml");
    ASSERT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument) << bad.text;
    EXPECT_THAT(std::string(plan.status().message()), HasSubstr(bad.complaint)) << bad.text;
  }
}

TEST(FaultPlanTest, EverythingWrongIsToldAtOnce) {
  const auto plan = ParseFaultPlan("create: {html: 1, slow_s: x}\nwhat: 1\n", "f.yaml");
  const std::string complaints(plan.status().message());
  for (const char* part : {"create.html", "create.slow_s", "'what'"}) {
    EXPECT_THAT(complaints, HasSubstr(part));
  }
}

TEST(FaultPlanTest, WhatIsWrongInJsonIsNamed) {
  for (const Bad& bad : {
           Bad{"", "not JSON"},
           Bad{"{", "not JSON"},
           Bad{"[]", "faults must be an object"},
           Bad{"3", "faults must be an object"},
           Bad{"create: {}", "not JSON"},
           Bad{R"({"create":{"html":{"every":"2"}}})", "create.html.every must be a whole number"},
           Bad{R"({"create":{"html":{"every":true}}})", "create.html.every must be a whole number"},
           Bad{R"({"create":{"html":{"every":1e99}}})", "create.html.every must be a whole number"},
           Bad{R"({"create":{"retry_after":3}})", "create.retry_after must be none"},
           Bad{R"({"create":[]})", "create must be a map"},
           Bad{R"({"create":{},"create":{}})", "two members of one name"},
           Bad{R"({"":{}})", "there is no section ''"},
           Bad{R"({"seed":"1"})", "seed must be a whole number"},
           Bad{"{\"a\xFF\":1}", "not JSON in UTF-8"},
       }) {
    const auto plan = ParseFaultPlanJson(bad.text);
    ASSERT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument) << bad.text;
    EXPECT_THAT(std::string(plan.status().message()), HasSubstr(bad.complaint)) << bad.text;
  }
  EXPECT_FALSE(ParseFaultPlanJson(std::string(100'000, '[')).ok());
}

TEST(FaultPlanTest, EveryTruncationOfJsonIsRefused) {
  const std::string json = FaultPlanJson(Everything());
  for (std::size_t size = 0; size < json.size(); ++size) {
    EXPECT_FALSE(ParseFaultPlanJson(json.substr(0, size)).ok()) << size;
  }
}

TEST(FaultPlanTest, AFileThatIsNotThereIsNamed) {
  const auto plan = ReadFaultPlan("/nowhere/f.yaml");
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("/nowhere/f.yaml"));
}

}  // namespace
}  // namespace tocsin::callserver
