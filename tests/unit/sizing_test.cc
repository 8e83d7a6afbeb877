#include "core/sizing.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(Sizing, HalfAMillionInAnHour) {
  const Sizing sizing = SizeUp({.people = 500'000, .within = absl::Hours(1)});

  EXPECT_NEAR(sizing.calls_per_second, 138.9, 0.05);
  EXPECT_EQ(sizing.at_once, 5'973);
  EXPECT_EQ(sizing.caller_numbers, 2'987);
  EXPECT_EQ(sizing.binding, BindingLimit::kTime);
  EXPECT_TRUE(sizing.in_time);
}

TEST(Sizing, AHundredNumbersOfTwoCallsEachCarryLessThanFiveASecond) {
  const Sizing sizing = SizeUp({.people = 10'000, .calls_per_second = 10, .caller_numbers = 100});

  EXPECT_NEAR(sizing.calls_per_second, 4.65, 0.01);
  EXPECT_EQ(sizing.binding, BindingLimit::kCallerNumbers);
  EXPECT_EQ(sizing.at_once, 200);
  EXPECT_EQ(sizing.caller_numbers, 100);
  EXPECT_NEAR(absl::ToDoubleMinutes(sizing.first_round), 35.8, 0.1);
}

TEST(Sizing, TheLowestLimitBinds) {
  SizingQuestion question{.people = 1'000,
                          .mean_hold = absl::Seconds(50),
                          .calls_per_second = 3,
                          .concurrent_max = 200,
                          .caller_numbers = 1'000};
  EXPECT_EQ(SizeUp(question).binding, BindingLimit::kCallsPerSecond);
  question.concurrent_max = 100;
  EXPECT_EQ(SizeUp(question).binding, BindingLimit::kConcurrency);
  EXPECT_DOUBLE_EQ(SizeUp(question).calls_per_second, 2);
}

TEST(Sizing, SaysWhenItCannotBeInTime) {
  SizingQuestion question{.people = 36'000, .within = absl::Hours(1), .calls_per_second = 9.9};
  EXPECT_FALSE(SizeUp(question).in_time);
  EXPECT_EQ(SizeUp(question).binding, BindingLimit::kCallsPerSecond);
  question.calls_per_second = 10;
  EXPECT_TRUE(SizeUp(question).in_time);
}

}  // namespace
}  // namespace tocsin
